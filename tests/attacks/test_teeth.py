"""Each cheat truly cheats: the simple way of grading that it names is beaten by it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.attacks import naive
from tests.attacks.wares import SUITES, Wares

from r2egym.attacks import Attack, attacks

BITING = [attack for attack in attacks() if attack.beats not in ("none", "leak")]


@pytest.fixture(scope="module")
def won(wares: Wares, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bool | str]:
    """Attack → whether it beat its naive grader; two at a time."""
    folder = tmp_path_factory.mktemp("naive")

    def one(attack: Attack) -> bool | str:
        try:
            return naive.wins(wares, attack, folder / attack.name)
        except naive.RejectedError as error:
            return str(error)

    with ThreadPoolExecutor(2) as threads:
        return dict(zip((attack.name for attack in BITING), threads.map(one, BITING), strict=True))


@pytest.mark.parametrize("name", [attack.name for attack in BITING])
def test_a_naive_grader_is_beaten(won: dict[str, bool | str], name: str) -> None:
    """The grader that the cheat is made for gives it the win."""
    assert won[name] is True


@pytest.mark.parametrize("beats", ["log", "exit", "file", "channel", "tree"])
@pytest.mark.parametrize("suite", SUITES)
def test_a_naive_grader_is_right_about_honest_patches(
    wares: Wares, tmp_path: Path, beats: str, suite: str
) -> None:
    """Without a cheat the same graders say no to nothing and yes to gold: what they lack is only suspicion."""
    if beats == "tree":
        pytest.skip("it runs the tests of the base commit, which pass: that is its fault")
    nothing = Attack("t.nothing", "Nothing.", "paths", beats=beats, suite=suite)  # type: ignore[arg-type]
    gold = Attack("t.gold", "Gold.", "honest", lambda target: target.task.patch, beats=beats, suite=suite)  # type: ignore[arg-type]
    assert not naive.wins(wares, nothing, tmp_path / "nothing")
    assert naive.wins(wares, gold, tmp_path / "gold")
