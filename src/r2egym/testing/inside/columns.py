# mypy: ignore-errors - Python 2.7 has no annotations
"""Names of a test that hold an expected value and are compared, and nothing else: their values can be withheld too.

Columns of ``parametrize``, columns of a table that a loop walks through, plain assignments, and what is handed to a
helper of the module that compares with it. Where a test compares with something made of such a name (``repr(want)``),
that is computed here, and withheld.
"""

import ast

from _r2egym.perturb import Opaque, name_of, value_of
from _r2egym.sites import get, put
from _r2egym.standins import call, number
from _r2egym.uses import FUNCTIONS, Uses

ITEMS = ("items", "iteritems")


def outside(tree):
    """The nodes of a module that are in no function."""
    pending = [tree]
    while pending:
        node = pending.pop()
        yield node
        pending += [part for part in ast.iter_child_nodes(node) if not isinstance(part, FUNCTIONS)]


def lists(tree):
    """``{name: node}`` of displays that a scope assigns once and reads once: tables under a name."""
    uses = Uses(tree)
    return {
        name: cells[0][0].value
        for name, cells in _assignments(tree).items()
        if len(cells) == 1 == uses.stores.get(name) == uses.loads.get(name)
    }


def withhold(scope, closed, tables, known):
    """Put stand-ins where the values are; returns the names.

    ``scope`` is a function, or a module for what it assigns outside of functions; ``closed`` computes what is known;
    ``tables`` keeps what is taken; ``known``: lists under a name, from around the scope.
    """
    uses = Uses(scope)
    places = {}
    if isinstance(scope, ast.Module):
        assigned = _assignments_in(outside(scope))
    else:
        rows = dict(known, **lists(scope))
        places = _parameters(scope, rows)
        for name, (cells, times) in _loops(scope, rows).items():
            before = places.get(name, ([], 0))
            places[name] = (before[0] + cells, before[1] + times)
        assigned = _assignments(scope)
    names = set()
    for name in sorted(set(places) | set(assigned)):
        cells, times = places.get(name, ([], 0))
        cells = list(assigned.get(name, ())) + cells
        if uses.stores.get(name, 0) != len(assigned.get(name, ())) + times or not uses.is_secret(name):
            continue
        cells = [(closed, cell) for cell in cells]
        if uses.faced(name).isdisjoint(names | {name}) and take(uses, name, cells, tables):
            names.add(name)
    return names


def take(uses, name, cells, tables):
    """Withhold what a name holds, in each form in which it is compared; whether that could be done.

    ``cells``: what knows the names around a value, and where the value stands.
    """
    forms, which = uses.forms(name)
    try:
        data = [[closed.encoded_with(form, name, get(*cell)) for form in forms] for closed, cell in cells]
    except Opaque:
        return False
    if len({ast.dump(form) for form in forms if isinstance(form, ast.Name)}) < len(forms):
        for slot, index in which:
            plain = ast.Name(id=name, ctx=ast.Load())
            put(*(slot + (plain if index == 0 else call("form", plain, number(index)),)))
    for (_, cell), found in zip(cells, data):
        put(*(cell + (tables.constant(*found),)))
    return True


def _parameters(function, rows_of):
    """``{parameter: (cells, how often that binds it in the body)}`` of ``parametrize``."""
    found = {}
    for mark in function.decorator_list:
        if not (isinstance(mark, ast.Call) and name_of(mark) == "parametrize" and len(mark.args) >= 2):
            continue
        if any(keyword.arg == "indirect" for keyword in mark.keywords) or len(mark.args) > 2:
            continue
        try:
            names = value_of(mark.args[0])
        except Opaque:
            continue
        if not isinstance(names, (list, tuple)):
            names = [part.strip() for part in names.split(",") if part.strip()]
        rows = _known(mark.args[1], rows_of)
        if isinstance(rows, (ast.List, ast.Tuple)):
            for column, name in enumerate(names):
                cells = [_cell(rows, row, column, len(names)) for row in range(len(rows.elts))]
                if cells and None not in cells:
                    found[name] = (cells, 0)
    return found


def _cell(rows, row, column, width):
    node = rows.elts[row]
    if isinstance(node, ast.Call) and name_of(node) == "param":
        return (node, "args", column) if len(node.args) == width else None
    if width == 1:
        return rows, "elts", row
    if isinstance(node, (ast.Tuple, ast.List)) and len(node.elts) == width:
        return node, "elts", column
    return None


def _known(node, rows_of):
    return rows_of.get(node.id, node) if isinstance(node, ast.Name) else node


def _column(rows, column, width):
    """The cells of one column; None where there is no table."""
    is_items = isinstance(rows, ast.Call) and isinstance(rows.func, ast.Attribute) and rows.func.attr in ITEMS
    if is_items and isinstance(rows.func.value, ast.Dict) and width == len(ITEMS):
        table = rows.func.value
        return [(table, "values" if column else "keys", row) for row in range(len(table.values))]
    if not isinstance(rows, (ast.List, ast.Tuple)):
        return None
    cells = [_cell(rows, row, column, width) for row in range(len(rows.elts))]
    return None if None in cells else cells


def _loops(function, rows_of):
    """``{name: (cells, loops)}`` of loops over a display of rows; a name that some other loop binds is none."""
    found, other = {}, set()
    for node in ast.walk(function):
        if not isinstance(node, ast.For):
            continue
        targets = node.target.elts if isinstance(node.target, ast.Tuple) else [node.target]
        rows = _known(node.iter, rows_of)
        if isinstance(rows, ast.Call) and isinstance(rows.func, ast.Attribute) and not rows.args:
            rows.func.value = _known(rows.func.value, rows_of)
        for column, target in enumerate(targets):
            if not isinstance(target, ast.Name):
                continue
            cells = _column(rows, column, len(targets))
            if cells:
                before = found.get(target.id, ([], 0))
                found[target.id] = (before[0] + cells, before[1] + 1)
            else:
                other.add(target.id)
    return {name: cells for name, cells in found.items() if name not in other}


def _assignments(scope):
    """``{name: cells}`` of names that are assigned by themselves."""
    return _assignments_in(ast.walk(scope))


def _assignments_in(nodes):
    found = {}
    for node in nodes:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            found.setdefault(node.targets[0].id, []).append((node, "value", None))
    return found
