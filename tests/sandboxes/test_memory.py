"""The in-memory backend answers as a test tells it to."""

from r2egym.records import ExecResult
from r2egym.sandboxes.base import Sandbox, SandboxConfig
from r2egym.sandboxes.memory import Call, MemoryBackend, MemorySandbox


def test_answers() -> None:
    """A command is answered by its whole line, by its program, or not found."""

    def touch(sandbox: MemorySandbox, call: Call) -> ExecResult:
        sandbox.write_file(call.words[1], "")
        return ExecResult(exit_code=0, stdout="made", stderr="")

    backend = MemoryBackend(
        {"pytest -q": ExecResult(exit_code=1, stdout="1 failed", stderr=""), "touch": touch}
    )
    with backend.open(SandboxConfig(cwd="/testbed")) as sandbox:
        assert isinstance(sandbox, Sandbox)
        assert sandbox.exec("pytest -q").stdout == "1 failed"
        assert sandbox.exec(["pytest", "-q"]).exit_code == 1
        assert sandbox.exec(["touch", "x"]).stdout == "made"
        assert sandbox.read_file("/testbed/x") == b""
        assert sandbox.exec("a | b").exit_code == 127
    assert [call.line for call in backend.opened[0].calls] == ["pytest -q", "pytest -q", "touch x", "a | b"]
