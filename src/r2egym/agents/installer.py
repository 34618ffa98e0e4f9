"""The installer: an agent in a build sandbox that proposes how a repository is set up, where reading its files was not enough.

It sees the commit before the fix, of what comes after only what failing tests print, and works where foreign builds run: no host, no network
but the package index as of the commit's date. All that leaves the sandbox is the text of a proposal; whether that counts, the caller's
check says, by the way that every recipe takes.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Self

from r2egym.agents.base import LoopOptions, Mode, Sampling
from r2egym.agents.history import conversation
from r2egym.agents.installer_brief import LOG, SYSTEM, Case
from r2egym.agents.loop import opening, pursue
from r2egym.building import Bench
from r2egym.building.files import Files
from r2egym.environment import Outcome, perform
from r2egym.errors import BuildError, ContextOverflowError, ModelUnavailableError, RecipeError, SandboxError
from r2egym.llm import Model, total
from r2egym.records import Answer, Message, Recipe, Record, Request, RolloutLimits, ToolCall, Usage
from r2egym.sandboxes.base import Sandbox
from r2egym.tools import (
    EXECUTE_BASH,
    FINISH,
    SEARCH,
    Arguments,
    Parameter,
    Tool,
    ToolResult,
    Toolset,
    Workplace,
)

_COMMAND_SECONDS = 180


class Budget(Record):
    """Bounds of an installer."""

    steps: int = 30
    """Turns on one commit."""
    tokens: int = 400_000
    """Tokens on one commit, requests and answers together."""
    seconds: int = 1_800
    """Seconds on one commit, of models, commands and checks together."""
    proposals: int = 6
    """Proposals on one commit."""
    failures: int = 3
    """Commits of a repository on which it may fail for the same reason; then it is not asked about that reason again."""


class Installed(Record):
    """How an installer's work went."""

    recipe: Recipe | None
    """The proposal that counts."""
    proposals: int
    complaint: str
    """What was wrong with the last proposal, or what the agent said when it gave up."""
    steps: int
    seconds: float
    usage: Usage
    ending: str
    """Why it ended; see ``ExitReason``."""
    transcript: tuple[Message, ...]


@dataclass(frozen=True)
class Site:
    """What an installer works on."""

    files: Files
    """The commit's."""
    bench: Callable[[str], AbstractContextManager[Bench]]
    """Opens the build sandbox for a version of Python."""
    check: Callable[[str], Recipe]
    """The recipe of a proposal that counts. Raises RecipeError or BuildError when it does not."""
    stop: Callable[[], None] = lambda: None
    """Called before every question; raises when the work is to end."""


class Installer:
    """Asks a model. Safe for threads.

    Args:
        model: answers.
        mode: how calls are made.
        budget: bounds.
    """

    def __init__(self, model: Model, mode: Mode, budget: Budget) -> None:
        self.name = model.name
        self.budget = budget
        self._model, self._mode = model, mode

    def install(self, case: Case, site: Site) -> Installed:
        """Look for a recipe.

        Raises:
            ModelError: the model's server failed, or refuses what it is asked as such.
            SandboxError: no sandbox can be had.
        """
        with _Work(self._model, self._mode, self.budget, case, site) as work:
            manual = f"\n\n{work.toolset.manual()}" if self._mode == "xml" else ""
            work.opening = opening(SYSTEM + manual, case.text(site.files))
            limits = RolloutLimits(
                max_steps=self.budget.steps,
                max_steps_absolute=self.budget.steps,
                max_token_limit=self.budget.tokens,
                max_exec_time=_COMMAND_SECONDS,
                max_total_time=self.budget.seconds,
            )
            went = pursue(work, work, work, LoopOptions(limits=limits, sampling=Sampling(temperature=0.2)))
            if went.failure is not None:
                raise ModelUnavailableError(f"{self.name}: {went.failure.cause}")
            return Installed(
                recipe=work.recipe,
                proposals=work.proposals,
                complaint=work.complaint or went.result,
                steps=len(went.steps),
                seconds=round(went.steps[-1].total_time_traj if went.steps else 0.0, 3),
                usage=total(work.usages),
                ending=went.exit_reason,
                transcript=tuple(conversation(work.opening, went.steps, self._mode)),
            )

    def close(self) -> None:
        """Give the model's connections back; twice is safe."""
        self._model.close()


class _Work:
    """One case: speaker, policy and surroundings of the loop."""

    opening: tuple[Message, ...] = ()

    def __init__(self, model: Model, mode: Mode, budget: Budget, case: Case, site: Site) -> None:
        self.model = model.name
        self.mode: Mode = mode
        self.toolset = Toolset((EXECUTE_BASH, SEARCH, self._use_python(case), self._propose(), FINISH))
        self.recipe: Recipe | None = None
        self.proposals = 0
        self.complaint = ""
        self.usages: list[Usage] = []
        self._client, self._budget, self._site = model, budget, site
        self._python = case.recipe.python
        self._open = ExitStack()
        self._sandbox: Sandbox | None = None

    # --- the loop's sides ---------------------------------------------------------------------------------------

    def answer(self, request: Request, *, timeout: float) -> Answer:
        """The model's next turn, while there are tokens left."""
        self._site.stop()
        if total(self.usages).total >= self._budget.tokens:
            raise ContextOverflowError("all tokens are used up")
        answer = self._client.complete(request, timeout=timeout)
        self.usages.append(answer.usage)
        return answer

    def act(self, call: ToolCall | None, *, timeout: float | None = None) -> Outcome:
        """Run a call. A sandbox that a command broke is replaced."""
        try:
            return perform(self.toolset, self._place, call, timeout or _COMMAND_SECONDS)
        except SandboxError as error:
            if self._sandbox is None or self._sandbox.is_alive():
                raise
            self.close()
            said = str(error).partition("\n")[0]
            return Outcome(
                call=call, observation=f"The sandbox broke ({said}). The next call gets a new one."
            )

    # --- tools --------------------------------------------------------------------------------------------------

    def _propose(self) -> Tool:
        def run(_: Workplace, arguments: Arguments) -> ToolResult:
            self.proposals += 1
            try:
                self.recipe = self._site.check(str(arguments["recipe"]))
            except RecipeError as error:
                self.complaint = str(error)
            except BuildError as error:
                if error.reason == "index-unreachable":
                    raise
                self.complaint = f"{error.reason}: {error}"
                return self._refused(f"{self.complaint}\n\n{error.log[-LOG:]}")
            else:
                return ToolResult(output="", done=True)
            return self._refused(self.complaint)

        recipe = Parameter("recipe", "string", "The whole recipe, as TOML.", required=True, aliases=("toml",))
        words = "Proposes a recipe, has it built from nothing and checked, and tells what is wrong with it, if anything is."
        return Tool("propose", words, (recipe,), run, aliases=("submit", "propose_recipe"))

    def _refused(self, why: str) -> ToolResult:
        left = self._budget.proposals - self.proposals
        if left <= 0:
            return ToolResult(output="", done=True)
        return ToolResult(output=f"This recipe does not count. {why}\n\nProposals left: {left}.", ok=False)

    def _use_python(self, case: Case) -> Tool:
        def run(_: Workplace, arguments: Arguments) -> ToolResult:
            self.close()
            self._python = str(arguments["version"])
            return ToolResult(output=f"The next command runs in a fresh sandbox with Python {self._python}.")

        version = Parameter(
            "version", "string", "MAJOR.MINOR.", required=True, choices=case.pythons, aliases=("python",)
        )
        return Tool(
            "use_python", "Starts the sandbox anew, with another Python (2.7 has no uv).", (version,), run
        )

    # --- the sandbox --------------------------------------------------------------------------------------------

    def _place(self) -> Workplace:
        if self._sandbox is None:
            self._sandbox = self._open.enter_context(self._site.bench(self._python)).sandbox
        return Workplace(sandbox=self._sandbox)

    def close(self) -> None:
        """End its sandbox; twice is safe."""
        self._sandbox = None
        self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
