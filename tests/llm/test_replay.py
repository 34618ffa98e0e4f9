"""Recording a run and playing it again."""

import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.llm.clock import asking

from r2egym.errors import ContextOverflowError, ReplayError, UsageError
from r2egym.llm import Fault, Recorder, Replayer, ScriptedModel, open_model
from r2egym.records import Answer, Message, Request, ToolCall

WRITER = """
import sys
from pathlib import Path
from r2egym.llm import Recorder, ScriptedModel
from r2egym.records import Message, Request
recorder = Recorder(ScriptedModel(lambda request: "to " + request.messages[0].content), Path(sys.argv[1]))
for number in range(1_000_000):
    recorder.complete(Request(messages=(Message(role="user", content=str(number)),)))
    print(number, flush=True)
"""


def converse(model, start: str, steps: int, sampling: int | None = None) -> list[str]:
    """A conversation in which every turn depends on all answers before."""
    messages = [Message(role="system", content="be brief"), Message(role="user", content=start)]
    said = []
    for _ in range(steps):
        answer = model.complete(Request(messages=tuple(messages), seed=sampling))
        said.append(answer.text)
        messages += [
            Message(role="assistant", content=answer.text),
            Message(role="user", content=f"and {answer.text}"),
        ]
    return said


def test_replay_is_the_same(tmp_path: Path):
    """What was said is said again, whole, by a model of the same name."""
    path = tmp_path / "folder" / "run.jsonl"
    call = ToolCall(name="look", arguments={"at": "\udc80"}, id="1")
    said = Answer(text="ä\n", calls=(call,), seconds=1.5, tries=3)
    recorder = Recorder(ScriptedModel([said], name="gpt-x"), path)
    first = recorder.complete(asking("half \udc80"))
    recorder.close()
    recorder.close()
    replayer = open_model("whatever", replay=path)
    assert replayer.name == "gpt-x"
    assert replayer.complete(asking("half \udc80")) == first
    with pytest.raises(UsageError, match="closed"):
        recorder.complete(asking())


def test_conversations_do_not_mix(tmp_path: Path):
    """Conversations that run at once, and attempts that begin alike, are played back each as it went."""
    path = tmp_path / "run.jsonl"
    recorder = Recorder(ScriptedModel(lambda _: str(random.getrandbits(64))), path)
    starts = [f"task {number % 10}" for number in range(40)]  # four attempts each
    recorded = in_threads(recorder, starts)
    recorder.close()
    for _ in range(2):
        replayed = in_threads(Replayer(path), starts)
        for start in set(starts):
            before = sorted(said for own, said in recorded if own == start)
            assert sorted(said for own, said in replayed if own == start) == before


def in_threads(model, starts: list[str]) -> list[tuple[str, list[str]]]:
    """One conversation of six steps in each of many threads."""
    found: list[tuple[str, list[str]]] = []
    threads = [
        threading.Thread(target=lambda start=start: found.append((start, converse(model, start, 6))))
        for start in starts
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_long_conversations_stay_small(tmp_path: Path):
    """A turn is written once, not again at every later step."""
    path = tmp_path / "run.jsonl"
    recorder = Recorder(ScriptedModel(lambda _: "x" * 10_000), path)
    converse(recorder, "go", 30)
    recorder.close()
    assert path.stat().st_size < 2 * 30 * 2 * 10_000
    assert converse(Replayer(path), "go", 30) == ["x" * 10_000] * 30


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Three steps of one conversation."""
    path = tmp_path / "run.jsonl"
    recorder = Recorder(ScriptedModel(["one", "two", "three"]), path)
    assert converse(recorder, "fix the bug in the parser", 3) == ["one", "two", "three"]
    recorder.close()
    return path


def asked(*turns: str, **how) -> Request:
    """A conversation with these turns after its first ones, user and assistant in turn."""
    roles = ["assistant", "user"] * len(turns)
    messages = [
        Message(role="system", content="be brief"),
        Message(role="user", content="fix the bug in the parser"),
    ]
    messages += [Message(role=role, content=turn) for role, turn in zip(roles, turns, strict=False)]
    return Request(messages=tuple(messages), **how)


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        (
            asked("one", "and won"),
            "step 2 .*message 4 .user., content differs from character 5: recorded 'and one'",
        ),
        (asked("one", "and one", temperature=1.0), "step 2 .*temperature differs from .*'0.0', now '1.0'"),
        (asked("one"), "step 2 .*4 messages were recorded, there are now 3"),
        (asked(*["one", "and one"] * 3), "step 4 .*the recording of it has 3 steps"),
        (asking("something else"), "step 1 .*was not recorded; nearest to it, message 1"),
        (asked("one", "and one", tools=({"a": 1},)), "step 2 .*tools differs"),
    ],
)
def test_first_difference_is_told(recording: Path, request_: Request, told: str):
    """A request that was not made then names the step, the conversation, the message and the first characters."""
    with pytest.raises(ReplayError, match=told) as caught:
        Replayer(recording).complete(request_)
    assert "\n" not in str(caught.value)


def test_failures_are_played_as_well(tmp_path: Path):
    """A conversation that ended in an error ends in the same one again."""
    path = tmp_path / "run.jsonl"
    recorder = Recorder(ScriptedModel([Fault(kind="overflow")]), path)
    with pytest.raises(ContextOverflowError) as first:
        recorder.complete(asking())
    recorder.close()
    with pytest.raises(ContextOverflowError) as again:
        Replayer(path).complete(asking())
    assert str(again.value) == str(first.value)


def test_kill_loses_nothing_that_was_answered(tmp_path: Path):
    """After kill -9 every answer that a caller had is in the file, and the file can be continued."""
    path = tmp_path / "run.jsonl"
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        for _ in range(20):
            last = int(writer.stdout.readline())
        os.kill(writer.pid, signal.SIGKILL)
    with path.open("ab") as stream:
        stream.write(b'{"model": "scripted", "conv')  # as if it had been killed within a line
    assert [Replayer(path).complete(asking(str(number))).text for number in range(last)] == [
        f"to {number}" for number in range(last)
    ]
    recorder = Recorder(ScriptedModel(["more"]), path)
    recorder.complete(asking("later"))
    recorder.close()
    replayer = Replayer(path)
    assert replayer.complete(asking(str(last))).text == f"to {last}"
    assert replayer.complete(asking("later")).text == "more"


def test_torn_first_line(tmp_path: Path):
    """A file with nothing whole in it is an empty recording."""
    path = tmp_path / "run.jsonl"
    path.write_bytes(b'{"mod')
    with pytest.raises(ReplayError, match="no such conversation was recorded"):
        Replayer(path).complete(asking())
    Recorder(ScriptedModel(["x"]), path).close()
    assert path.read_bytes() == b""


def test_files_that_cannot_serve(tmp_path: Path):
    """No file, a foreign file, a file that somebody is writing, and both ways at once: one line each."""
    with pytest.raises(UsageError, match="no recording there"):
        Replayer(tmp_path / "nothing")
    foreign = tmp_path / "foreign"
    for text in ("hello\n", "[1]\n", "{}\n"):
        foreign.write_text(text)
        with pytest.raises(UsageError, match=r"foreign:1: no recording"):
            Replayer(foreign)
    path = tmp_path / "run.jsonl"
    recorder = Recorder(ScriptedModel(["x"]), path)
    with pytest.raises(UsageError, match="another recorder"):
        Recorder(ScriptedModel(["x"]), path)
    recorder.close()
    with pytest.raises(UsageError, match="exclude"):
        open_model("vllm/x", record=path, replay=path)
