"""The frame of the command line: help, exit codes, one line for everything that goes wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from r2egym.cli.main import VERBS


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    """The single line on stderr of a command that could not run."""
    assert done.returncode == 2, done
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("r2egym: ")
    return line


def test_help_lists_every_verb_and_imports_none(r2egym):
    """``--help`` names each verb once; nothing heavy is imported for it."""
    done = r2egym("--help")
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.partition("Commands:\n")[2].splitlines()] == list(VERBS)
    heavy = (
        "import sys; from r2egym.cli.main import _run; _run(['--help'], debug=True); print([m for m in "
        "('rich', 'pyarrow', 'pygit2', 'pydantic', 'tree_sitter', 'r2egym.cli.curate') if m in sys.modules])"
    )
    loaded = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True)
    assert loaded.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("verb", list(VERBS))
def test_every_verb_has_help_and_json(r2egym, verb: str):
    """Each verb explains itself and takes ``--json`` (of those that have parts, each part)."""
    words = [verb, *{"cache": ["show"], "images": ["build"]}.get(verb, [])]
    done = r2egym(*words, "--help")
    assert done.returncode == 0, done.stderr
    assert "--json" in done.stdout


def test_no_arguments_show_the_help_and_version_prints_it(r2egym):
    """Alone, the command shows what there is; ``--version`` prints one word."""
    assert "Commands:" in r2egym().stdout
    assert r2egym("--version").stdout.strip().count(".") == 2


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["curat"], "No such command 'curat'. Did you mean 'curate'?"),
        (["grade"], "Missing argument"),
        (["grade", "x", "--preditions", "y"], "No such option: --preditions"),
        (["grade", "absent", "--predictions", "absent.jsonl"], "absent.jsonl: no such file"),
        (["stats", "absent/at/all"], "absent/at/all: no such file or folder"),
        (["doctor"], "doctor takes a dataset, or --machine"),
        (["doctor", "absent/at/all"], "no such file or folder"),
        (["bench", "nothing"], "nothing to measure is called 'nothing'"),
        (["cache", "prune", "--max-size", "many"], "--max-size many: expected a number and a unit"),
    ],
)
def test_misuse_is_one_line(r2egym, words: list[str], says: str):
    """Whatever is asked wrongly is told in one line, with exit code 2."""
    assert says in one_line(r2egym(*words))


def test_newer_dataset_is_one_line(r2egym, tmp_path: Path):
    """A dataset of a newer schema is refused in one line that says what to do."""
    rows = tmp_path / "tasks.jsonl"
    rows.write_text(json.dumps({"instance_id": "x__1", "schema_version": 99, "environment": "{}"}) + "\n")
    assert one_line(r2egym("stats", rows)).endswith("update r2egym")


def test_unexpected_errors_leave_a_traceback_in_a_file(r2egym, tmp_path: Path):
    """A fault of ours is one line that names a file with the traceback; ``--debug`` shows it at once."""
    script = (
        "import r2egym.tasks, sys; r2egym.tasks.load_dataset = lambda *_: 1 // 0\n"
        "from r2egym.cli import main; main(['stats', 'x', *sys.argv[1:]])"
    )
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    words = [sys.executable, "-c", script]
    done = subprocess.run(words, capture_output=True, text=True, env=env, check=False)
    assert "a fault of r2egym itself: ZeroDivisionError" in one_line(done)
    (saved,) = tmp_path.glob("r2egym-*.txt")
    assert "ZeroDivisionError" in saved.read_text()
    assert str(saved) in done.stderr
    debug = subprocess.run([*words, "--debug"], capture_output=True, text=True, env=env, check=False)
    assert "Traceback" in debug.stderr


def test_broken_pipe_is_quiet(r2egym):
    """When the reader has left, nothing is said."""
    words = [sys.executable, "-c", "from r2egym.cli import main; main()", "--help"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert process.returncode == 141
