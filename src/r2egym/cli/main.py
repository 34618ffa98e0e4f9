"""Finding a verb, running it, and turning what it raises into one line and an exit code.

A verb is a module of this folder with its name, and in it ``app``, a ``typer.Typer`` of one command (or of several, for
``cache``). It is imported when it is used, so that the others cost nothing.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from r2egym import __version__
from r2egym.errors import R2EGymError

VERBS = {
    "demo": "Watch a bundled history become proven tasks, offline.",
    "mine": "List the commits that could become tasks.",
    "curate": "Turn a repository's history into proven tasks.",
    "recollect": "Describe the tasks of a dataset anew.",
    "run": "Run an agent at every task of a dataset, K times.",
    "grade": "Grade patches on the tasks of a dataset.",
    "verify": "Score a run's attempts without the hidden tests.",
    "select": "Choose one patch a task from a run's attempts.",
    "bestk": "Tell what choosing one of K attempts is worth.",
    "export": "Write rows to train on from what agents did.",
    "doctor": "Prove a dataset again, or examine this machine.",
    "stats": "Show what a dataset holds, or what became of a run.",
    "images": "Build, push, pull or remove the Docker images of tasks.",
    "view": "Show runs and datasets in a browser.",
    "cache": "Show or clean what is kept on this machine.",
    "bench": "Measure against the reference, side by side.",
}
"""Every verb and its one line, in the order of the pipeline."""

EXIT_NO = 1
"""It ran, and the answer is no."""
EXIT_COULD_NOT = 2
"""It could not run."""
EXIT_INTERRUPTED = 130
"""Ctrl-C ended it; what it had started is gone."""
EXIT_BROKEN_PIPE = 141
"""Whoever read the output has left; what a shell says of a program that SIGPIPE ended."""


class _Verbs(TyperGroup):
    """A group that lists its verbs without importing them."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The verb's module, imported now."""
        name, command, rest = super().resolve_command(ctx, args)
        if name is not None:
            command = typer.main.get_command(importlib.import_module(f"r2egym.cli.{name}").app)
        return name, command, rest


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)
    try:
        code = _run([word for word in given if word != "--debug"], debug=debug)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = EXIT_BROKEN_PIPE
    sys.exit(code)


def _run(arguments: list[str], *, debug: bool) -> int:
    """Exit code of a run; every way in which one can go wrong ends here."""
    try:
        group = _group()
        with group.make_context("r2egym", arguments) as context:
            group.invoke(context)
    except typer.Exit as done:
        return done.exit_code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as error:
        if debug and not isinstance(error, typer.TyperException):
            raise
        line = " ".join(_explain(error).split())
        print(f"r2egym: {line}", file=sys.stderr)
        return EXIT_COULD_NOT
    return 0


def _explain(error: Exception) -> str:
    """What went wrong and what to do, in one line."""
    if isinstance(error, typer.TyperException):
        return f"{error.format_message()} (r2egym --help lists what there is)"
    if isinstance(error, R2EGymError):
        return str(error)
    if isinstance(error, OSError):
        return f"{error.filename or 'this machine'}: {(error.strerror or str(error)).lower()}"
    return f"a fault of r2egym itself: {type(error).__name__}: {_save_traceback(error)}"


def _save_traceback(error: Exception) -> str:
    with tempfile.NamedTemporaryFile("w", prefix="r2egym-", suffix=".txt", delete=False) as file:
        file.write("".join(traceback.format_exception(error)))
    text = str(error).strip().partition("\n")[0]
    return f"{text} (where: {Path(file.name)}; or run again with --debug)"


def _end(number: int, frame: object) -> NoReturn:
    """Ctrl-C, or a request to end: end what this process runs, then unwind, so that sandboxes and locks are given back.

    Threads that wait for a command in a sandbox come back at once when that command is gone.
    """
    del frame
    signal.signal(number, signal.SIG_DFL)  # whoever asks twice means it
    for folder in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):  # a thread, or a child, that has just ended
            for child in (folder / "children").read_text().split():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(child), signal.SIGKILL)
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)


def _group() -> _Verbs:
    options = typer.Typer(add_completion=False)
    options.callback(invoke_without_command=True)(_options)
    template = typer.main.get_group(options)
    return _Verbs(
        name="r2egym",
        help="Turns git histories into executable, cheat-proof tasks, and grades what agents do with them.",
        params=template.params,
        callback=template.callback,
        commands={name: TyperCommand(name, help=line) for name, line in VERBS.items()},
        rich_markup_mode=None,
        invoke_without_command=True,
    )


def _options(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version and exit."),
    debug: bool = typer.Option(
        False, "--debug", help="Show the traceback of what goes wrong; stands anywhere."
    ),
) -> None:
    del debug
    if version:
        print(__version__)
    elif context.invoked_subcommand is None:
        print(context.get_help())
