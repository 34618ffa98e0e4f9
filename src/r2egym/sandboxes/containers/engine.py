"""The connection to a Docker engine, and what its refusals mean.

Address, certificates, logins and mirrors are those that ``docker`` itself is configured with: the SDK reads ``$DOCKER_HOST`` and
the user's ``config.json``; mirrors are the daemon's. Podman's socket speaks the same language.

What may pass by itself is tried again; what then remains is a :class:`SandboxStartError` that says which kind it was.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

from r2egym.errors import MissingExtraError, SandboxError, SandboxStartError, SandboxUnavailableError

_T = TypeVar("_T")
_ANSWER_SECONDS = 300.0
"""How long the engine may take for one request."""
_CONNECTIONS = 64
_PAUSES = (0.2, 1.0, 4.0, 15.0)
"""Seconds between tries."""


class Refusal(StrEnum):
    """Why an engine, or the registry behind it, did not do what it was asked for."""

    RATE = "rate-limit"
    DISK = "disk"
    NAME = "name-clash"
    MISSING = "missing-image"
    BUSY = "busy"
    OTHER = "engine"


_SIGNS = (
    (Refusal.RATE, r"toomanyrequests|too many requests|rate limit|\b429\b"),
    (Refusal.DISK, r"no space left on device|disk quota exceeded|not enough space"),
    (Refusal.NAME, r"(name|tag) .*already in use|already in use by container"),
    (Refusal.MISSING, r"no such image|manifest unknown|manifest for .* not found|repository does not exist|image not known"),
    (Refusal.BUSY, r"timed? ?out|temporarily unavailable|connection reset|i/o timeout|deadline exceeded|try again"),
)  # fmt: skip
_MENDS = {
    Refusal.RATE: "log in with `docker login`, or give the daemon a registry mirror",
    Refusal.DISK: "free some space for the engine: `r2egym images prune` removes what is ours",
    Refusal.NAME: "another one has that name",
    Refusal.MISSING: "build it with `r2egym images build`, or pull it",
    Refusal.BUSY: "the engine did not keep up",
    Refusal.OTHER: "",
}
PASSING = frozenset({Refusal.RATE, Refusal.BUSY})
"""Refusals that may pass by themselves."""


def refusal_of(error: Exception) -> Refusal:
    """What kind of refusal an exception of the SDK is."""
    status = getattr(getattr(error, "response", None), "status_code", 0)
    if status == 429:  # noqa: PLR2004 - the number has a name nowhere
        return Refusal.RATE
    said = said_by(error)
    return next(
        (kind for kind, sign in _SIGNS if re.search(sign, said, re.IGNORECASE | re.DOTALL)), Refusal.OTHER
    )


def said_by(error: Exception) -> str:
    """One line of what the engine said."""
    said = getattr(error, "explanation", None) or str(error)
    text = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
    return " ".join(text.split())[:500]


class Engine:
    """A connection; safe for threads.

    Args:
        client: the SDK's low-level client; None: connect as ``docker`` would.
        pause: waits between two tries.

    Raises:
        MissingExtraError: Docker's client is not installed.
        SandboxUnavailableError: no engine answers.
    """

    def __init__(self, client: Any = None, pause: Callable[[float], None] = time.sleep) -> None:
        self.api = client or _connect()
        self._pause = pause
        facts = self.ask(self.api.info)
        self.holds: dict[str, bool] = {
            "memory": bool(facts.get("MemoryLimit", True)),
            "pids": bool(facts.get("PidsLimit", True)),
            "cpu": bool(facts.get("CpuCfsQuota", True)),
        }
        """Which limits its containers can be held to."""
        self.version = f"{facts.get('Name', '')} {facts.get('ServerVersion', '')}".strip()
        self.group_version = str(facts.get("CgroupVersion", ""))
        """Of control groups: ``1`` or ``2``."""

    def ask(
        self,
        request: Callable[[], _T],
        *,
        mend: Callable[[Refusal], bool] | None = None,
        what: str = "the engine refuses",
    ) -> _T:
        """Make a request; again after a while when its refusal may pass, or when ``mend`` has dealt with it.

        Args:
            request: makes it.
            mend: does something about a refusal; whether it is worth another try. Called once a kind.
            what: begins the message of the exception.

        Raises:
            SandboxStartError: it was refused for good; ``reason`` is the kind of refusal.
        """
        from docker.errors import DockerException
        from requests.exceptions import RequestException

        pauses = iter(_PAUSES)
        mended: set[Refusal] = set()
        while True:
            try:
                return request()
            except (DockerException, RequestException) as error:
                kind = refusal_of(error)
                if mend is not None and kind not in mended and mend(kind):
                    mended.add(kind)
                    continue
                wait = next(pauses, None) if kind in PASSING else None
                if wait is None:
                    raise refused(error, kind, what) from error
            self._pause(wait)

    def quietly(self, request: Callable[[], object]) -> bool:
        """Make a request whose refusal does not matter; whether it was granted."""
        from docker.errors import DockerException
        from requests.exceptions import RequestException

        try:
            request()
        except (DockerException, RequestException):
            return False
        return True


def refused(error: Exception, kind: Refusal, what: str) -> SandboxError:
    """The exception for a refusal."""
    mend = f"; {_MENDS[kind]}" if _MENDS[kind] else ""
    return SandboxStartError(f"{what}: {said_by(error)}{mend}", reason=kind)


def _connect() -> Any:
    try:
        import docker
    except ImportError as error:
        raise MissingExtraError("the docker backend needs Docker's client", "docker") from error
    from docker.errors import DockerException

    try:
        client = docker.from_env(timeout=_ANSWER_SECONDS, max_pool_size=_CONNECTIONS)
        client.api.ping()
    except (DockerException, OSError) as error:
        raise SandboxUnavailableError(
            f"no Docker engine answers: {said_by(error)}; start one, or set DOCKER_HOST; see `r2egym doctor --machine`"
        ) from error
    return client.api
