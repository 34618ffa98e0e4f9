"""Rows for fine-tuning: which attempts become some, and what they look like."""

import json
from pathlib import Path

import pytest
from tests.training.conftest import Run, attempt, step

from r2egym.errors import DatasetError, UsageError
from r2egym.records import Message, Reward, ToolCall
from r2egym.tools import parse
from r2egym.training import ExportOptions, Tokens, export


def rows(path: Path) -> list[dict]:
    """The objects of a JSONL file."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_successes_alone_become_rows(make_run, dataset: Path, tmp_path: Path):
    """What failed, was masked, tampered with, is kept out or makes no call is told of by its reason."""
    forged = Reward(instance_id="d", resolved=False, score=0.0, tampering=("a twin passed too",))
    silent = (step(0, "Hm.", None, "There is no call."), *attempt("d").trajectory_steps[1:])
    run = make_run(
        [
            attempt("a"), attempt("b", reward=0.0), attempt("c", reward=None), attempt("near"), attempt("bench"),
            attempt("d", grade=forged), attempt("d", 1, trajectory_steps=silent), attempt("d", 2, agent="test"),
            attempt("d", 3, trajectory_steps=()),
        ],
        str(dataset),
    )  # fmt: skip
    report = export([run], tmp_path / "out", ExportOptions(purpose="editing"))
    assert report.rejected == {
        "masked": 1, "empty": 1, "near-duplicate": 1, "swebench": 1, "other-agent": 1, "tampered": 1, "unresolved": 1,
        "callless": 1,
    }  # fmt: skip
    (row,) = rows(tmp_path / "out/r2egym_editing.jsonl")
    assert (report.rows, row["instance_id"]) == (1, "a")
    kept = ExportOptions(purpose="editing", keep=("near-duplicate", "swebench"))
    assert export([run], tmp_path / "out", kept).rows == 3
    strong = export([run], tmp_path / "out", kept.model_copy(update={"min_seal": "strong"}))
    assert (strong.rows, strong.rejected["weak-seal"]) == (1, 6)


def test_a_row_has_the_published_form(make_run, dataset: Path, tmp_path: Path):
    """System, user, then assistant and user in turn, reminders included, ending with the model's last turn."""
    run = make_run([attempt("a")], str(dataset))
    export([run], tmp_path / "out", ExportOptions(purpose="editing"))
    (row,) = rows(tmp_path / "out/r2egym_editing.jsonl")
    assert [one["role"] for one in row["messages"]] == ["system", "user", "assistant", "user", "assistant"]
    _, asked, first, seen, last = (one["content"] for one in row["messages"])
    assert asked == "a\nSteps Remaining: 40"
    assert seen == "Exit code: 0\nshelf.py\nSteps Remaining: 39"
    assert parse(first).thought == "I look, as attempt 0."
    call = parse(last).call
    assert call is not None
    assert call.name == "finish"
    info = json.loads((tmp_path / "out/dataset_info.json").read_text())["r2egym_editing"]
    assert info["file_name"] == "r2egym_editing.jsonl"
    assert info["tags"]["role_tag"] == "role"


def test_native_calls_and_agents_without_a_prompt_stand_under_the_packaged_one(
    make_run, dataset: Path, tmp_path: Path
):
    """Since a system's prompt that does not tell how to write a call in XML would not fit the answers."""
    bare = (Message(role="user", content="Mend it."),)
    run = make_run([attempt("a", mode="function_calling"), attempt("b", opening=bare)], str(dataset))
    export([run], tmp_path / "out", ExportOptions(purpose="editing"))
    for row in rows(tmp_path / "out/r2egym_editing.jsonl"):
        system, user = row["messages"][:2]
        assert "<function=NAME>" in system["content"]
        assert f"Counting jars is off by one in {row['instance_id']}." in user["content"]
        assert "{" not in user["content"]
    export([run], tmp_path / "out", ExportOptions(purpose="editing", opening="recorded"))
    assert rows(tmp_path / "out/r2egym_editing.jsonl")[1]["messages"][0]["role"] == "user"


def test_a_task_has_no_more_rows_than_its_share(make_run, dataset: Path, tmp_path: Path):
    """The cap holds, the same are chosen in any order, and what says the same twice counts once."""
    many = [attempt("a", number) for number in range(6)]
    twice = attempt("a", 7, trajectory_steps=many[0].trajectory_steps)
    one = make_run([*many, twice], str(dataset), "one")
    other = make_run([*reversed(many), twice], str(dataset), "other")
    options = ExportOptions(purpose="editing", per_task=2)
    report = export([one], tmp_path / "one-out", options)
    export([other], tmp_path / "other-out", options)
    assert report.rejected == {"repeated": 1, "over-cap": 4}
    chosen = rows(tmp_path / "one-out/r2egym_editing.jsonl")
    again = rows(tmp_path / "other-out/r2egym_editing.jsonl")
    assert [row["attempt"] for row in chosen] == [row["attempt"] for row in again]


def test_thoughts_can_be_asked_for_or_dropped(make_run, dataset: Path, tmp_path: Path):
    """``require`` leaves out who says nothing before a call; ``drop`` leaves out what is said."""
    calls = ToolCall(name="execute_bash", arguments={"cmd": "ls"}), ToolCall(name="finish", arguments={})
    silent = (step(0, "", calls[0], "shelf.py"), step(1, "", calls[1], "<<< Finished >>>"))
    run = make_run([attempt("a"), attempt("b", trajectory_steps=silent)], str(dataset))
    report = export([run], tmp_path / "out", ExportOptions(purpose="editing", thoughts="require"))
    assert (report.rows, report.rejected) == (1, {"thoughtless": 1})
    export([run], tmp_path / "out", ExportOptions(purpose="editing", thoughts="drop"))
    for row in rows(tmp_path / "out/r2egym_editing.jsonl"):
        assert row["messages"][2]["content"].startswith("<function=")


def test_lengths_are_the_tokenizer_s(
    make_run, dataset: Path, tokenizer: Path, tokens: Tokens, tmp_path: Path
):
    """What is longer than the model's context is left out, counted as the trainer's template counts."""
    long = attempt("b", problem_statement="x", opening=(Message(role="system", content="jar " * 4_000),))
    run = make_run([attempt("a"), long.model_copy(update={"opening": (*long.opening, *attempt("b").opening[1:])})],
                   str(dataset))  # fmt: skip
    options = ExportOptions(purpose="editing", tokenizer=str(tokenizer), max_tokens=2_000)
    report = export([run], tmp_path / "out", options)
    assert report.rejected == {"too-long": 1}
    (row,) = rows(tmp_path / "out/r2egym_editing.jsonl")
    text = "".join(f"<|im_start|>{one['role']}\n{one['content']}<|im_end|>\n" for one in row["messages"])
    assert report.tokens is not None
    assert not report.tokens.estimated
    ids = [
        one
        for piece in tokens.pieces([Message.model_validate(one) for one in row["messages"]])
        for one in piece.ids
    ]
    assert report.tokens.total == len(ids)
    assert tokens.decode(ids) == text


def test_testing_rows_are_lightly_rejected(make_run, dataset: Path, tmp_path: Path):
    """Whoever handed in a test by itself counts, whatever grading said of it."""
    patch = (
        "diff --git a/test_issue.py b/test_issue.py\nnew file mode 100644\n--- /dev/null\n+++ b/test_issue.py\n"
        "@@ -0,0 +1,2 @@\n+def test_count():\n+    assert True\n"
    )
    run = make_run(
        [
            attempt("a", agent="test", reward=0.0, output_patch=patch),
            attempt("b", agent="test", output_patch=patch, exit_reason="abs_step_limit"),
            attempt("c", agent="test", output_patch=""),
            attempt("d"),
        ],
        str(dataset),
    )
    report = export([run], tmp_path / "out", ExportOptions(purpose="testing"))
    assert report.rejected == {"other-agent": 1, "unfinished": 1, "testless": 1}
    (row,) = rows(tmp_path / "out/r2egym_testing.jsonl")
    assert (row["exit_reasons"], row["num_steps"]) == ("agent", 2)


def test_verifier_rows_are_balanced(make_run, dataset: Path, tmp_path: Path):
    """One success and one failure a task where both exist; of the others as many of each."""
    run = make_run(
        [
            attempt("a"), attempt("a", 1), attempt("a", 2, reward=0.0), attempt("b"), attempt("c", reward=0.0),
            attempt("d", reward=0.0), attempt("d", 1, reward=None),
        ],
        str(dataset),
    )  # fmt: skip
    report = export([run], tmp_path / "out", ExportOptions(purpose="verifier"))
    assert (report.rows, report.positives) == (4, 2)
    assert report.rejected == {"masked": 1, "unbalanced": 2}
    answers = {
        (row["instance_id"], row["rewards"]): row["messages"][-1]["content"]
        for row in rows(tmp_path / "out/r2egym_verifier.jsonl")
    }
    assert answers["a", 1.0] == answers["b", 1.0] == "<judgement>YES</judgement>"
    assert answers["a", 0.0] == "<judgement>NO</judgement>"
    bare = ExportOptions(purpose="verifier", log="patch-only")
    export([run], tmp_path / "out", bare)
    for row in rows(tmp_path / "out/r2egym_verifier_patch_only.jsonl"):
        asked = row["messages"][1]["content"]
        assert "+two" in asked
        assert "shelf.py\n[/USER]" not in asked
    info = json.loads((tmp_path / "out/dataset_info.json").read_text())
    assert sorted(info) == ["r2egym_verifier", "r2egym_verifier_patch_only"]


def test_long_logs_of_verifier_rows_are_condensed(make_run, dataset: Path, tokenizer: Path, tmp_path: Path):
    """They fit the verifier's context, and say what is missing."""
    call = ToolCall(name="execute_bash", arguments={"cmd": "ls"})
    steps = tuple(step(number, "I look.", call, "jar " * 2_000) for number in range(9))
    run = make_run([attempt("a", trajectory_steps=steps), attempt("b", reward=0.0)], str(dataset))
    options = ExportOptions(purpose="verifier", tokenizer=str(tokenizer), max_tokens=3_000)
    report = export([run], tmp_path / "out", options)
    assert report.tokens is not None
    assert report.tokens.most <= 3_000
    assert "left out" in (tmp_path / "out/r2egym_verifier.jsonl").read_text()


def test_trouble_is_one_line_and_leaves_nothing(make_run, dataset: Path, tmp_path: Path, r2egym: Run):
    """No run, a damaged one, one of another schema, no dataset, no tokenizer, no success, no such reason."""
    lost = make_run([attempt("a", reward=0.0)], str(dataset), "lost")
    damaged = make_run([attempt("a")], str(dataset), "damaged")
    with (damaged / "trajectories.jsonl").open("a") as stream:
        stream.write('{"trajectory": "of somebody else"}\n')
    nowhere = make_run([attempt("a")], "/no/such/dataset", "nowhere")
    out = tmp_path / "out"
    cases = {
        ("/no/such/run",): "no such run",
        (tmp_path,): "without a run in it",
        (damaged,): "line 2: trajectory",
        (nowhere,): "give --dataset",
        (lost,): "none of 1 attempts is left (1 unresolved)",
        (lost, "--tokenizer", "no/tokenizer"): "no tokenizer there",
        (lost, "--keep", "luck"): "rejects for: masked",
        (lost, "--keep", "unresolved", "--opening", "none.yaml"): "none.yaml",
    }
    for words, expected in cases.items():
        done = r2egym("export", *words, "--for", "editing", "--out", out)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert expected in done.stderr
        assert not out.exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".out")] == []


def test_what_does_not_hold_is_not_put_in_place(
    make_run, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A row that is read back otherwise than it was written, or a folder whose other files are damaged."""
    run = make_run([attempt("a")], str(dataset))
    out = tmp_path / "out"
    out.mkdir()
    (out / "dataset_info.json").write_text("{")
    with pytest.raises(UsageError, match="nothing was written"):
        export([run], out, ExportOptions(purpose="editing"))
    (out / "dataset_info.json").unlink()

    def torn(path: Path, values: list[dict]) -> Path:
        path.write_text(json.dumps({**values[0], "messages": values[0]["messages"][:-1]}) + "\n")
        return path

    monkeypatch.setattr("r2egym.training.files.write_lines", torn)
    with pytest.raises(DatasetError, match="otherwise than it was written"):
        export([run], out, ExportOptions(purpose="editing"))
    assert list(out.iterdir()) == []
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".out")] == []


def test_the_command_tells_what_it_did(make_run, dataset: Path, tmp_path: Path, r2egym: Run):
    """For people: counts, lengths, files, a sample; for programs: the same as one object."""
    run = make_run([attempt("a"), attempt("near")], str(dataset))
    done = r2egym("export", run, "--for", "editing", "--out", tmp_path / "out")
    assert "1 rows of 1 tasks, from 2 attempts" in done.stdout
    assert "left out: 1 near-duplicate" in done.stdout
    assert "assistant: I look, as attempt 0." in done.stdout
    told = json.loads(r2egym("export", run, "--for", "editing", "--out", tmp_path / "out", "--json").stdout)
    assert (told["rows"], told["rejected"]) == (1, {"near-duplicate": 1})
    assert told["sample"]["instance_id"] == "a"
