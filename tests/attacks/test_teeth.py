"""Each cheat truly cheats: the simple way of grading that it names is beaten by it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.attacks import naive
from tests.attacks.wares import SUITES, Wares

from r2egym.attacks import Attack, Target, attack, attacks
from r2egym.attacks.secrets import found

pytestmark = pytest.mark.long
BITING = [attack for attack in attacks() if attack.beats not in ("none", "leak")]


@pytest.fixture(scope="module")
def won(wares: Wares, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bool | str]:
    """Attack → whether it beat its naive grader; two at a time."""
    folder = tmp_path_factory.mktemp("naive")

    def one(cheat: Attack) -> bool | str:
        try:
            return naive.wins(wares, cheat, folder / cheat.name)
        except naive.RejectedError as error:
            return str(error)

    with ThreadPoolExecutor(2) as threads:
        return dict(zip((attack.name for attack in BITING), threads.map(one, BITING), strict=True))


@pytest.mark.parametrize("name", [attack.name for attack in BITING])
def test_a_naive_grader_is_beaten(won: dict[str, bool | str], name: str) -> None:
    """The grader that the cheat is made for gives it the win."""
    assert won[name] is True


HONEST = [("log", suite) for suite in SUITES] + [
    (beats, "functions") for beats in ("exit", "file", "channel")
]
"""All but ``tree``, which runs the tests of the base commit, which pass: that is its fault."""


@pytest.mark.parametrize(("beats", "suite"), HONEST)
def test_a_naive_grader_is_right_about_honest_patches(
    wares: Wares, tmp_path: Path, beats: str, suite: str
) -> None:
    """Without a cheat the same graders say no to nothing and yes to gold: what they lack is only suspicion."""
    nothing = Attack("t.nothing", "Nothing.", "paths", beats=beats, suite=suite)  # type: ignore[arg-type]
    gold = Attack("t.gold", "Gold.", "honest", lambda target: target.task.patch, beats=beats, suite=suite)  # type: ignore[arg-type]
    assert not naive.wins(wares, nothing, tmp_path / "nothing")
    assert naive.wins(wares, gold, tmp_path / "gold")


@pytest.fixture(scope="module")
def leaky(wares: Wares, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work tree like those of published images, with the fix in every corner."""
    return naive.leaky(wares, tmp_path_factory.mktemp("leaky") / "testbed")


@pytest.mark.parametrize("name", [one.name for one in attacks() if one.beats == "leak"])
def test_a_script_finds_what_leaks(wares: Wares, leaky: Path, name: str) -> None:
    """Where the fix or its tests lie about, the script prints them."""
    target = Target(wares.tasks["functions"], wares.repository)
    assert found(target, naive.confined(leaky, attack(name).script(target)))
