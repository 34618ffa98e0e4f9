# mypy: ignore-errors - Python 2.7 has no annotations
"""Helpers of a test module that compare what they are handed: what is known of that can be withheld where it is handed.

A helper is a function of the module, of a test, or a method, that is called by its one name and nothing else. A call
may hand it something that is not known before the project is imported; then both sides are handed out, as ever.
"""

import ast
import os

from _r2egym.columns import take
from _r2egym.perturb import Opaque
from _r2egym.sites import get
from _r2egym.uses import FUNCTIONS, Uses


def withhold(withholders, tables):
    """``{id of a helper's node: names of its parameters}``; ``withholders``: path → what changes the module there."""
    calls, mentions, defined = {}, {}, {}
    for path in sorted(withholders):
        tree = withholders[path].tree
        methods = {
            id(part) for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for part in node.body
        }
        for node in ast.walk(tree):
            if isinstance(node, FUNCTIONS):
                name = "." + node.name if id(node) in methods else node.name
                defined.setdefault(name, []).append((path, node))
            name = _mentioned(node)
            if name is not None:
                mentions[name] = mentions.get(name, 0) + 1
            if isinstance(node, ast.Call) and _called(node) is not None:
                calls.setdefault(_called(node), []).append((path, node))
    found = {}
    for name in sorted(set(defined) & set(calls)):
        path, function = defined[name][0]
        if len(defined[name]) > 1 or function.name.startswith("test") or function.decorator_list:
            continue
        known = all(other == path or _imports(withholders[other], node, path) for other, node in calls[name])
        if known and all(mentions.get(one, 0) == len(calls.get(one, ())) for one in (name, "." + name)):
            handed = [(withholders[other].closed, node) for other, node in calls[name]]
            names = _withheld(function, handed, withholders[path].closed, tables)
            if names:
                found[id(function)] = names
    return found


def _mentioned(node):
    """A name as calls of helpers have it: that of a function, or of a method, with its dot."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.alias):
        return node.name if node.asname else None
    return "." + node.attr if isinstance(node, ast.Attribute) else None


def _imports(withholder, call, path):
    """Whether a call means what the module at ``path`` defines."""
    if not isinstance(call.func, ast.Name):
        return False
    module, part = withholder.closed.names.library(call.func.id) or ("", None)
    stem = os.path.splitext(os.path.basename(path))[0]
    return part == call.func.id and (module is None or module.split(".")[-1] == stem)


def _called(node):
    """The name of the helper that a call may mean."""
    if isinstance(node.func, ast.Name):
        return node.func.id
    is_own = isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name)
    return "." + node.func.attr if is_own and node.func.value.id in ("self", "cls") else None


def _withheld(function, calls, closed, tables):
    spec = function.args
    if (
        spec.vararg
        or spec.kwarg
        or getattr(spec, "posonlyargs", None)
        or any(_has_stars(node) for _, node in calls)
    ):
        return set()
    parameters = [getattr(part, "arg", None) or getattr(part, "id", None) for part in spec.args]
    if parameters[:1] in (["self"], ["cls"]):
        parameters = parameters[1:]
    uses = Uses(function)
    known = []
    for place, name in enumerate(parameters):
        if uses.stores.get(name) or not uses.is_secret(name):
            continue
        cells = [(there, _argument(node, place, name)) for there, node in calls]
        cells = [(there, cell) for there, cell in cells if cell is not None and _is_known(there, get(*cell))]
        is_at_home = len(cells) == len(calls) and all(there is closed for there, _ in cells)
        if cells and (is_at_home or _is_plain(uses, name)):
            known.append((-len(cells), name, cells))
    names = set()
    for _, name, cells in sorted(known, key=lambda one: one[:2]):
        if uses.faced(name).isdisjoint(names | {name}) and take(uses, name, cells, tables):
            names.add(name)
    return names


def _has_stars(node):
    return (
        any(type(part).__name__ == "Starred" for part in node.args)
        or any(part.arg is None for part in node.keywords)
        or bool(getattr(node, "starargs", None) or getattr(node, "kwargs", None))
    )


def _is_plain(uses, name):
    return all(isinstance(get(*slot), ast.Name) for slot in uses.slots[name])


def _is_known(closed, node):
    try:
        closed.encoded(node)
    except Opaque:
        return False
    return True


def _argument(node, place, name):
    if place < len(node.args):
        return node, "args", place
    return next(((part, "value", None) for part in node.keywords if part.arg == name), None)
