# mypy: ignore-errors - Python 2.7 has no annotations
"""Names of a test that hold an expected value and are compared, and nothing else: their values can be withheld too.

Columns of ``parametrize``, columns of a table that a loop walks through, and plain assignments.
"""

import ast
import copy

from _r2egym.perturb import Opaque, name_of, value_of

FUNCTIONS = (ast.FunctionDef, getattr(ast, "AsyncFunctionDef", ast.FunctionDef))
ITEMS = ("items", "iteritems")
EQUALITIES = frozenset([
    "assertEqual", "assertEquals", "failUnlessEqual", "assertListEqual", "assertDictEqual", "assertTupleEqual",
    "assertSequenceEqual", "assertSetEqual", "assertMultiLineEqual", "assertCountEqual", "assertItemsEqual",
    "assertAlmostEqual", "assertAlmostEquals",
])  # fmt: skip


def outside(tree):
    """The nodes of a module that are in no function."""
    pending = [tree]
    while pending:
        node = pending.pop()
        yield node
        pending += [part for part in ast.iter_child_nodes(node) if not isinstance(part, FUNCTIONS)]


def lists(tree):
    """``{name: node}`` of displays that a scope assigns once and reads once: tables under a name."""
    loads, stores, _ = _uses(tree)
    return {
        name: cells[0][0].value
        for name, cells in _assignments(tree).items()
        if len(cells) == 1 == stores.get(name) == loads.get(name)
    }


def withhold(scope, operand, known):
    """Put stand-ins where the values are; returns the names.

    ``scope`` is a function, or a module for what it assigns outside of functions; ``operand`` makes a stand-in, and tells
    whether it is one; ``known``: tables under a name, from around the scope.
    """
    loads, stores, compared = _uses(scope)
    names = set()
    places = {}
    if isinstance(scope, ast.Module):
        assigned = _assignments_in(outside(scope))
    else:
        tables = dict(known, **lists(scope))
        places = _parameters(scope, tables)
        places.update(_tables(scope, tables))
        assigned = _assignments(scope)
    for name in sorted(set(places) | set(assigned)):
        if not loads.get(name) or loads[name] != compared.get(name, 0):
            continue
        cells = list(assigned.get(name, ()))
        if name in places:
            cells += places[name][0]
        if stores.get(name, 0) != len(assigned.get(name, ())) + (places[name][1] if name in places else 0):
            continue
        made = [
            (owner, field, place, _try(operand, _get(owner, field, place))) for owner, field, place in cells
        ]
        if any(node is None for _, _, _, node in made):
            continue
        for owner, field, place, node in made:
            _put(owner, field, place, node)
        names.add(name)
    return names


def _try(operand, node):
    """The stand-in; None when the node is not closed as a whole."""
    new, sealed = (
        operand(node) if not isinstance(node, (ast.List, ast.Tuple, ast.Dict)) else _whole(operand, node)
    )
    return new if sealed else None


def _whole(operand, node):
    new, sealed = operand(copy.deepcopy(node))
    return new, sealed and isinstance(new, ast.Call)


def _get(owner, field, place):
    return getattr(owner, field) if place is None else getattr(owner, field)[place]


def _put(owner, field, place, node):
    if place is None:
        setattr(owner, field, node)
    else:
        getattr(owner, field)[place] = node


def _uses(function):
    """How often each name is read, bound, and read as an operand of an equality."""
    loads, stores, compared = {}, {}, {}

    def count(into, name):
        into[name] = into.get(name, 0) + 1

    for statement in function.body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name):
                count(loads if isinstance(node.ctx, ast.Load) else stores, node.id)
            for name in _bound(node):
                count(stores, name)
            for operand in _operands(node):
                if isinstance(operand, ast.Name):
                    count(compared, operand.id)
    return loads, stores, compared


def _bound(node):
    """Names that a node binds without a Name of its own."""
    if isinstance(node, (ast.Global, getattr(ast, "Nonlocal", ast.Global))):
        return node.names
    if isinstance(node, ast.arguments):
        parts = node.args + getattr(node, "kwonlyargs", [])
        return [getattr(part, "arg", None) or getattr(part, "id", "") for part in parts]
    return []


def _operands(node):
    if isinstance(node, ast.Assert):
        pending, found = [node.test], []
        while pending:
            test = pending.pop()
            if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
                pending += test.values
            elif isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq):
                found += [test.left, test.comparators[0]]
        return found
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and name_of(node.value) in EQUALITIES:
        return node.value.args[:2]
    return []


def _parameters(function, tables):
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
        rows = _known(mark.args[1], tables)
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


def _known(node, tables):
    return tables.get(node.id, node) if isinstance(node, ast.Name) else node


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


def _tables(function, tables):
    """``{name: (cells, 1)}`` of loops over a display of rows."""
    found, twice = {}, set()
    for node in ast.walk(function):
        if not isinstance(node, ast.For):
            continue
        targets = node.target.elts if isinstance(node.target, ast.Tuple) else []
        rows = _known(node.iter, tables)
        if isinstance(rows, ast.Call) and isinstance(rows.func, ast.Attribute) and not rows.args:
            rows.func.value = _known(rows.func.value, tables)
        for column, target in enumerate(targets):
            if not isinstance(target, ast.Name):
                continue
            cells = _column(rows, column, len(targets))
            if target.id in found or not cells:
                twice.add(target.id)
            else:
                found[target.id] = (cells, 1)
    return {name: cells for name, cells in found.items() if name not in twice}


def _assignments(scope):
    """``{name: cells}`` of names that are assigned by themselves."""
    return _assignments_in(ast.walk(scope))


def _assignments_in(nodes):
    found = {}
    for node in nodes:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            found.setdefault(node.targets[0].id, []).append((node, "value", None))
    return found
