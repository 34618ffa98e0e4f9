"""Commands in a real sandbox."""

import pytest
from tests.tools.bench import Bench

from r2egym.errors import SandboxError
from r2egym.tools import render_observation


def test_output_in_order(real: Bench) -> None:
    """Output and errors stand as they were printed, with the exit code."""
    result = real.bash("echo a; echo b >&2; echo c; exit 3")
    assert (result.output, result.exit_code) == ("a\nb\nc\n", 3)
    assert real.bash("pwd").output == "/testbed\n"
    assert real.bash("cat").output == ""


def test_fresh_shells(real: Bench) -> None:
    """Without a session each command begins anew."""
    real.bash("cd /; x=1")
    assert real.bash("echo $PWD $x").output == "/testbed\n"


def test_session(real: Bench) -> None:
    """With one, folder and variables live on, and output stays in order."""
    real.workplace.session = real.workplace.sandbox.session()
    real.bash("cd /tmp; x=1")
    assert real.bash("echo $PWD $x; echo e >&2; echo $x").output == "/tmp 1\ne\n1\n"


def test_session_that_was_ended(real: Bench) -> None:
    """``exit`` is a result, and the next command gets a new shell in the agent's folder."""
    real.workplace.session = real.workplace.sandbox.session()
    assert real.bash("echo bye; exit 4").exit_code == 4
    result = real.bash("pwd")
    assert result.exit_code == 0
    assert result.output.startswith("/testbed\n[The shell had been ended")
    assert real.bash("pwd").output == "/testbed\n"


def test_session_of_a_dead_sandbox(real: Bench) -> None:
    """When the sandbox itself is gone, that is the machinery's failure."""
    real.workplace.session = real.workplace.sandbox.session()
    real.workplace.sandbox.close()
    with pytest.raises(SandboxError):
        real.bash("pwd")


def test_timeout(real: Bench) -> None:
    """What takes too long is ended, its output kept, and that is said."""
    real.workplace.timeout = 1.0
    result = real.bash("echo begun; sleep 60; echo never")
    assert (result.exit_code, result.timed_out) == (124, True)
    assert result.output.startswith("begun\n[The command was ended after 1 seconds")
    assert 1 <= result.seconds < 30


def test_huge_output(real: Bench) -> None:
    """Endless output is bounded, and short when it is shown."""
    result = real.bash("yes | head -c 20000000")
    assert len(result.output) < 3 << 20
    call, _ = real.tools.check(_call("x"))
    assert len(render_observation(call, result)) < 1_000


def _call(cmd: str):
    from r2egym.records import ToolCall

    return ToolCall(name="execute_bash", arguments={"cmd": cmd})


def test_commands_that_are_none(real: Bench) -> None:
    """An empty command and one with a NUL are refused with the reason."""
    assert "empty" in real.bash(" \n").output
    result = real.bash("echo a\0b")
    assert "NUL" in result.output
    assert result.exit_code is None


@pytest.mark.parametrize("session", [False, True])
def test_messages_of_bash(real: Bench, *, session: bool) -> None:
    """What bash says names no file of the machinery, so the same command says the same twice."""
    if session:
        real.workplace.session = real.workplace.sandbox.session()
    for command in ("nosuch", "echo 1\nfi", "cd /nowhere", "echo $0 >/dev/null; nosuch", "echo 'a"):
        result = real.bash(command)
        assert result.exit_code != 0
        assert "bash: " in result.output
        assert "/run/" not in result.output
        assert "line" not in result.output.replace("newline", "")
        assert result.output == real.bash(command).output


def test_script(real: Bench) -> None:
    """Several lines, a here-document and a comment at the end are one script."""
    result = real.bash("cat <<'X' > a.txt\n$HOME 'a'\nX\ncat a.txt # done")
    assert result.output == "$HOME 'a'\n"


def test_folder_that_is_gone(real: Bench) -> None:
    """A working folder that was removed is an exit code, not an exception."""
    real.workplace.cwd = "/nowhere"
    result = real.bash("pwd")
    assert result.exit_code == 126
    assert "/nowhere" in result.output


def test_background(real: Bench) -> None:
    """A program in the background holds nothing up."""
    result = real.bash("sleep 60 & echo on")
    assert result.output == "on\n"
    assert result.seconds < 30
