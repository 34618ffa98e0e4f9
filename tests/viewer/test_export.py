"""Files that need no server, the command that writes and serves them, and plots on paper."""

from __future__ import annotations

import html
import json
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from tests.viewer.corpus import CALLS, step, trajectory, write_run
from tests.viewer.test_hostile import harmless
from tests.viewer.test_pages import Links, client_of, page

from r2egym.cli.totals import facts_of, is_run
from r2egym.errors import UsageError
from r2egym.viewer import Catalogue, find_sources, write_attempt, write_overview
from r2egym.viewer.palette import COLOURS
from r2egym.viewer.plots import write_plot

ROOT = Path(__file__).resolve().parents[2]
TASK = "larder__000000000000"


def view(*words: object) -> subprocess.CompletedProcess[str]:
    """``r2egym view WORDS``."""
    script = "import sys; from r2egym.cli import main; main(['view', *sys.argv[1:]])"
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, words)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_one_attempt_in_one_file(catalogue: Catalogue, tmp_path: Path) -> None:
    """All parts of it, without a script, a server or a request."""
    write_attempt(catalogue, f"{TASK}#1", tmp_path / "one.html")
    text = (tmp_path / "one.html").read_text()
    for said in (
        "1 of 1 test to mend still fails",
        "Thought 0.",
        "return round(amount)",
        "counts <code>jars</code> twice",
        "MISSING",
        "Limits",
    ):
        assert said in text, said
    found = Links(text)
    assert all(link.startswith("#") and link[1:] in found.ids for link in found.links), found.links
    assert "default-src 'none'" in html.unescape(text)
    harmless(text, static=True)
    assert [file.name for file in tmp_path.iterdir()] == ["one.html"]


def test_a_file_holds_long_attempts_whole(tmp_path: Path) -> None:
    """Every step is in it, and what is too long says so."""
    steps = [step(n, CALLS[1], observation=f"seen {n}") for n in range(250)]
    folder = write_run(
        tmp_path / "solo",
        [trajectory(TASK, 0, steps=[*steps, step(250, CALLS[2], observation="y\n" * 90_000)])],
    )
    catalogue = Catalogue.open(find_sources([folder]), tmp_path)
    catalogue.build()
    write_attempt(catalogue, TASK, tmp_path / "one.html")
    text = (tmp_path / "one.html").read_text()
    assert text.count('<article class="step') == 251
    assert "The rest of it is not on this page." in text


def test_overview(catalogue: Catalogue, tmp_path: Path) -> None:
    """Runs, funnel, Best@K, matrix and attempts on one page; each attempt has its own beside it, and every link leads there."""
    assert write_overview(catalogue, tmp_path / "index.html", title="All of it") == 12
    text = (tmp_path / "index.html").read_text()
    for said in ("All of it", "coder", "no-tests", "Pass@K", "Counting is off"):
        assert said in text, said
    for link in Links(text).links:
        path, _, fragment = link.partition("#")
        assert (tmp_path / path).is_file() if path else fragment in Links(text).ids, link


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nothing#0", "no attempt is called"),
        (f"{TASK}#x", "takes TASK#N"),
        (TASK, "4 attempts are called"),
        (f"coder:{TASK}#9", "no attempt is called"),
    ],
)
def test_attempts_that_are_none(catalogue: Catalogue, tmp_path: Path, name: str, said: str) -> None:
    """One line says what there is."""
    with pytest.raises(UsageError, match=said):
        write_attempt(catalogue, name, tmp_path / "one.html")
    assert not [*tmp_path.iterdir()]


def test_command_exports(run: Path, tmp_path: Path) -> None:
    """``view RUN --export FILE --attempt TASK#N``."""
    done = view(run, "--export", tmp_path / "one.html", "--attempt", f"{TASK}#1", "--json")
    assert (done.returncode, json.loads(done.stdout)) == (
        0,
        {"file": str(tmp_path / "one.html"), "pages": 1},
    ), done.stderr


BAD_INPUT = [
    (["absent"], "absent: no such file or folder"),
    (["."], "nothing to show"),
    (["RUN", "--attempt", "x#0"], "--attempt goes with --export"),
    (["RUN", "--export", "/proc/none/x.html"], "/proc/none"),
    (["RUN", "--host", "192.0.2.1", "--port", "1"], "cannot listen at 192.0.2.1:1"),
    (["RUN", "--port", "70000"], "65535"),
]


def test_bad_input_is_one_line(run: Path, tmp_path: Path) -> None:
    """What is wrong, where, and exit code 2."""
    script = """
import json, sys
from r2egym.cli import main
for words in json.load(sys.stdin):
    try:
        main(["view", *words])
    except SystemExit as end:
        print(end.code)
"""
    given = [[str(run) if word == "RUN" else word for word in words] for words, _ in BAD_INPUT]
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=True,
    )
    assert done.stdout.split() == ["2"] * len(BAD_INPUT)
    lines = done.stderr.splitlines()
    assert len(lines) == len(BAD_INPUT)
    assert [said in line for line, (_, said) in zip(lines, BAD_INPUT, strict=True)] == [True] * len(lines), (
        lines
    )


def test_launcher_serves(run: Path) -> None:
    """``app/app.py`` and ``apps/app.py`` are ``r2egym view``; what is served is there, and Ctrl-C ends it."""
    assert (ROOT / "app" / "app.py").read_text().replace("app/app.py", "") == (
        ROOT / "apps" / "app.py"
    ).read_text().replace("apps/app.py", "")
    words = [sys.executable, str(ROOT / "app" / "app.py"), str(run), "--port", "0", "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        said = json.loads(server.stdout.readline())
        assert said["runs"] == ["coder"]
        assert said["address"].startswith("http://127.0.0.1:")
        with urllib.request.urlopen(said["address"] + "runs/coder") as answer:
            assert b"the tests of the fix still fail" in answer.read()
        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=20) == 0


# --- other formats ------------------------------------------------------------------------------------------------

ATIF = {
    "schema_version": "ATIF-v1.4",
    "session_id": "larder__abc",
    "agent": {"name": "someone", "version": "1.2", "model_name": "a-model"},
    "steps": [
        {"step_id": 1, "source": "system", "message": "Be good."},
        {"step_id": 2, "source": "user", "message": "# Mend it\n\nIt is broken."},
        {
            "step_id": 3, "source": "agent", "reasoning_content": "I look.", "message": "Looking.",
            "tool_calls": [
                {"tool_call_id": "a", "function_name": "bash", "arguments": {"command": "ls"}},
                {"tool_call_id": "b", "function_name": "bash", "arguments": {"command": "cat x.py"}},
            ],
            "observation": {"results": [{"source_call_id": "b", "content": "def x(): ..."}, {"source_call_id": "a", "content": [{"type": "text", "text": "x.py"}]}]},
            "metrics": {"prompt_tokens": 100, "completion_tokens": 20, "cost_usd": 0.01},
        },
        {"step_id": 4, "source": "user", "message": "Go on."},
        {"step_id": 5, "source": "agent", "message": "Done."},
    ],
    "final_metrics": {"total_cost_usd": 0.5},
    "extra": {"reward": 1.0, "attempt": 2, "exit_reason": "agent"},
}  # fmt: skip


@pytest.mark.parametrize("name", ["one.json", "many.jsonl"])
def test_atif_opens(tmp_path: Path, name: str) -> None:
    """One trajectory as a JSON file, however it is indented, or one a line; several calls of a step are several turns."""
    text = (
        json.dumps(ATIF, indent=2)
        if name == "one.json"
        else json.dumps(ATIF) + "\n" + json.dumps(ATIF | {"session_id": "x"})
    )
    (tmp_path / name).write_text(text)
    client = client_of(tmp_path / name)
    run = Path(name).stem
    text = page(client, f"/runs/{run}/1")
    for said in (
        "larder__abc",
        "#2",
        "Passed.",
        "someone 1.2",
        "$0.50",
        "I look.",
        "cat x.py",
        "x.py",
        "[user] Go on.",
        "Be good.",
        "Done.",
    ):
        assert said in text, said
    assert text.count('<article class="step') == 3
    assert "attempt found" in page(client, "/attempts?q=tool:bash+task:larder+Looking")


def test_atif_without_a_reward_is_not_a_failure(tmp_path: Path) -> None:
    """Nothing is made up: there is no reward, and it says so."""
    (tmp_path / "one.json").write_text(
        json.dumps({name: value for name, value in ATIF.items() if name != "extra"})
    )
    assert "no reward was recorded" in page(client_of(tmp_path), "/runs/one/1").lower()


def test_atif_of_odd_shapes(tmp_path: Path) -> None:
    """Steps that are none, arguments of any type: shown as far as they go; a file that changes is read anew."""
    odd = [
        "x",
        None,
        {
            "source": "agent",
            "tool_calls": ["x", {"arguments": 3}],
            "observation": {"results": [3]},
            "metrics": [],
        },
    ]
    path = tmp_path / "odd.json"
    path.write_text(json.dumps({"schema_version": "ATIF-v1.6", "steps": odd, "agent": 3}))
    catalogue = Catalogue.open(find_sources([path]), tmp_path)
    catalogue.build()
    assert catalogue.runs["odd"].totals().steps == 2
    path.write_text(json.dumps(ATIF))
    catalogue.build()
    assert catalogue.runs["odd"].totals().steps == 3
    path.write_text('{"schema_version": "ATIF-v1.6", "steps": [')
    catalogue.build()
    assert catalogue.runs["odd"].totals().statuses["damaged"] == 1


# --- plots on paper -----------------------------------------------------------------------------------------------


def test_plots(catalogue: Catalogue, tmp_path: Path) -> None:
    """Every run and dataset has its panels, in the pages' own colours."""
    assert write_plot(catalogue, tmp_path / "one.svg") >= 6
    colours = set(re.findall(r"#[0-9a-f]{6}", (tmp_path / "one.svg").read_text()))
    assert {
        COLOURS["light"][name] for name in ("passed", "failed", "tampered", "masked", "accent")
    } <= colours
    with pytest.raises(UsageError, match=r"ends in \.png, \.pdf, \.svg"):
        write_plot(catalogue, tmp_path / "one.gif")


def test_stats_of_runs(run: Path, dataset: Path, catalogue: Catalogue) -> None:
    """``stats RUN`` counts what became of the attempts; what is no run is left to datasets."""
    facts = facts_of(catalogue.runs["coder"])
    json.dumps(facts)
    assert facts["statuses"] == {"passed": 3, "failed": 3, "tampered": 3, "masked": 3, "damaged": 0}
    assert facts["best"]["oracle"][0] == pytest.approx(1 / 3)
    assert facts["failures"] == {"sandbox": 3}
    assert [is_run(str(path)) for path in (run, run / "trajectories.jsonl", dataset, "owner/name")] == [
        True,
        True,
        False,
        False,
    ]
