# mypy: ignore-errors - Python 2.7 has no annotations
"""Makes the twins of a test: copies that differ in an assertion, so that no copy can pass where another does.

A few sites are chosen, and every combination of changed and unchanged is made: each chosen site has a twin that differs
there alone, which a cheat that forges that one assertion passes as well; and among all copies every value is as
frequent as every other, so that a majority tells nothing. With a single site there are several values for it.
"""

import ast
import copy
import random

from _r2egym.perturb import Dice, Opaque, name_of, near, node_of, value_of
from _r2egym.sites import EQUAL, Sites, positional

FUNCTIONS = (ast.FunctionDef, getattr(ast, "AsyncFunctionDef", ast.FunctionDef))
KINDS = ("literal", "exception", "condition")


def _columns(function):
    """``{parameter: [(list of nodes, index)]}``: parametrize columns of literals that are compared and nothing else."""
    found = {}
    for mark in function.decorator_list:
        if not (isinstance(mark, ast.Call) and name_of(mark) == "parametrize" and len(mark.args) >= 2):
            continue
        try:
            names = value_of(mark.args[0])
        except Opaque:
            continue
        if not isinstance(names, (list, tuple)):
            names = [part.strip() for part in names.split(",") if part.strip()]
        rows = mark.args[1]
        if not isinstance(rows, (ast.List, ast.Tuple)):
            continue
        for column, name in enumerate(names):
            cells = [_cell(rows.elts, row, column, len(names)) for row in range(len(rows.elts))]
            if cells and all(cell is not None for cell in cells) and _only_compared(function, name):
                found[name] = cells
    return found


def _cell(rows, row, column, width):
    """Where the cell is; None when it is not a literal that can be changed."""
    node = rows[row]
    if isinstance(node, ast.Call) and name_of(node) == "param" and len(positional(node)) == width:
        place = (node.args, column)
    elif width == 1:
        place = (rows, row)
    elif isinstance(node, (ast.Tuple, ast.List)) and len(node.elts) == width:
        place = (node.elts, column)
    else:
        return None
    try:
        node_of(near(value_of(place[0][place[1]]), Dice(0, 1, 1)))
    except Opaque:
        return None
    return place


def _only_compared(function, name):
    """Whether a parameter is used as an operand of equality assertions and nowhere else."""
    uses = direct = 0
    for statement in function.body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and node.id == name:
                uses += 1
            elif isinstance(node, ast.Assert) and isinstance(node.test, ast.Compare):
                if len(node.test.ops) == 1 and isinstance(node.test.ops[0], ast.Eq):
                    pair = (node.test.left, node.test.comparators[0])
                    direct += sum(isinstance(part, ast.Name) and part.id == name for part in pair)
            elif (
                isinstance(node, ast.Expr)
                and isinstance(node.value, ast.Call)
                and name_of(node.value) in EQUAL
            ):
                direct += sum(isinstance(part, ast.Name) and part.id == name for part in node.value.args[:2])
    return 0 < uses == direct


def _changed(function, chosen, seed):
    """A copy of ``function`` with the chosen sites changed, and the kinds of all its sites."""
    twin = copy.deepcopy(function)
    sites = Sites(_columns(twin), chosen, seed)
    twin.body = [sites.visit(statement) for statement in twin.body]
    return twin, sites.kinds


def _choose(kinds, most, rng):
    """Numbers of up to ``most`` sites: one of each kind, the kinds that hide best first, then at random."""
    places = list(range(len(kinds)))
    rng.shuffle(places)
    firsts = [next((place for place in places if kinds[place] == kind), None) for kind in KINDS]
    chosen = [place for place in firsts if place is not None]
    if "literal" in kinds:
        chosen = [place for place in chosen if kinds[place] != "condition"]
    chosen += [place for place in places if place not in chosen and kinds[place] == kinds[chosen[0]]]
    return chosen[:most]


def make(function, seed, most):
    """``[(twin, kinds changed)]``: at most ``most`` twins; empty when nothing in the test can be changed."""
    rng = random.Random(seed)
    kinds = _changed(function, {}, seed)[1] if most else []
    if not kinds:
        return []
    size = max(size for size in range(1, 9) if 2**size - 1 <= most)
    chosen = _choose(kinds, size, rng)
    if len(chosen) == 1:
        plans = [{chosen[0]: Dice(seed, number, most)} for number in range(1, most + 1)]
    else:
        plans = []
        for mask in range(1, 2 ** len(chosen)):
            places = [place for bit, place in enumerate(chosen) if mask & (1 << bit)]
            plans.append({place: Dice("%r/%d" % (seed, place), 1, 1) for place in places})
    twins, known = [], {ast.dump(function)}
    for plan in plans:
        twin, _ = _changed(function, plan, seed)
        text = ast.dump(twin)
        if text not in known:
            known.add(text)
            twins.append((twin, sorted({kinds[place] for place in plan})))
    return twins
