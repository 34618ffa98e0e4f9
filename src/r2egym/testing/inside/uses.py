# mypy: ignore-errors - Python 2.7 has no annotations
"""How the names of a scope are used: read, bound, read as a part of what an assertion compares with, or only told."""

import ast

from _r2egym.perturb import name_of
from _r2egym.sites import get

FUNCTIONS = (ast.FunctionDef, getattr(ast, "AsyncFunctionDef", ast.FunctionDef))
EQUALITIES = frozenset([
    "assertEqual", "assertEquals", "failUnlessEqual", "assertListEqual", "assertDictEqual", "assertTupleEqual",
    "assertSequenceEqual", "assertSetEqual", "assertMultiLineEqual", "assertCountEqual", "assertItemsEqual",
    "assertAlmostEqual", "assertAlmostEquals",
])  # fmt: skip
TELLING = ("subTest", "print")


class Uses(object):
    """Counts of one scope's names, and the places in assertions that mention them."""

    def __init__(self, scope):
        self.loads, self.stores, self.told = {}, {}, {}
        self.slots = {}
        """Name → ``(owner, field, place)`` of each operand of an equality that mentions it."""
        self.opposed = []
        """Pairs of sets of names that stand on the two sides of one equality."""
        for statement in scope.body:
            for node in ast.walk(statement):
                self._node(node)

    def _node(self, node):
        if isinstance(node, ast.Name):
            _count(self.loads if isinstance(node.ctx, ast.Load) else self.stores, node.id)
        for name in bound(node):
            _count(self.stores, name)
        for part in _told(node):
            for name in names_in(part):
                _count(self.told, name)
        for pair in _equalities(node):
            found = [set(), set()]
            for side, slot in enumerate(pair):
                for leaf in _leaves(*slot):
                    for name in set(names_in(get(*leaf))):
                        self.slots.setdefault(name, []).append(leaf)
                        found[side].add(name)
            self.opposed.append(found)

    def is_secret(self, name):
        """Whether a name is read as an operand of equalities, in messages and labels, and nowhere else."""
        slots = self.slots.get(name)
        if not slots:
            return False
        asked = sum(names_in(get(*slot)).count(name) for slot in slots)
        return self.loads.get(name, 0) == asked + self.told.get(name, 0)

    def faced(self, name):
        """The names on the other side of each equality that a name is part of."""
        return set().union(
            *[sides[1 - side] for sides in self.opposed for side in (0, 1) if name in sides[side]]
        )

    def forms(self, name):
        """The different expressions in which it is compared, the name by itself first; and which each slot has."""
        dumps, nodes, which = [], [], []
        slots = sorted(self.slots[name], key=lambda slot: not isinstance(get(*slot), ast.Name))
        for slot in slots:
            text = ast.dump(get(*slot))
            if text not in dumps:
                dumps.append(text)
                nodes.append(get(*slot))
            which.append((slot, dumps.index(text)))
        return nodes, which


def _count(into, name):
    into[name] = into.get(name, 0) + 1


def names_in(node):
    """The names that an expression reads, as often as it does."""
    return [
        part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load)
    ]


def bound(node):
    """Names that a node binds without a Name of its own."""
    if isinstance(node, (ast.Global, getattr(ast, "Nonlocal", ast.Global))):
        return node.names
    if isinstance(node, ast.arguments):
        parts = node.args + getattr(node, "kwonlyargs", []) + getattr(node, "posonlyargs", [])
        parts += [part for part in (node.vararg, node.kwarg) if part is not None]
        return [getattr(part, "arg", None) or getattr(part, "id", None) or part for part in parts]
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return [alias.asname or alias.name.split(".")[0] for alias in node.names]
    if isinstance(node, FUNCTIONS + (ast.ClassDef,)):
        return [node.name]
    if isinstance(node, ast.ExceptHandler) and isinstance(node.name, str):
        return [node.name]
    return []


def own_statements(scope):
    """The statements of a scope that bind its own names, wherever they stand."""
    pending = list(scope.body)
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, FUNCTIONS + (ast.ClassDef, ast.Lambda)):
            pending += [part for part in ast.iter_child_nodes(node) if not isinstance(part, ast.expr)]


def _told(node):
    """Expressions that say something about a failure, and decide nothing: messages go, labels are but shown."""
    if isinstance(node, ast.Assert):
        return [node.msg] if node.msg is not None else []
    if not isinstance(node, ast.Call):
        return []
    name = name_of(node)
    if name in TELLING:
        parts = node.args + [keyword.value for keyword in node.keywords]
        return [part for part in parts if isinstance(part, ast.Name)]
    if name not in EQUALITIES:
        return []
    found = [keyword.value for keyword in node.keywords if keyword.arg == "msg"]
    return found + (node.args[2:3] if "Almost" not in name else [])


def _equalities(node):
    """Pairs of slots that an assertion demands to be equal."""
    if isinstance(node, ast.Assert):
        pending, found = [node.test], []
        while pending:
            test = pending.pop()
            if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
                pending += test.values
            elif isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq):
                found.append(((test, "left", None), (test, "comparators", 0)))
        return found
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and name_of(node.value) in EQUALITIES:
        call = node.value
        return [((call, "args", 0), (call, "args", 1))] if len(call.args) >= 2 else []
    return []


def _leaves(owner, field, place):
    """An operand, or what a display is made of."""
    node = get(owner, field, place)
    if isinstance(node, (ast.List, ast.Tuple)):
        return [leaf for index in range(len(node.elts)) for leaf in _leaves(node, "elts", index)]
    if isinstance(node, ast.Dict) and all(key is not None for key in node.keys):
        return [leaf for index in range(len(node.values)) for leaf in _leaves(node, "values", index)]
    return [(owner, field, place)]
