"""Rows for reinforcement: token ids, masks, log probabilities, rewards."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.environment.ground import several
from tests.training.conftest import attempt

from r2egym.agents import LoopOptions
from r2egym.environment import Facilities
from r2egym.llm import ScriptedServer
from r2egym.records import Answer, Failure, Message, Task, TokenLogprob, ToolCall, Usage
from r2egym.rollouts import Run, RunOptions, agent_spec
from r2egym.tasks import write_dataset
from r2egym.tools import render
from r2egym.training import ExportOptions, Tokens, export


def read(folder: Path) -> list[dict]:
    """The rows that an export wrote."""
    return pq.read_table(folder / "r2egym_rl.parquet").to_pylist()


def test_the_mask_is_what_the_model_wrote(
    make_run, dataset: Path, tokenizer: Path, tokens: Tokens, tmp_path: Path
):
    """Prompt and response decode to the conversation, and the masked part to the turns of the model alone."""
    run = make_run([attempt("a")], str(dataset))
    export([run], tmp_path / "out", ExportOptions(purpose="rl", tokenizer=str(tokenizer)))
    (row,) = read(tmp_path / "out")
    prompt = "<|im_start|>system\nWrite calls as XML.<|im_end|>\n<|im_start|>user\na\nSteps Remaining: 40<|im_end|>\n"
    assert tokens.decode(row["prompt_ids"]) == prompt + "<|im_start|>assistant\n"
    own = [one for one, mine in zip(row["response_ids"], row["response_mask"], strict=True) if mine]
    turns = [
        "I look, as attempt 0.\n\n<function=execute_bash>\n  <parameter=cmd>ls -a</parameter>\n</function><|im_end|>",
        "Done.\n\n<function=finish>\n</function><|im_end|>",
    ]
    assert tokens.decode(own) == "".join(turns)
    between = (
        "\n<|im_start|>user\nExit code: 0\nshelf.py\nSteps Remaining: 39<|im_end|>\n<|im_start|>assistant\n"
    )
    assert tokens.decode(row["response_ids"]) == between.join(turns)
    assert (row["reward"], row["masked"], row["exact"], row["logprobs"]) == (1.0, False, True, None)
    assert (
        pq.read_schema(tmp_path / "out/r2egym_rl.parquet").metadata[b"tokenizer"] == str(tokenizer).encode()
    )


def test_all_attempts_stay_and_the_masked_have_no_reward(
    make_run, dataset: Path, tokenizer: Path, tmp_path: Path
):
    """A failure of the machinery is no 0, and says whether the agent may have caused it."""
    failure = Failure(boundary="sandbox", cause="it died", policy_could_cause=True)
    run = make_run(
        [attempt("a"), attempt("a", 1, reward=0.0), attempt("a", 2, reward=None, failure=failure)],
        str(dataset),
    )
    options = ExportOptions(purpose="rl", tokenizer=str(tokenizer))
    report = export([run], tmp_path / "out", options)
    assert (report.rows, report.masked, report.positives) == (3, 1, 1)
    rows = read(tmp_path / "out")
    assert [row["reward"] for row in rows] == [1.0, 0.0, None]
    assert [row["masked"] for row in rows] == [False, False, True]
    assert rows[2]["failure"] == "sandbox: it died"
    assert rows[2]["policy_could_cause"]


@pytest.mark.parametrize(
    "change",
    [{"mode": "function_calling"}, {"model": ""}, {"opening": (Message(role="user", content="Mend it."),)}],
)
def test_what_the_server_did_not_see_is_not_exact(
    make_run, dataset: Path, tokenizer: Path, tmp_path: Path, change: dict
):
    """Native calls have another layout, and a recorded attempt may stand under another prompt here."""
    run = make_run([attempt("a", **change)], str(dataset))
    export([run], tmp_path / "out", ExportOptions(purpose="rl", tokenizer=str(tokenizer)))
    assert [row["exact"] for row in read(tmp_path / "out")] == [False]


def test_log_probabilities_come_from_the_server(
    facilities: Facilities, task: Task, tokenizer: Path, tokens: Tokens, tmp_path: Path
):
    """One a token that the model wrote, as it wrote them: blanks, a call that needs repairs, an answer that was cut off."""
    said = [
        "I look.\n\n" + render(ToolCall(name="execute_bash", arguments={"cmd": "ls"})),
        render(ToolCall(name="finish", arguments={"command": "submit"})),
    ]

    seen: list[tuple[int, str]] = []

    def answer(body: dict) -> Answer:
        assert body["logprobs"]
        told = [message["content"] for message in body["messages"] if message["role"] == "assistant"]
        seen.extend((body["seed"], text) for text in told[-1:])
        text, ends = said[len(told)], True
        if len(told) == 0 and body["seed"] == 1:
            text = text.replace("</function>", "").rstrip() + "  \n"
        elif len(told) == 0 and body["seed"] == 2:
            text, ends = text[:-20], False
        ids = tokens.encode(text) + tokens.pieces([Message(role="assistant")])[1].ids * ends
        return Answer(
            text=text,
            usage=Usage(prompt=10, completion=len(ids)),
            finish="stop" if ends else "length",
            logprobs=tuple(TokenLogprob(token=text, logprob=-0.5) for text in tokens.texts(ids)),
        )

    with ScriptedServer(answer) as server:
        spec = agent_spec("edit", model="openai/hm", base_url=server.base_url)
        loop = LoopOptions(logprobs=True).model_copy(
            update={"sampling": LoopOptions().sampling.model_copy(update={"seed": 0})}
        )
        options = RunOptions(attempts=3, loop=loop)
        write_dataset(tmp_path / "tasks", [row for row, _ in several(task, 1)])
        run = Run(
            tmp_path / "run", several(task, 1), spec, options, facilities, source=str(tmp_path / "tasks")
        )
        assert [one.score for one in run] == [0.0, 0.0, 0.0]
    export([tmp_path / "run"], tmp_path / "out", ExportOptions(purpose="rl", tokenizer=str(tokenizer)))
    rows = read(tmp_path / "out")
    for row in rows:
        assert row["exact"]
        assert [round(value, 3) for value in row["logprobs"]] == [
            -0.5 * mine for mine in row["response_mask"]
        ]
    said_by = [
        tokens.decode(
            [one for one, mine in zip(row["response_ids"], row["response_mask"], strict=True) if mine]
        )
        for row in rows
    ]
    last = said[1] + "<|im_end|>"
    assert said_by == [
        said[0] + "<|im_end|>" + last,
        said[0].replace("</function>", "").rstrip() + "  \n<|im_end|>" + last,
        said[0][:-20] + last,
    ]
    assert dict(seen)[1].endswith("  \n")  # the server was shown what it had said
