"""What an engine's refusals mean, and which of them are tried again. The engine is a stand-in at the SDK's seam."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from docker.errors import APIError, ImageNotFound
from requests import Response
from requests.exceptions import ConnectionError as NoConnectionError
from requests.exceptions import ReadTimeout

from r2egym.errors import SandboxStartError
from r2egym.sandboxes.containers.engine import Engine, Refusal, refusal_of


def refused(status: int, said: str) -> APIError:
    """What the SDK raises."""
    response = Response()
    response.status_code = status
    return APIError("refused", response=response, explanation=said)


@dataclass
class Api:
    """An engine that refuses as often as told, in the order told."""

    refusals: list[Exception]
    asked: int = 0

    def info(self) -> dict[str, Any]:
        """Facts."""
        return {"MemoryLimit": True, "PidsLimit": False, "ServerVersion": "1"}

    def work(self) -> str:
        """Refuse, or do it."""
        self.asked += 1
        if self.refusals:
            raise self.refusals.pop(0)
        return "done"


@dataclass
class Clock:
    """Notes how long was waited."""

    waited: list[float] = field(default_factory=list)

    def __call__(self, seconds: float) -> None:
        """Wait, as it were."""
        self.waited.append(seconds)


def engine(*refusals: Exception) -> tuple[Engine, Api, Clock]:
    """An engine that refuses so."""
    api, clock = Api(list(refusals)), Clock()
    return Engine(api, clock), api, clock


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (refused(429, "slow down"), Refusal.RATE),
        (refused(500, "toomanyrequests: You have reached your pull rate limit"), Refusal.RATE),
        (refused(500, "write /var/lib/x: no space left on device"), Refusal.DISK),
        (refused(409, 'Conflict. The container name "/x" is already in use by container "y"'), Refusal.NAME),
        (ImageNotFound("refused", explanation="No such image: x:y"), Refusal.MISSING),
        (refused(404, "manifest for x:y not found: manifest unknown"), Refusal.MISSING),
        (ReadTimeout("Read timed out."), Refusal.BUSY),
        (NoConnectionError("Connection reset by peer"), Refusal.BUSY),
        (refused(400, "invalid mount config"), Refusal.OTHER),
    ],
)
def test_kinds(error: Exception, kind: Refusal) -> None:
    """Each refusal has its kind."""
    assert refusal_of(error) is kind


@pytest.mark.parametrize("said", ["toomanyrequests", "context deadline exceeded"])
def test_what_passes_is_tried_again(said: str) -> None:
    """Rate limits and a busy engine are waited for, longer each time."""
    found, api, clock = engine(refused(500, said), refused(500, said))
    assert found.ask(api.work) == "done"
    assert clock.waited == sorted(clock.waited)
    assert len(clock.waited) == 2


def test_patience_ends() -> None:
    """What does not pass is typed in the end, and says what to do."""
    found, api, clock = engine(*[refused(429, "rate limit") for _ in range(20)])
    with pytest.raises(SandboxStartError, match="docker login") as caught:
        found.ask(api.work)
    assert caught.value.reason == "rate-limit"
    assert api.asked == len(clock.waited) + 1 == 5


@pytest.mark.parametrize(
    ("said", "reason"), [("no space left on device", "disk"), ("invalid mount config", "engine")]
)
def test_what_does_not_pass_is_told_at_once(said: str, reason: str) -> None:
    """A full disk or a wrong request is not asked for again."""
    found, api, clock = engine(refused(500, said))
    with pytest.raises(SandboxStartError, match=said) as caught:
        found.ask(api.work)
    assert (caught.value.reason, api.asked, clock.waited) == (reason, 1, [])


@pytest.mark.parametrize(
    "said", ["No such image: x", 'The container name "/x" is already in use by container "y"']
)
def test_what_can_be_mended_is_mended_once(said: str) -> None:
    """A missing image is made and a name freed, and then it is asked for again at once; the same refusal twice is one for good."""
    mended: list[Refusal] = []

    def mend(kind: Refusal) -> bool:
        mended.append(kind)
        return True

    found, api, clock = engine(refused(404, said))
    assert found.ask(api.work, mend=mend) == "done"
    assert (len(mended), clock.waited) == (1, [])
    found, api, _ = engine(refused(404, said), refused(404, said))
    with pytest.raises(SandboxStartError) as caught:
        found.ask(api.work, mend=mend)
    assert caught.value.reason == mended[0]


def test_what_does_not_matter() -> None:
    """A request whose refusal does not matter never raises."""
    found, api, _ = engine(refused(409, "removal is already in progress"))
    work: Callable[[], object] = api.work
    assert [found.quietly(work), found.quietly(work)] == [False, True]


def test_limits_it_cannot_hold() -> None:
    """An engine without a control group for something says so."""
    assert engine()[0].holds == {"memory": True, "pids": False, "cpu": True}
