"""Pages about records: their fields, types and docstrings, read from the source, and the columns of a row."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator

RECIPE = """# Recipe files

Written by `make docs` from the record `Recipe` in `src/r2egym/records/tasks.py`; do not edit it by hand.

A recipe file tells how one repository is set up and tested where discovery gets it wrong: TOML, one key a field, all but
`python` optional. `r2egym curate REPO --recipes DIR` reads `DIR/NAME.toml` for the repository called `NAME` (the last part
of its URL or path, without `.git`), and then tries nothing else. The walk through one:
[ENV_GENERATION.md](ENV_GENERATION.md#a-stubborn-repository).

```toml
# recipes/NAME.toml
python = "3.9"
requirements = ["pytest", "attrs>=19", "hypothesis<6"]
packages = ["name"]
source_roots = ["src"]
```

Tables `[[fallback]]` hold recipes that are tried, in their order, on commits on which discovery fails (or the recipe above does); the
others stay as they are. They count only when the packages import, tests are collected, no requirement brings what the
repository has itself, and a hidden test passes with the fix. `curate --installer MODEL` writes such files, `DATASET/recipes/NAME.toml`:

```toml
[[fallback]]
python = "3.9"
requirements = ["pytest", "pyyaml<6"]
packages = ["name"]
```

## Fields

"""
ROWS = """# A row

Written by `make docs` from `src/r2egym/tasks/schema.py` and `src/r2egym/records/tasks.py`; do not edit it by hand.

One row of `tasks.parquet` is one task. The first fourteen columns are the published R2E-Gym ones, the others SWE-bench's
names and ours; why: [`design/dataset.md`](../design/dataset.md). A type `string` marked *JSON* holds JSON text of the shape
that is described [below](#what-json-columns-hold). `r2egym.tasks.load_dataset` reads it all into typed records.

## Columns

| column | type | what it holds |
| --- | --- | --- |
"""
NESTED = ("Environment", "Recipe", "HiddenTests", "HiddenFile", "Validation", "Size", "TestStatus")
COLUMN_OF = {"commit_hash": "fix_commit", "FAIL_TO_PASS": "fail_to_pass", "PASS_TO_PASS": "pass_to_pass"}
"""Columns that have another name as a field of Task."""
TOLD = {
    "repo_name": "The same as `repo`.",
    "docker_image": "Name of the image that the published environment runs in; empty in rows made here.",
    "parsed_commit_content": "*JSON*: the fix commit as the published code parses it, whole files before and after included.",
    "execution_result_content": "*JSON*: names and contents of the test files, and what both sides printed.",
    "modified_files": "Paths that the fix touches outside the tests.",
    "modified_entity_summaries": "Functions, classes and methods that it touches outside the tests, and where.",
    "relevant_files": "Files of the gold patch without which it scores 0; empty where it has too many to tell.",
    "num_non_test_files": "Files touched outside the tests.",
    "num_non_test_func_methods": "Functions and methods touched outside the tests.",
    "num_non_test_lines": "Lines added and deleted outside the tests.",
    "prompt": "What a model was asked that wrote the statement, as far as it is kept.",
    "problem_statement": "What an agent is told.",
    "expected_output_json": "*JSON*: test, without its file → status after the gold patch; the published reward compares with it.",
    "environment": "*JSON* [`Environment`](#environment): how the machine is made that the task runs on.",
    "hidden_tests": "*JSON* [`HiddenTests`](#hiddentests): what graders put in place and an agent never sees.",
    "validation": "*JSON* [`Validation`](#validation): what was proved.",
    "test_statuses": "*JSON*: `base` and `gold`, each test id → [`TestStatus`](#teststatus) on that side.",
    "schema_version": "Version of this schema; a reader refuses a newer one.",
    "size": "*JSON* [`Size`](#size), where it was measured.",
}
"""What columns hold that no field of Task tells."""


def fields(record: type) -> Iterator[tuple[str, str, str, str]]:
    """Name, type, default and docstring of every field (or member of an enumeration) of a class, from its source."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(record))).body
    if not isinstance(tree, ast.ClassDef):
        raise TypeError(record)
    for number, node in enumerate(tree.body):
        if isinstance(node, ast.AnnAssign):
            name, kind = ast.unparse(node.target), ast.unparse(node.annotation)
        elif isinstance(node, ast.Assign) and record.__name__ == "TestStatus":
            name, kind = ast.unparse(node.targets[0]), ""
        else:
            continue
        if name.startswith("_"):
            continue
        after = tree.body[number + 1] if number + 1 < len(tree.body) else None
        said = ""
        if (
            isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
            and isinstance(after.value.value, str)
        ):
            said = _markdown(after.value.value)
        yield name, kind, ast.unparse(node.value) if node.value else "", said


def recipe_page() -> str:
    """The reference of recipe files."""
    from r2egym.records import Recipe

    lines = ["| key | type | default | what it says |", "| --- | --- | --- | --- |"]
    for name, kind, default, said in fields(Recipe):
        lines.append(f"| `{name}` | {_toml(kind)} | {_default(default)} | {said} |")
    return RECIPE + "\n".join(lines) + "\n"


def rows_page() -> str:
    """The reference of rows."""
    from r2egym import records
    from r2egym.records import Task
    from r2egym.tasks import COLUMNS
    from r2egym.tasks.schema import arrow_schema

    of_task = {name: said for name, _, _, said in fields(Task)}
    schema = arrow_schema()
    parts = [ROWS]
    for column in COLUMNS:
        said = TOLD.get(column) or of_task.get(COLUMN_OF.get(column, column), "")
        if not said:
            raise SystemExit(
                f"column {column}: nothing says what it holds; add it to scripts/docs_of_records.py"
            )
        if column in COLUMN_OF and column.isupper():
            said = f"*JSON*: list. {said}"
        parts.append(f"| `{column}` | {_cell(str(schema.field(column).type))} | {said} |\n")
    parts.append("\n## What JSON columns hold\n")
    for name in NESTED:
        record = getattr(records, name)
        parts.append(f"\n### {name}\n\n{_markdown(inspect.getdoc(record) or '')}\n\n")
        parts.append("| field | type | default | what it holds |\n| --- | --- | --- | --- |\n")
        for field, kind, default, said in fields(record):
            shown = "" if name == "TestStatus" else _default(default)
            parts.append(f"| `{field}` | {_cell(kind)} | {shown} | {said} |\n")
    return "".join(parts)


def _toml(kind: str) -> str:
    kind = re.sub(r"Literal\[(.*)\]", lambda found: found[1].replace("'", '"').replace(", ", " or "), kind)
    names = {"str": "string", "bool": "true or false", "tuple[str, ...]": "list of strings"}
    return names.get(kind, "table of strings" if kind.startswith("dict") else f"`{kind}`")


def _default(text: str) -> str:
    shown = {"()": "`[]`", "False": "`false`", "": "", "('.',)": '`["."]`'}
    return shown.get(text, "`" + text.replace("'", '"') + "`")


def _cell(text: str) -> str:
    return f"`{text}`".replace("|", "\\|") if text else ""


def _markdown(text: str) -> str:
    """A docstring as one line of markdown."""
    plain = re.sub(r":\w+:`~?(?:[\w.]*\.)?(\w+)`", r"`\1`", " ".join(text.split()))
    return plain.replace("``", "`").replace("|", "\\|")
