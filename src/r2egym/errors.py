"""Every exception this package raises on purpose.

::

    R2EGymError
    ├── UsageError (ValueError)              the caller asked for something that makes no sense
    │   └── MissingExtraError                what was asked for needs an optional package
    ├── TaskError                            boundary "task": a repository, recipe, build or dataset
    │   ├── RepositoryError                  no repository there, an empty one, an unknown revision
    │   ├── RecipeError                      a recipe that cannot be read or says nothing useful
    │   ├── BuildError                       an environment that cannot be built (has a reason code)
    │   └── DatasetError                     a dataset that cannot be read or written
    ├── SandboxError (RuntimeError)          boundary "sandbox": the machinery, never the command in it
    │   ├── SandboxUnavailableError          this machine cannot run that backend
    │   ├── SandboxStartError                it should have started, and did not
    │   ├── SandboxClosedError               used after close, or it died
    │   └── SandboxFileError (OSError)       a file in the sandbox cannot be read or written
    ├── ModelError                           boundary "model": a language model's server
    │   ├── ModelUnavailableError            it cannot be reached, is overloaded, or broke; worth another run
    │   ├── ModelTimeoutError (TimeoutError) no answer in time, tries included
    │   ├── ModelRequestError                it refuses the request as such: key, name, parameter
    │   ├── ContextOverflowError             the conversation is longer than the model's context
    │   ├── RefusalError                     the provider's filter, or the model, declined
    │   ├── EmptyAnswerError                 neither text nor a call, again and again
    │   └── ReplayError                      a recorded run asks for something else at this step
    ├── AgentError                           boundary "agent": an agent's own code
    └── GraderError (RuntimeError)           boundary "grader": grading itself broke

A command that exits non-zero is a result, not an exception. A failure of the machinery never becomes a reward of 0:
it becomes a :class:`~r2egym.records.Failure` with the boundary of the exception that caused it.
"""

from __future__ import annotations

from typing import ClassVar


class R2EGymError(Exception):
    """Root of the tree. ``boundary`` names the part of the system that failed; ``str()`` is one clear line."""

    boundary: ClassVar[str] = "usage"


class UsageError(R2EGymError, ValueError):
    """The caller asked for something that makes no sense; nothing was done."""


class MissingExtraError(UsageError):
    """What was asked for needs an optional package.

    Args:
        what: needs which package, in words.
        extra: of this package, that brings it.
    """

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(
            f"{what}: pip install 'r2egym[{extra}]' (in a clone: uv pip install -e '.[{extra}]')"
        )


class TaskError(R2EGymError):
    """Something is wrong with a repository, a recipe, a build, or a dataset."""

    boundary = "task"


class RepositoryError(TaskError):
    """No repository there, an empty one, or an unknown revision."""


class RecipeError(TaskError):
    """A recipe that cannot be read, or that says nothing useful."""


class BuildError(TaskError):
    """An environment that cannot be built.

    Args:
        reason: a stable, short code that a funnel counts (``no-recipe``, ``resolve-failed``, ``import-failed``…).
        message: one line for people.
        log: what the tools printed, bounded.
    """

    def __init__(self, reason: str, message: str, log: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.log = log


class DatasetError(TaskError):
    """A dataset that cannot be read or written."""


class SandboxError(R2EGymError, RuntimeError):
    """The sandbox broke: never what a command inside it did."""

    boundary = "sandbox"


class SandboxUnavailableError(SandboxError):
    """This machine cannot run the backend asked for; the message says what would mend it."""


class SandboxStartError(SandboxError):
    """The sandbox should have started, and did not.

    Args:
        message: one line for people.
        reason: what kind of refusal it was, where an engine tells (``rate-limit``, ``disk``, ``name-clash``,
            ``missing-image``, ``busy``, ``engine``); else empty.
    """

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = str(reason)


class SandboxClosedError(SandboxError):
    """The sandbox was used after ``close``, or it died."""


class SandboxFileError(SandboxError, OSError):
    """A file in the sandbox cannot be read or written."""


class ModelError(R2EGymError):
    """A language model's server did not answer as it should."""

    boundary = "model"


class ModelUnavailableError(ModelError):
    """It cannot be reached, is overloaded, or broke; worth another run."""


class ModelTimeoutError(ModelError, TimeoutError):
    """No answer in time, tries included."""


class ModelRequestError(ModelError):
    """The server refuses the request as such: an unknown key, model or parameter. Asking again changes nothing."""


class ContextOverflowError(ModelError):
    """The conversation is longer than the model's context."""


class RefusalError(ModelError):
    """The provider's filter, or the model itself, declined to answer."""


class EmptyAnswerError(ModelError):
    """The model said nothing, neither text nor a call, however often it was asked."""


class ReplayError(ModelError):
    """A recorded run asks for something else than it did when it was recorded; the message tells the step."""


class AgentError(R2EGymError):
    """An agent's own code failed."""

    boundary = "agent"


class GraderError(R2EGymError, RuntimeError):
    """Grading itself broke, so there is no reward to report."""

    boundary = "grader"
