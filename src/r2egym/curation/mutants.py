"""Small faults put into a fix: what its tests ought to notice.

A mutant is the gold patch with one change in a line that it adds: a comparison turned, a condition negated, a constant moved, an
operator swapped, a statement left out, something else returned. The operators are our own, and few: each is a slip that people
make. Mutants that compile to the same code as the fix are left out; some that behave the same remain, so that a score of less
than 1 is a hint and no proof of weak tests.

Limits: Python that this interpreter can parse; one change at a time; lines that a patch only removes have no mutants.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from r2egym.mining import FilePatch, is_test_path, parse_patch
from r2egym.mining.syntax import parse_python

_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "!=", ast.NotEq: "==", ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Is: "is not",
    ast.IsNot: "is", ast.In: "not in", ast.NotIn: "in",
}  # fmt: skip
_ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "-", ast.Sub: "+", ast.Mult: "+", ast.Div: "*", ast.FloorDiv: "/", ast.Mod: "*", ast.BitOr: "&",
    ast.BitAnd: "|",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault."""

    path: str
    line: int
    """In the fixed file, from 1."""
    operator: str
    before: str
    after: str
    patch: str
    """The gold patch with this fault in it."""

    @property
    def name(self) -> str:
        """One line that tells which it is."""
        return f"{self.path}:{self.line} {self.operator}: {_one_line(self.before)} -> {_one_line(self.after)}"


def mutants(patch: str, base: dict[str, str], fixed: dict[str, str], most: int) -> list[Mutant]:
    """Mutants of a gold patch, spread evenly over its lines; the same in every run.

    Args:
        patch: the gold patch.
        base: path → text before it, of each Python file that it changes; absent where it adds the file.
        fixed: path → text after it.
        most: how many.
    """
    parts = parse_patch(patch, max_bytes=1 << 30)
    found: list[Mutant] = []
    for part in parts:
        text = fixed.get(part.path)
        plain = part.kind in {"modified", "added"} and part.path.endswith(".py")
        if text is None or not plain or is_test_path(part.path):
            continue
        for change in _changes(text, _added(part)):
            mutated = text[: change.start] + change.text + text[change.end :]
            if not _differs(text, mutated):
                continue
            found.append(
                Mutant(
                    path=part.path,
                    line=change.line,
                    operator=change.operator,
                    before=text[change.start : change.end],
                    after=change.text,
                    patch=_patch_with(parts, part, base.get(part.path), mutated),
                )
            )
    return _spread(found, most)


@dataclass(frozen=True, slots=True)
class _Change:
    line: int
    operator: str
    start: int
    """Offset in the text."""
    end: int
    text: str


def _added(part: FilePatch) -> frozenset[int]:
    """Numbers of the lines that a patch adds, in the file after it."""
    lines = set()
    for hunk in part.hunks:
        number = hunk.new_start
        for line in hunk.lines:
            if line.startswith("+"):
                lines.add(number)
            number += not line.startswith(("-", "\\"))
    return frozenset(lines)


def _changes(text: str, lines: frozenset[int]) -> Iterator[_Change]:
    try:
        tree = parse_python(text)
    except (SyntaxError, ValueError, RecursionError):
        return
    place = _Places(text)
    documents = {id(node) for node in _silent(tree)}
    for node in ast.walk(tree):
        number = getattr(node, "lineno", 0)
        if number not in lines or id(node) in documents:
            continue
        for operator, target, new in _mutations(node, place):
            start, end = place.span(target)
            yield _Change(number, operator, start, end, new)


def _mutations(node: ast.AST, place: _Places) -> Iterator[tuple[str, ast.AST, str]]:
    """Operator, what it replaces, and by what."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        left, right = place.text(node.left), place.text(node.comparators[0])
        yield "comparison", node, f"{left} {_COMPARISONS[type(node.ops[0])]} {right}"
    elif isinstance(node, ast.BoolOp):
        word = " or " if isinstance(node.op, ast.And) else " and "
        yield "connective", node, "(" + word.join(f"({place.text(value)})" for value in node.values) + ")"
    elif isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        left, right = place.text(node.left), place.text(node.right)
        yield "arithmetic", node, f"({left}) {_ARITHMETIC[type(node.op)]} ({right})"
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "negation", node, f"({place.text(node.operand)})"
    elif isinstance(node, ast.Constant):
        yield from _constants(node)
    elif isinstance(node, ast.Call):
        yield from _calls(node, place)
    else:
        yield from _statements(node, place)


def _statements(node: ast.AST, place: _Places) -> Iterator[tuple[str, ast.AST, str]]:
    if isinstance(node, ast.If | ast.While | ast.IfExp):
        yield "condition", node.test, f"(not ({place.text(node.test)}))"
    elif isinstance(node, ast.Return) and node.value is not None and not _is_none(node.value):
        yield "return", node, "return None"
    elif isinstance(node, ast.Expr | ast.Assign | ast.AugAssign | ast.Raise | ast.Delete):
        yield "statement", node, "pass"


def _constants(node: ast.Constant) -> Iterator[tuple[str, ast.AST, str]]:
    if isinstance(node.value, bool):
        yield "constant", node, str(not node.value)
    elif isinstance(node.value, int | float):
        yield "constant", node, repr(node.value + 1)
    elif isinstance(node.value, str) and node.value and getattr(node, "kind", None) is None:
        yield "constant", node, repr(node.value + "X")


def _calls(node: ast.Call, place: _Places) -> Iterator[tuple[str, ast.AST, str]]:
    """Its only argument instead of it, and it without one of its keywords."""
    if len(node.args) == 1 and not node.keywords and not isinstance(node.args[0], ast.Starred):
        yield "call", node, place.text(node.args[0])
    for word in node.keywords:
        if word.arg is not None:
            rest = [place.text(one) for one in (*node.args, *node.keywords) if one is not word]
            yield "argument", node, f"{place.text(node.func)}({', '.join(rest)})"


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _silent(tree: ast.AST) -> Iterator[ast.AST]:
    """What no test hears of: texts that are statements, and lists of public names; and what has no place of its own."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            yield from ast.walk(node)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node
            yield node.value
        if isinstance(node, ast.JoinedStr):  # pieces of it have no place of their own before Python 3.12
            yield from ast.walk(node)


class _Places:
    """Where nodes stand in a text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines = text.splitlines(keepends=True)
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line))

    def span(self, node: ast.AST) -> tuple[int, int]:
        """Offsets of its first character and behind its last."""
        return (
            self._offset(getattr(node, "lineno", 1), getattr(node, "col_offset", 0)),
            self._offset(getattr(node, "end_lineno", 1), getattr(node, "end_col_offset", 0)),
        )

    def text(self, node: ast.AST) -> str:
        start, end = self.span(node)
        return self._text[start:end]

    def _offset(self, line: int, column: int) -> int:
        """Columns of a tree count bytes."""
        return self._starts[line - 1] + len(self._lines[line - 1].encode()[:column].decode())


def _differs(text: str, mutated: str) -> bool:
    """Whether the second text is valid Python and means something else."""
    try:
        return ast.dump(parse_python(text)) != ast.dump(parse_python(mutated))
    except (SyntaxError, ValueError, RecursionError):
        return False


def _patch_with(parts: Sequence[FilePatch], part: FilePatch, base: str | None, mutated: str) -> str:
    """The patch with another version of one file."""
    path = part.path
    old = "/dev/null" if base is None else f"a/{path}"
    lines = difflib.unified_diff(
        (base or "").splitlines(keepends=True), mutated.splitlines(keepends=True), old, f"b/{path}"
    )
    body = "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )
    head = f"diff --git a/{path} b/{path}\n" + ("new file mode 100644\n" if base is None else "")
    texts = (head + body if one is part else one.text for one in parts)
    return "".join(text if text.endswith("\n") else f"{text}\n" for text in texts)


def _spread(found: list[Mutant], most: int) -> list[Mutant]:
    """At most so many: one of every line before a second of any, operators in turn."""
    rounds: dict[tuple[str, int], int] = {}
    ranked = []
    for place, mutant in enumerate(
        sorted(found, key=lambda one: (one.path, one.line, one.operator, one.after))
    ):
        key = (mutant.path, mutant.line)
        rounds[key] = rounds.get(key, 0) + 1
        ranked.append((rounds[key], place, mutant))
    ranked.sort(key=lambda one: one[:2])
    first = [mutant for number, _, mutant in ranked if number == 1]
    if len(first) > most:
        chosen = [first[place * len(first) // most] for place in range(most)]
    else:
        chosen = [mutant for _, _, mutant in ranked[:most]]
    return sorted(chosen, key=lambda one: (one.path, one.line, one.operator, one.after))


def _one_line(text: str) -> str:
    whole = " ".join(text.split())
    return whole if len(whole) <= 60 else whole[:57] + "…"  # noqa: PLR2004 - a line for people
