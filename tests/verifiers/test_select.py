"""Verifying by functions and judges, choosing, gathering: on runs made by hand, and by the commands."""

import json
import threading

import pytest
from tests.verifiers.conftest import lines, trajectory

from r2egym.errors import DatasetError, UsageError
from r2egym.llm import ScriptedServer
from r2egym.records import Answer, Failure, Scores, TokenLogprob
from r2egym.verifiers import (
    Candidate,
    choose,
    find_verifier,
    gather,
    normalised,
    read_scores,
    read_verdicts,
    register,
    select_run,
    verify_run,
)
from r2egym.verifiers.runs import VerdictFile
from r2egym.verifiers.select import Entry
from r2egym.verifiers.verify import VERIFIERS


def patch(path: str, new: str, old_id: str = "1111111") -> str:
    """A change of one line."""
    return f"diff --git a/{path} b/{path}\nindex {old_id}..2222222 100644\n--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-old\n+{new}\n"


def shortest(candidate: Candidate) -> float | None:
    """A verifier that is one function: the shorter, the better; an empty patch is unknown."""
    return -float(len(candidate.patch)) if candidate.patch else None


@pytest.fixture
def run(make_run):
    """Three attempts at one task, two at another, one of them masked with a patch."""
    return make_run(
        [
            trajectory("a", 0, patch("x.py", "long wrong answer"), 0.0),
            trajectory("a", 1, patch("x.py", "good"), 1.0),
            trajectory("a", 2, "", 0.0),
            trajectory("b", 0, patch("y.py", "good"), None),
            trajectory("b", 1, patch("y.py", "also good"), 1.0),
        ]
    )


def test_a_verifier_is_one_function(run):
    """Put on the list or named by module:function, its verdicts are kept, and its highest score is chosen."""
    register("shortest", shortest)
    try:
        assert len(list(verify_run(run, find_verifier("shortest")))) == 5
    finally:
        del VERIFIERS["shortest"]
    assert [choice.attempt for choice in select_run(run, "shortest")] == [1, 0]
    assert read_scores(run)[0].rows[2].other == {"shortest": None}
    name = f"{__name__}:shortest"
    assert [verdict.verifier for verdict in verify_run(run, find_verifier(name))] == [name] * 5
    for bad in ("nobody", "no.such.module:f", "json:nothing", "math:pi"):
        with pytest.raises(UsageError):
            find_verifier(bad)
    with pytest.raises(UsageError, match="already"):
        register("hybrid", shortest)


@pytest.mark.parametrize("name", ["os:system", "builtins:repr"])
def test_a_verifier_that_fails_is_its_authors_mistake(run, name: str):
    """What it raises, or returns beside a number and None, is said with the attempt; nothing is written of it."""
    with pytest.raises(UsageError, match=rf"^{name} at a #0: .*(TypeError|not str)"):
        list(verify_run(run, find_verifier(name), jobs=1))
    assert read_verdicts(run) == {}


def test_verdicts_survive_a_cut(run):
    """A half written last line is dropped; a second writer is refused; failures are tried again."""
    verifier = find_verifier(f"{__name__}:shortest")
    first, *_ = list(verify_run(run, verifier))
    path = run / "verdicts.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    assert len(read_verdicts(run)) == 4
    assert len(list(verify_run(run, verifier))) == 1
    assert len(lines(path)) == 5
    with VerdictFile(run) as file:
        with pytest.raises(UsageError, match="being written by another process"):
            VerdictFile(run)
        file.add(first.model_copy(update={"failure": Failure(boundary="model", cause="down")}))
    assert [verdict.identity for verdict in verify_run(run, verifier)] == [first.identity]
    path.write_text("{}\n")
    with pytest.raises(DatasetError, match=r"verdicts\.jsonl, line 1"):
        read_verdicts(run)


def entry(attempt: int, text: str, **scores: float | None) -> Entry:
    """An attempt that may be chosen."""
    return Entry(
        instance_id="t",
        identity=str(attempt),
        model="m",
        patch=text,
        scores=Scores(attempt=attempt, **scores),
    )


def test_choosing_is_pure_and_ties_depend_on_seed_and_task_alone():
    """The same entries give the same choice; over seeds every tied attempt is chosen, others never."""
    entries = [entry(n, "", judge=0.9 if n else 0.1) for n in range(4)]
    chosen = [choose("execution-free", entries, seed=seed).attempt for seed in range(60)]
    assert chosen == [choose("execution-free", entries, seed=seed).attempt for seed in range(60)]
    assert set(chosen) == {1, 2, 3}


def test_equal_patches_can_be_one(make_run):
    """Merged, three equal patches weigh as one with the mean of their judges' scores; ids of blobs do not tell them apart."""
    same = [patch("x.py", "good", own) for own in ("1111111", "3333333")]
    with_test = patch("tests/test_x.py", "mine") + same[0]
    run = make_run(
        [trajectory("t", n, text, 0.0) for n, text in enumerate([*same, with_test, patch("x.py", "bad")])]
    )
    scores = iter([0.9, 0.1, 0.2, 0.5])
    list(verify_run(run, _Fixed(scores), jobs=1))
    (alone,) = select_run(run, "fixed")
    (merged,) = select_run(run, "fixed", merge=True)
    assert (alone.attempt, alone.attempts) == (0, 4)
    assert (merged.attempt, merged.attempts) == (3, 2)
    (normal,) = select_run(run, "random", seed=1, normal=True)
    assert "tests/test_x.py" not in normal.patch


class _Fixed:
    """Scores handed in one after the other."""

    name = "fixed"
    whole_tasks = True

    def __init__(self, scores) -> None:
        self._scores = scores

    def terms(self, _: str) -> str:
        return "fixed"

    def verdicts(self, candidates):
        from r2egym.records import Verdict

        for one in candidates:
            yield Verdict(instance_id=one.instance_id, attempt=one.attempt, identity=one.identity, verifier="fixed",
                          terms="fixed", score=next(self._scores))  # fmt: skip


def test_normalising_a_patch():
    """Tests and control files go, files are in order; what is no patch stays."""
    text = patch("z.py", "1") + patch("tests/test_z.py", "2") + patch("conftest.py", "3") + patch("a.py", "4")
    assert normalised(text) == patch("a.py", "4") + patch("z.py", "1")
    assert normalised("nonsense") == "nonsense"


def test_gathering_runs(make_run, tmp_path):
    """Attempts of two runs are one run's; again, nothing changes; runs on other datasets are refused."""
    first = make_run([trajectory("a", 0, "p", 1.0)], dataset="d", name="one")
    second = make_run([trajectory("a", 0, "q", 0.0), trajectory("b", 0, "r", 0.0)], dataset="d", name="two")
    assert gather([first, second], tmp_path / "both") == 3
    before = (tmp_path / "both" / "trajectories.jsonl").read_bytes()
    assert gather([first, second], tmp_path / "both") == 3
    assert (tmp_path / "both" / "trajectories.jsonl").read_bytes() == before
    assert [
        (task.instance_id, [row.truth for row in task.rows]) for task in read_scores(tmp_path / "both")
    ] == [
        ("a", [1.0, 0.0]),
        ("b", [0.0]),
    ]
    other = make_run([trajectory("a", 0, "p", 1.0)], dataset="e", name="three")
    with pytest.raises(UsageError, match="on one dataset"):
        gather([first, other], tmp_path / "none")


def test_the_commands_end_to_end(run, r2egym, tmp_path):
    """Verify with a judge on a real server, select, bestk: what each prints and writes; resumed, nothing is asked again."""
    asked = []
    lock = threading.Lock()

    def say(body) -> Answer:
        question = body["messages"][-1]["content"]
        with lock:
            asked.append(question)
        word = "YES" if "+good" in question or "+also good" in question else "NO"
        chance = -0.05 if "+good" in question else -0.3
        other = "NO" if word == "YES" else "YES"
        token = TokenLogprob(token=word, logprob=chance, top={word: chance, other: -3.0})
        return Answer(text=word, logprobs=(token,))

    with ScriptedServer(say) as server:
        words = (
            "verify",
            run,
            "--verifier",
            "execution-free",
            "--model",
            "openai/judge",
            "--base-url",
            server.base_url,
        )
        done = r2egym(*words, "--json")
        assert done.returncode == 0, done.stderr
        *verdicts, last = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(verdicts) == len(asked) == 5
        assert last["diagnosis"]["agreement"] == {"execution-free": 1.0}
        assert r2egym(*words).returncode == 0
        assert len(asked) == 5
    out = tmp_path / "chosen.jsonl"
    done = r2egym("select", run, "--verifier", "execution-free", "--out", out)
    assert done.returncode == 0, done.stderr
    assert "1 of 1 resolved" in done.stdout
    assert [(line["instance_id"], line["attempt"]) for line in lines(out)] == [("a", 1), ("b", 0)]
    curves = json.loads(r2egym("bestk", run, "--json").stdout.splitlines()[-1])
    assert curves["k"] == [1, 2, 3]
    assert curves["execution_free"][-1] == curves["pass"][-1] == 100
    assert curves["hybrid"] == [None] * 3
    missing = r2egym("select", run, "--verifier", "hybrid", "--out", out)
    assert missing.returncode == 2
    assert "no verdicts to choose by" in missing.stderr


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("verify", "RUN", "--verifier", "execution-free"), "needs --model"),
        (("verify", "RUN", "--verifier", "nonsense"), "no verifier is called 'nonsense'"),
        (("verify", "nowhere", "--verifier", "execution"), "not a run's folder"),
        (("verify", "RUN", "--verifier", "execution"), "--dataset"),
        (("select", "nowhere", "--verifier", "random", "--out", "x"), "not a run's folder"),
        (("bestk", "RUN", "-k", "9"), "K runs from 1 to 3"),
    ],
)
def test_mistakes_are_one_line(run, r2egym, words, complaint):
    """Exit code 2, one line, no traceback."""
    done = r2egym(*[run if word == "RUN" else word for word in words])
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert complaint in line
