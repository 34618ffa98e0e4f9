"""What a model reads of an outcome, character by character."""

from r2egym.records import ToolCall
from r2egym.tools import ToolResult, render_observation
from r2egym.tools.observation import MOST_CHARACTERS, clean

BASH = ToolCall(name="execute_bash", arguments={"cmd": "x"})


def test_bash() -> None:
    """Exit code, name, output."""
    assert render_observation(BASH, ToolResult(output="a\n", exit_code=1)) == (
        "Exit code: 1\nExecution output of [execute_bash]:\na\n"
    )


def test_others() -> None:
    """Tools that run no command have no exit code; nor has a command that was refused."""
    call = ToolCall(name="search")
    assert render_observation(call, ToolResult(output="a")) == "Execution output of [search]:\na"
    assert render_observation(BASH, ToolResult(output="no", ok=False)).startswith("Execution output of")


def test_finish_and_no_call() -> None:
    """The last call has its mark, and an answer without a call is asked for one."""
    assert render_observation(ToolCall(name="finish"), ToolResult(output="", done=True)) == "<<< Finished >>>"
    assert "no call" in render_observation(None, None)


def test_many_lines() -> None:
    """More than eighty lines lose their middle, and eighty lose nothing."""
    text = "".join(f"{number}\n" for number in range(1, 81))
    assert render_observation(BASH, ToolResult(output=text, exit_code=0)).endswith(f":\n{text}")
    lines = render_observation(BASH, ToolResult(output=f"{text}81\n", exit_code=0)).split("\n")[2:]
    assert lines[39:42] == ["40", "--- 1 of 81 lines left out ---", "42"]
    assert lines[-2:] == ["81", ""]
    assert len(lines) == 82
    assert "997 of 1001" in render_observation(BASH, ToolResult(output="x\n" * 1001, exit_code=0), lines=2)


def test_only_commands_lose_lines() -> None:
    """A view has a bound of its own, so its lines stay."""
    call = ToolCall(name="file_editor")
    assert "left out" not in render_observation(call, ToolResult(output="x\n" * 500))


def test_many_characters() -> None:
    """There is a bound on characters for all."""
    shown = render_observation(BASH, ToolResult(output="x" * 300_000, exit_code=0))
    assert len(shown) < MOST_CHARACTERS + 100
    assert "characters left out" in shown


def test_codes() -> None:
    """Colours, titles, carriage returns, NULs and surrogates are taken out, all else stays."""
    text = "\x1b[1;31mred\x1b[0m\x1b]0;title\x07 50%\r100%\r\n\x1b[38;5;9mx\x1b[K\x1b(B\0\ud800\té"
    assert clean(text) == "red 50%100%\nx\ufffd\té"
