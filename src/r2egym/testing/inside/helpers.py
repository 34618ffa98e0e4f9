# mypy: ignore-errors - Python 2.7 has no annotations
"""Helpers of a test module that compare what they are handed: what is known of that can be withheld where it is handed.

A helper is a function of the module, of a test, or a method, that is called by its one name and nothing else. A call
may hand it something that is not known before the project is imported; then both sides are handed out, as ever.
"""

import ast

from _r2egym.columns import take
from _r2egym.perturb import Opaque
from _r2egym.uses import FUNCTIONS, Uses, get


def withhold(tree, others, closed, tables):
    """``{id of a helper's node: names of its parameters}``; ``others``: names that other modules mention."""
    mentioned, calls, defined = {}, {}, {}
    for node in ast.walk(tree):
        if isinstance(node, FUNCTIONS):
            defined.setdefault(node.name, []).append(node)
        name = _mentions(node)
        if name is not None:
            mentioned[name] = mentioned.get(name, 0) + 1
        if isinstance(node, ast.Call) and _called(node) is not None:
            calls.setdefault(_called(node), []).append(node)
    found = {}
    for name in sorted(defined):
        function = defined[name][0]
        if len(defined[name]) > 1 or name in others or name.startswith("test") or function.decorator_list:
            continue
        if name in calls and mentioned.get(name) == len(calls[name]):
            names = _withheld(function, calls[name], closed, tables)
            if names:
                found[id(function)] = names
    return found


def mentioned(tree):
    """Names that a module mentions, also those that it imports."""
    found = {_mentions(node) for node in ast.walk(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            found.update(alias.name for alias in node.names)
    return found


def _mentions(node):
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else None


def _called(node):
    """The name of the helper that a call may mean."""
    if isinstance(node.func, ast.Name):
        return node.func.id
    is_own = isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name)
    return node.func.attr if is_own and node.func.value.id in ("self", "cls") else None


def _withheld(function, calls, closed, tables):
    spec = function.args
    if spec.vararg or spec.kwarg or getattr(spec, "posonlyargs", None) or any(map(_has_stars, calls)):
        return set()
    parameters = [getattr(part, "arg", None) or getattr(part, "id", None) for part in spec.args]
    if parameters[:1] in (["self"], ["cls"]):
        parameters = parameters[1:]
    uses = Uses(function)
    known = []
    for place, name in enumerate(parameters):
        if uses.stores.get(name) or not uses.is_secret(name):
            continue
        cells = [_argument(node, place, name) for node in calls]
        closed_ones = [cell for cell in cells if cell is not None and _is_known(closed, get(*cell))]
        if closed_ones and (len(closed_ones) == len(calls) or _is_plain(uses, name)):
            known.append((-len(closed_ones), name, closed_ones))
    names = set()
    for _, name, cells in sorted(known, key=lambda one: one[:2]):
        if uses.faced(name).isdisjoint(names | {name}) and take(uses, name, cells, closed, tables):
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
