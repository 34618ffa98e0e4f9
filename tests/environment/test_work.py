"""An environment at work: tools in a real sandbox, state that comes back, patches that hold everything."""

import subprocess
from pathlib import Path

import pytest
from tests.environment.ground import repository_of

from r2egym.environment import Facilities, WorkEnvironment, WorkOptions
from r2egym.records import Task, ToolCall


def bash(env: WorkEnvironment, cmd: str):
    """Run a command as an agent does."""
    return env.act(ToolCall(name="execute_bash", arguments={"cmd": cmd}))


def test_a_command_runs_in_the_work_tree(env: WorkEnvironment):
    """The base commit's files are there, and the interpreter, and git, and no test of the fix."""
    outcome = bash(
        env,
        "pwd; git log --oneline | wc -l; python -c 'import larder.shelf as s; print(s.count([]))'; ls tests",
    )
    assert outcome.exit_code == 0
    assert outcome.observation.split("\n")[2:] == ["/testbed", "1", "1", "test_shelf.py", ""]


def test_reset_brings_the_base_state_back(env: WorkEnvironment):
    """Files, and what the editor remembers."""
    env.act(
        ToolCall(
            name="file_editor",
            arguments={"command": "create", "path": "/testbed/new.py", "file_text": "x = 1\n"},
        )
    )
    assert "new.py" in env.patch()
    env.reset()
    assert env.patch() == ""
    undo = env.act(
        ToolCall(name="file_editor", arguments={"command": "undo_edit", "path": "/testbed/larder/shelf.py"})
    )
    assert "No" in undo.observation or "no" in undo.observation


def test_a_snapshot_can_be_gone_back_to_and_forked(env: WorkEnvironment):
    """At any step; the fork and its origin do not see each other."""
    bash(env, "echo one > note")
    saved = env.snapshot()
    bash(env, "echo two > note")
    with env.fork(saved) as other:
        assert "one" in bash(other, "cat note").observation
        bash(other, "echo three > note")
        assert "two" in bash(env, "cat note").observation
    env.reset(saved)
    assert "one" in bash(env, "cat note").observation
    saved.discard()


@pytest.mark.parametrize(
    "mischief",
    [
        "rm -rf .git",
        "git add -A && git -c user.name=a -c user.email=a@b commit -qm mine",
        "git config core.fileMode false; git config diff.external /bin/false; rm .git/index",
        "git update-index --assume-unchanged larder/shelf.py",
    ],
)
def test_the_patch_holds_whatever_was_done_to_git(
    env: WorkEnvironment, task: Task, facilities: Facilities, tmp_path: Path, mischief: str
):
    """Files changed, made, deleted, made executable, binary, and not UTF-8; it applies to the base and gives the same files."""
    done = bash(
        env,
        "sed -i 's/ + 1//' larder/shelf.py && printf 'a\\377b' > latin && head -c 99 /dev/zero > zeros && rm setup.cfg"
        f" && chmod +x larder/__init__.py && mkdir -p deep/er && touch 'deep/er/a b' && {mischief}; find . -name shelf.py",
    )
    assert done.exit_code == 0, done.observation
    patch = env.patch()
    clone = tmp_path / "clone"
    git = ["git", "-C", str(clone)]
    subprocess.run(
        ["git", "clone", "-q", str(repository_of(task, facilities.home).path), str(clone)], check=True
    )
    subprocess.run([*git, "checkout", "-q", task.base_commit], check=True)
    subprocess.run([*git, "apply", "--binary", "-"], input=patch.encode(), check=True)
    assert (clone / "latin").read_bytes() == b"a\xffb"
    assert (clone / "zeros").read_bytes() == bytes(99)
    assert not (clone / "setup.cfg").exists()
    assert (clone / "deep/er/a b").exists()
    assert (clone / "larder/__init__.py").stat().st_mode & 0o100
    assert "+ 1" not in (clone / "larder/shelf.py").read_text()


def test_gold_is_rewarded_and_nothing_is_not(env: WorkEnvironment, task: Task):
    """The work tree as it is, graded in a fresh sandbox."""
    assert env.grade().score == 0.0
    applied = bash(env, f"git apply - <<'EOF'\n{task.patch}\nEOF")
    assert applied.exit_code == 0, applied.observation
    assert env.grade().score == 1.0


def test_broken_calls_are_outcomes(env: WorkEnvironment):
    """An unknown tool, a missing parameter, no call, a call that could not be read."""
    for call in (
        None,
        ToolCall(name="nosuch"),
        ToolCall(name="file_editor", arguments={"command": "view"}),
        ToolCall(name="search", broken="its arguments are not JSON"),
    ):
        outcome = env.act(call)
        assert outcome.refused
        assert outcome.observation
        assert not outcome.done


def test_a_persistent_shell_remembers(facilities: Facilities, task: Task):
    """Where it is asked for; else each command begins in the work tree."""
    with WorkEnvironment(facilities, task, options=WorkOptions(persistent_shell=True)) as env:
        bash(env, "cd larder; word=plum")
        assert "larder plum" in bash(env, 'echo "$(basename $PWD) $word"').observation
    with WorkEnvironment(facilities, task) as env:
        bash(env, "cd larder; word=plum")
        assert "testbed \n" in bash(env, 'echo "$(basename $PWD) $word"').observation


def test_a_time_limit_is_an_outcome(facilities: Facilities, task: Task):
    """What took too long is ended, and said."""
    with WorkEnvironment(facilities, task, options=WorkOptions(step_timeout=1)) as env:
        outcome = bash(env, "echo before; sleep 60")
        assert outcome.timed_out
        assert "before" in outcome.observation
