"""The functions, classes, methods, imports and other statements of a Python file, and which of them a diff touches.

tree-sitter reads old syntax and broken files: what it cannot understand becomes a statement, and the rest stands.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from r2egym.mining.candidates import Entity, EntityType
from r2egym.mining.patches import FilePatch, Hunk

if TYPE_CHECKING:
    import tree_sitter

NAMED: frozenset[EntityType] = frozenset({"function", "class", "method"})
"""Entities that their name identifies; others are what they say."""
_AST_NAMES = {
    "import_statement": "Import", "import_from_statement": "ImportFrom", "future_import_statement": "ImportFrom",
    "if_statement": "If", "for_statement": "For", "while_statement": "While", "try_statement": "Try",
    "with_statement": "With", "assert_statement": "Assert", "delete_statement": "Delete",
    "raise_statement": "Raise", "pass_statement": "Pass", "global_statement": "Global",
    "return_statement": "Return", "match_statement": "Match", "type_alias_statement": "TypeAlias",
    "print_statement": "Print", "exec_statement": "Exec", "ERROR": "Error",
}  # fmt: skip
_ASSIGNMENTS = {"assignment": "Assign", "augmented_assignment": "AugAssign"}
_Point = tuple[int, int]
_Edit = tuple[int, int, int, _Point, _Point, _Point]
"""As tree-sitter takes one: first byte, end before, end after; then the same as rows and columns."""


class Part(NamedTuple):
    """An entity where it stands."""

    type: EntityType
    name: str
    ast_type: str
    start: int
    """First line, from 1, decorators included."""
    end: int
    node: tree_sitter.Node

    @property
    def text(self) -> str:
        """Its source."""
        return (self.node.text or b"").decode("utf-8", "surrogateescape")

    @property
    def signature(self) -> str:
        """How a function is called (``(a, b=1)``, a method without its first one); empty for classes, properties and the rest."""
        inner = _inner(self.node)
        found = inner.child_by_field_name("parameters") if self.type != "class" else None
        marks = (child for child in self.node.named_children if child.type == "decorator")
        if found is None or any("property" in _text(mark) for mark in marks):
            return ""
        given = [" ".join(_text(one).split()) for one in found.named_children if one.type != "comment"]
        return f"({', '.join(given[self.type == 'method' and given[:1] in (['self'], ['cls']) :])})"

    @property
    def key(self) -> tuple[str, str]:
        """What makes it the same one in another version of the file."""
        return self.type, self.name if self.type in NAMED else self.text


class Outline:
    """The parts of one version of a file, in their order; a class comes before its methods."""

    def __init__(self, source: bytes, *, near: Outline | None = None, hunks: Sequence[Hunk] = ()) -> None:
        """Read a file.

        Args:
            source: its bytes.
            near: an outline of another version of it, which makes that quicker and changes nothing.
            hunks: what leads from ``source`` to ``near``, when that is known.
        """
        self._source = source
        self._tree = _parse(source, near, hunks)  # parts borrow from it

    def edited(self, source: bytes, hunks: Sequence[Hunk]) -> tree_sitter.Tree | None:
        """This version's tree, marked where ``source`` differs; None where it would not help.

        A broken file is none to start from: how the parser recovers depends on where it begins.
        """
        if self._tree.root_node.has_error:
            return None
        tree = self._tree.copy()
        for edit in _edits(hunks, source, self._source) if hunks else (_edit(self._source, source),):
            tree.edit(*edit)
        return tree

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """All of them."""
        return tuple(_parts(self._tree.root_node))

    @cached_property
    def keys(self) -> frozenset[tuple[str, str]]:
        """Their identities."""
        return frozenset(part.key for part in self.parts)

    def at(self, lines: Sequence[tuple[int, int]]) -> list[Part]:
        """The parts that hold any of the lines, given as ranges (first, last)."""
        if not lines:
            return []
        top, bottom = min(first for first, _ in lines), max(last for _, last in lines)
        near = [part for part in self.parts if part.start <= bottom and top <= part.end]
        return [
            part for part in near if any(part.start <= last and first <= part.end for first, last in lines)
        ]


def _parse(source: bytes, near: Outline | None, hunks: Sequence[Hunk]) -> tree_sitter.Tree:
    start = near.edited(source, hunks) if near else None
    if start is not None:
        tree = _parser().parse(source, start)
        if not tree.root_node.has_error:
            return tree
    return _parser().parse(source)


def _edits(hunks: Sequence[Hunk], to: bytes, origin: bytes) -> Iterator[_Edit]:
    """The edits, last one first, that undo the hunks: ``origin`` is what they lead to, ``to`` where they begin."""
    starts, ends = _line_starts(origin), _line_starts(to)
    for hunk in reversed(hunks):
        first = hunk.new_start - (hunk.new_length > 0)
        last = first + hunk.new_length
        before = hunk.old_start - (hunk.old_length > 0)
        length = ends[before + hunk.old_length] - ends[before]
        rows = (first, 0), (last, 0), (first + hunk.old_length, 0)
        yield starts[first], starts[last], starts[first] + length, *rows


def _line_starts(source: bytes) -> list[int]:
    """Where each line begins, and where the file ends."""
    starts = list(itertools.accumulate((len(line) + 1 for line in source.split(b"\n")), initial=0))
    starts.pop()  # what follows the last newline has none
    return starts if starts[-1] == len(source) else [*starts, len(source)]


def _edit(old: bytes, new: bytes) -> _Edit:
    """The one edit that holds every difference."""
    start = _common(old, new)
    tail = _common(old[start:][::-1], new[start:][::-1])
    ends = len(old) - tail, len(new) - tail
    return start, *ends, _point(old, start), _point(old, ends[0]), _point(new, ends[1])


def _common(left: bytes, right: bytes) -> int:
    """How many bytes both begin with; found by halving, so that the comparing is done in C."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _point(source: bytes, at: int) -> tuple[int, int]:
    """Row and column of a byte."""
    return source.count(b"\n", 0, at), at - (source.rfind(b"\n", 0, at) + 1)


@lru_cache(maxsize=1)
def _parser() -> tree_sitter.Parser:
    import tree_sitter
    import tree_sitter_python

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_python.language()))


def _parts(root: tree_sitter.Node) -> Iterator[Part]:
    for node in root.named_children:
        if node.type == "comment":
            continue
        inner = _inner(node)
        if inner.type == "function_definition":
            yield _definition(node, inner, "function", "")
        elif inner.type == "class_definition":
            whole = _definition(node, inner, "class", "")
            yield whole
            body = inner.child_by_field_name("body")
            for child in body.named_children if body else ():
                method = _inner(child)
                if method.type == "function_definition":
                    yield _definition(child, method, "method", whole.name + ".")
        elif node.type == "import_statement":
            for name in node.children_by_field_name("name"):
                module = name.child_by_field_name("name") or name
                yield _part(node, "import", _text(module), "Import")
        else:  # imports of names from a module are statements in the published rows, and so they are here
            yield _part(node, "statement", "", _ast_name(node))


def _inner(node: tree_sitter.Node) -> tree_sitter.Node:
    """A definition without its decorators."""
    if node.type == "decorated_definition":
        return node.child_by_field_name("definition") or node
    return node


def _definition(node: tree_sitter.Node, inner: tree_sitter.Node, kind: EntityType, prefix: str) -> Part:
    name = inner.child_by_field_name("name")
    asynchronous = bool(inner.children) and inner.children[0].type == "async"
    ast_type = "ClassDef" if kind == "class" else "AsyncFunctionDef" if asynchronous else "FunctionDef"
    return _part(node, kind, prefix + (_text(name) if name else ""), ast_type)


def _part(node: tree_sitter.Node, kind: EntityType, name: str, ast_type: str) -> Part:
    return Part(kind, name, ast_type, node.start_point.row + 1, node.end_point.row + 1, node)


def _text(node: tree_sitter.Node) -> str:
    return (node.text or b"").decode("utf-8", "surrogateescape")


def _ast_name(node: tree_sitter.Node) -> str:
    if node.type == "expression_statement":
        child = node.named_children[0] if node.named_children else node
        if child.type == "assignment" and child.child_by_field_name("type"):
            return "AnnAssign"
        return _ASSIGNMENTS.get(child.type, "Expr")
    return _AST_NAMES.get(node.type, "".join(word.title() for word in node.type.split("_")))


# --- what a diff touches ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Touched:
    """The parts that some changed lines touch. A part that both versions have is modified."""

    modified: tuple[Part, ...]
    """As they are after."""
    added: tuple[Part, ...]
    deleted: tuple[Part, ...]

    @property
    def edited(self) -> tuple[Part, ...]:
        """All of them."""
        return self.modified + self.added + self.deleted


def touched(before: Outline, after: Outline, hunks: Sequence[Hunk]) -> Touched:
    """What some hunks of a file touch, each part once."""
    old = _first(before.at([lines for hunk in hunks for lines in changed_lines(hunk)[0]]))
    new = _first(after.at([lines for hunk in hunks for lines in changed_lines(hunk)[1]]))
    modified = [part for key, part in new.items() if key in before.keys]
    if rest := [key for key in old if key in after.keys and key not in new]:
        whole = _first(after.parts)
        modified += [whole[key] for key in rest]
    return Touched(
        modified=tuple(sorted(modified, key=lambda part: part.start)),
        added=tuple(part for key, part in new.items() if key not in before.keys),
        deleted=tuple(part for key, part in old.items() if key not in after.keys),
    )


def _first(parts: Sequence[Part]) -> dict[tuple[str, str], Part]:
    found: dict[tuple[str, str], Part] = {}
    for part in parts:
        found.setdefault(part.key, part)
    return found


def changed_lines(hunk: Hunk) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Ranges (first line, last line) that a hunk deletes from the old file and adds to the new one."""
    sides: dict[str, list[tuple[int, int]]] = {"-": [], "+": []}
    at = {"-": hunk.old_start, "+": hunk.new_start}
    for line in hunk.lines:
        sign = line[:1]
        if sign in sides:
            number = at[sign]
            ranges = sides[sign]
            if ranges and ranges[-1][1] == number - 1:
                ranges[-1] = (ranges[-1][0], number)
            else:
                ranges.append((number, number))
            at[sign] += 1
        elif sign != "\\":
            at["-"] += 1
            at["+"] += 1
    return sides["-"], sides["+"]


def record(path: str, part: Part) -> Entity:
    """The part as a record."""
    return Entity(
        file_name=path,
        type=part.type,
        name=part.name,
        ast_type_str=part.ast_type,
        start_lineno=part.start,
        end_lineno=part.end,
    )


# --- comments and docstrings ------------------------------------------------------------------------------------


def differs_in_code(file: FilePatch, before: Outline, after: Outline) -> bool:
    """Whether a function or class differs beyond comments, docstrings and blanks, or is there on one side only."""
    found = touched(before, after, file.hunks)
    if any(part.type in NAMED for part in (*found.added, *found.deleted)):
        return True
    old = _first(before.parts)
    return any(
        part.type in {"function", "class"} and _bare(part.node) != _bare(old[part.key].node)
        for part in found.modified
    )


def _bare(node: tree_sitter.Node) -> list[bytes]:
    """The tokens of a node without comments and docstrings; an indented block counts by its brackets."""
    tokens: list[bytes] = []
    pending: list[tree_sitter.Node | bytes] = [node]
    while pending:
        here = pending.pop()
        if isinstance(here, bytes):
            tokens.append(here)
        elif here.type == "comment":
            continue
        elif here.type == "string" or not here.children:
            tokens.append(here.text or b"")
        else:
            children: list[tree_sitter.Node | bytes] = list(here.children)
            if here.type == "block":
                kept = here.children[1:] if _is_docstring(here) else here.children
                children = [b"{", *kept, b"}"]
            pending.extend(reversed(children))
    return tokens


def _is_docstring(block: tree_sitter.Node) -> bool:
    first = block.children[0] if block.children else None
    if first is None or first.type != "expression_statement":
        return False
    return [child.type for child in first.named_children] in (["string"], ["concatenated_string"])
