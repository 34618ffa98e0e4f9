"""Write the pages of docs/ that are generated, so that they cannot rot: what commands, records and columns say of themselves.

    .venv/bin/python scripts/write_docs.py [--check]

With ``--check`` nothing is written, and the exit code is 1 when a page is stale.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from pathlib import Path

from docs_of_records import recipe_page, rows_page

ROOT = Path(__file__).resolve().parent.parent
PREFACE = """# Commands

Written by `make docs` from `r2egym COMMAND --help`; do not edit it by hand.

Every command exits 0 when it ran, 1 when it ran and the answer is no, 2 when it could not run; then one line says what
is wrong and what to do. `--json` prints one JSON object a line, for programs.
"""


def command_names() -> list[str]:
    """Every command, and every command of a command, in the order in which the help lists them."""
    import importlib

    import typer

    from r2egym.cli.main import VERBS

    names = []
    for verb in VERBS:
        command = typer.main.get_command(importlib.import_module(f"r2egym.cli.{verb}").app)
        names += [verb, *(f"{verb} {name}" for name in getattr(command, "commands", {}))]
    return names


def help_of(command: str) -> str:
    """What ``r2egym COMMAND --help`` prints on a terminal of 90 columns without colours."""
    from r2egym.cli import main as r2egym

    os.environ.update({"COLUMNS": "90", "TERMINAL_WIDTH": "90", "TERM": "dumb", "NO_COLOR": "1"})
    os.environ["HOME"] = "/nonexistent"
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        r2egym([*command.split(), "--help"])
    return "\n".join(line.rstrip() for line in printed.getvalue().strip("\n").splitlines())


def commands_page() -> str:
    """Every command's help."""
    parts = [PREFACE, f"```text\n{help_of('')}\n```\n"]
    parts += [f"## r2egym {name}\n\n```text\n{help_of(name)}\n```\n" for name in command_names()]
    return "\n".join(parts)


PAGES = {"commands.md": commands_page, "recipe.md": recipe_page, "rows.md": rows_page}


def main(arguments: list[str]) -> int:
    """Write the pages, or say which are stale."""
    stale = 0
    for name, page in PAGES.items():
        path, text = ROOT / "docs" / name, page()
        if "--check" not in arguments:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            print(f"docs/{name} is stale: run `make docs`", file=sys.stderr)
            stale = 1
    return stale


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
