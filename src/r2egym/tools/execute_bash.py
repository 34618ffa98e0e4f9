"""Commands in the sandbox's bash.

Standard output and error are joined inside, so that lines stand in the order in which they were printed (a program that
buffers its output when it writes to no terminal still decides when it writes). With a session the working directory and
variables live on; a shell that the agent ended is replaced. Standard input is empty. Limit: what bash says about the command itself
(a syntax error, a missing program) has no line numbers.
"""

from __future__ import annotations

import re
import shlex

from r2egym.errors import SandboxClosedError, SandboxError
from r2egym.records import ExecResult
from r2egym.tools.base import Arguments, BadCallError, Parameter, Tool, ToolResult, Workplace

_JOINED = "exec 2>&1\n"  # a line of its own, since bash quotes the whole line where it finds an error
_SECONDS = 30.0
# What bash calls a script that the sandbox gave it: a name and a line that tell the agent nothing and differ every time.
_SCRIPT = re.compile(
    r"^(?:bash: )?(?:/run/r2egym/[0-9a-f]+\.(?:run|sh)|/bin/bash): (?:eval: )?(?:line [0-9]+: )?",
    re.MULTILINE,
)


def execute_bash(workplace: Workplace, arguments: Arguments) -> ToolResult:
    """Do what a checked call asks."""
    command = str(arguments["cmd"])
    if not command.strip():
        raise BadCallError("cmd is empty; give a command to run.")
    if "\0" in command:
        raise BadCallError(
            "cmd holds a NUL character, which no command can. Write it as \\0 where a program reads it."
        )
    notes: list[str] = []
    result = _run(workplace, _JOINED + command, notes)
    if result.timed_out:
        notes.append(
            f"The command was ended after {workplace.timeout:g} seconds, and all that it had started. If it waits for input, there is none; if "
            "it takes long, run a smaller part of it."
        )
    notes += [f"The sandbox's limit on {name} ended a process meanwhile." for name in result.limits_hit]
    output = _SCRIPT.sub("bash: ", result.stdout + result.stderr)
    for note in notes:
        output += f"{'' if not output or output.endswith(chr(10)) else chr(10)}[{note}]\n"
    return ToolResult(output=output, exit_code=result.exit_code, timed_out=result.timed_out)


EXECUTE_BASH = Tool(
    "execute_bash",
    "Runs a command, or a script of several lines, in bash, and shows its exit code and what it printed. It gets no input, and what runs too "
    "long is ended; to keep a program running, send it to the background with its output in a file.",
    (
        Parameter(
            "cmd",
            "string",
            "The command.",
            required=True,
            aliases=("command", "commands", "bash", "script", "code", "input"),
        ),
    ),
    execute_bash,
    aliases=(
        "bash", "shell", "sh", "terminal", "run", "run_command", "run_bash", "execute", "execute_command", "cmd",
    ),
)  # fmt: skip


def _run(workplace: Workplace, script: str, notes: list[str]) -> ExecResult:
    if workplace.session is None:
        return workplace.sandbox.exec(script, timeout=workplace.timeout, cwd=workplace.cwd)
    try:
        return workplace.session.run(script, timeout=workplace.timeout)
    except SandboxClosedError:
        _renew(workplace)
        notes.append(
            f"The shell had been ended by an earlier command; this is a new one, in {workplace.cwd}."
        )
        return workplace.session.run(script, timeout=workplace.timeout)
    except SandboxError as error:
        _renew(workplace)
        notes.append(f"The command broke the shell; the next one gets a new one, in {workplace.cwd}.")
        return ExecResult(exit_code=255, stdout="", stderr=f"{error}\n")


def _renew(workplace: Workplace) -> None:
    """A new shell, where the sandbox lives on: then it was the command that ended the old one."""
    if not workplace.sandbox.is_alive():
        raise SandboxClosedError("the sandbox died")
    workplace.session = workplace.sandbox.session()
    workplace.session.run(f"cd -- {shlex.quote(workplace.cwd)}", timeout=_SECONDS)
