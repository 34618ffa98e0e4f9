# mypy: ignore-errors - Python 2.7 has no annotations
"""Makes of a test its twin: every assertion in it changed so that it cannot hold where the test's own holds.

A literal is moved to a neighbour where there is one, since nothing then tells test from twin; else an exception is
swapped, an ordering turned round, a condition negated. What is not understood is left alone; a test in which nothing
could be changed has no twin.
"""

import ast
import copy
import sys

from _r2egym.perturb import Opaque, far, name_of, near, node_of, shift, value_of

FUNCTIONS = (ast.FunctionDef, getattr(ast, "AsyncFunctionDef", ast.FunctionDef))
WITHS = (ast.With, getattr(ast, "AsyncWith", ast.With))
COMMON = ("ValueError", "KeyError", "TypeError", "IndexError", "ZeroDivisionError", "AttributeError")
EXOTIC = ("ZeroDivisionError", "FloatingPointError", "BufferError")
BROAD = frozenset(["Exception", "BaseException", "StandardError", "LookupError", "ArithmeticError"])
WARNINGS = ("DeprecationWarning", "UnicodeWarning", "ImportWarning", "SyntaxWarning", "RuntimeWarning")
RAISES = frozenset(
    ["raises", "assertRaises", "assertRaisesRegex", "assertRaisesRegexp", "assertRaisesMessage"]
)
WARNS = frozenset(["warns", "assertWarns", "assertWarnsRegex"])
TURNED = {"Lt": ast.GtE, "LtE": ast.Gt, "Gt": ast.LtE, "GtE": ast.Lt}
EQUAL = frozenset([
    "assertEqual", "assertEquals", "failUnlessEqual", "assertListEqual", "assertDictEqual", "assertTupleEqual",
    "assertSequenceEqual", "assertSetEqual", "assertMultiLineEqual", "assertCountEqual", "assertItemsEqual",
    "assertAlmostEqual", "assertAlmostEquals", "assert_equal", "assert_equals", "assert_array_equal",
    "assert_allclose", "assert_almost_equal", "assert_array_almost_equal", "assert_series_equal",
    "assert_frame_equal", "eq_", "eq",
])  # fmt: skip
OPPOSITE = {}
for _left, _right in (
    ("assertTrue", "assertFalse"), ("assertIs", "assertIsNot"), ("assertIsNone", "assertIsNotNone"),
    ("assertIn", "assertNotIn"), ("assertIsInstance", "assertNotIsInstance"), ("assertGreater", "assertLessEqual"),
    ("assertLess", "assertGreaterEqual"), ("assertEqual", "assertNotEqual"), ("assertRegex", "assertNotRegex"),
    ("assertAlmostEqual", "assertNotAlmostEqual"), ("failUnless", "failIf"),
    ("assertRegexpMatches", "assertNotRegexpMatches"),
):  # fmt: skip
    OPPOSITE[_left], OPPOSITE[_right] = _right, _left
OPPOSITE.update({"assert_": "assertFalse", "assertNotEquals": "assertEqual"})


def call_arguments(node):
    """Positional arguments of a call, without ``*args``."""
    return [part for part in node.args if not isinstance(part, getattr(ast, "Starred", ()))]


def expression(text):
    """The expression that ``text`` spells."""
    return ast.parse(text, mode="eval").body


def _swap(old, pool, rng):
    """An exception class of ``pool`` that neither is nor is related to the one that ``old`` names."""
    name = name_of(old) if isinstance(old, (ast.Name, ast.Attribute)) else ""
    if name in BROAD:
        pool = EXOTIC
    kind = getattr(sys.modules["builtins" if sys.version_info[0] > 2 else "__builtin__"], name, None)

    def unrelated(other):
        candidate = getattr(sys.modules["builtins" if sys.version_info[0] > 2 else "__builtin__"], other)
        if not isinstance(kind, type):
            return other != name
        return not issubclass(candidate, kind) and not issubclass(kind, candidate)

    choices = [other for other in pool if unrelated(other)] or list(EXOTIC)
    return ast.Name(id=rng.choice(choices), ctx=ast.Load())


class Twin(ast.NodeTransformer):
    """Changes every assertion it meets; ``kinds`` says how. ``moved``: parameters whose column was changed already."""

    def __init__(self, rng, moved):
        self.rng, self.moved, self.kinds = rng, moved, set()

    def _is_moved(self, *nodes):
        return any(isinstance(node, ast.Name) and node.id in self.moved for node in nodes)

    def visit_ClassDef(self, node):
        return node

    def visit_Assert(self, node):
        test = node.test
        if isinstance(test, ast.Compare) and len(test.ops) == 1:
            if self._is_moved(test.left, test.comparators[0]) and isinstance(test.ops[0], ast.Eq):
                self.kinds.add("literal")
                return node
            if self._compare(test):
                return node
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            node.test = test.operand
        else:
            node.test = ast.UnaryOp(op=ast.Not(), operand=test)
        self.kinds.add("condition")
        return node

    def _compare(self, test):
        """Change a comparison in place; False when it must be negated as a whole."""
        kind = type(test.ops[0]).__name__
        if kind in TURNED:
            test.ops[0] = TURNED[kind]()
            self.kinds.add("condition")
            return True
        if kind == "Eq":
            return self._shift(test, "comparators", 0) or self._shift(test, "left", None)
        if kind == "In":
            return self._shift(test, "left", None, far)
        if kind == "Is":
            for field, place in (("comparators", 0), ("left", None)):
                part = test.left if place is None else test.comparators[0]
                try:
                    value = value_of(part)
                except Opaque:
                    continue
                if isinstance(value, bool) and self._shift(test, field, place):
                    return True
        return False

    def _shift(self, owner, field, place, how=near):
        part = getattr(owner, field) if place is None else getattr(owner, field)[place]
        try:
            new = shift(part, self.rng, how)
        except Opaque:
            return False
        if place is None:
            setattr(owner, field, new)
        else:
            getattr(owner, field)[place] = new
        self.kinds.add("literal")
        return True

    def visit_Expr(self, node):
        value = node.value
        awaited = getattr(ast, "Await", None)
        if awaited is not None and isinstance(value, awaited):
            value = value.value
        if isinstance(value, ast.Call):
            return self._call(node, value)
        return node

    def _call(self, node, call):
        name = name_of(call)
        if name in RAISES or name in WARNS:
            self._exception(call)
            return node
        arguments = call_arguments(call)
        if name in EQUAL and len(arguments) >= 2:
            if self._is_moved(*arguments[:2]):
                self.kinds.add("literal")
                return node
            if self._shift(call, "args", 1) or self._shift(call, "args", 0):
                return node
        if name == "assertIn" and arguments and self._shift(call, "args", 0, far):
            return node
        if isinstance(call.func, ast.Attribute) and name in OPPOSITE and arguments:
            return self._opposite(node, call, name)
        if name.lower().startswith("assert"):
            return self._refuse(node)
        return node

    def _opposite(self, node, call, name):
        if name in ("assertEqual", "assertEquals") and len(call.args) == 2 and not call.keywords:
            # not assertNotEqual: a class of Python 2 may have __eq__ and no __ne__
            call.func.attr = "assertFalse"
            call.args = [ast.Compare(left=call.args[0], ops=[ast.Eq()], comparators=[call.args[1]])]
        else:
            call.func.attr = OPPOSITE[name]
        self.kinds.add("condition")
        return node

    def _refuse(self, node):
        """The call must raise AssertionError."""
        self.kinds.add("condition")
        frame = ast.parse(
            "try:\n    0\nexcept AssertionError:\n    pass\nelse:\n    raise AssertionError()"
        ).body[0]
        frame.body = [node]
        return frame

    def _exception(self, call):
        pool = WARNINGS if name_of(call) in WARNS else COMMON
        if call_arguments(call):
            call.args[0] = _swap(call.args[0], pool, self.rng)
            self.kinds.add("exception")
            return
        for keyword in call.keywords:
            if keyword.arg in ("expected_exception", "exception", "expected_warning"):
                keyword.value = _swap(keyword.value, pool, self.rng)
                self.kinds.add("exception")

    def _with(self, node):
        self.generic_visit(node)
        for item in getattr(node, "items", None) or [node]:
            context = item.context_expr
            if isinstance(context, ast.Call) and name_of(context) in (RAISES | WARNS):
                self._exception(context)
        return node

    visit_With = visit_AsyncWith = _with


def _columns(function):
    """``{parameter: [(row list or row, index)]}`` of parametrize columns whose every cell is a literal."""
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
            if cells and all(cell is not None for cell in cells):
                found[name] = cells
    return found


def _cell(rows, row, column, width):
    """Where the cell is: (list of nodes, index); None when it is not a literal that can be changed."""
    node = rows[row]
    if isinstance(node, ast.Call) and name_of(node) == "param" and len(call_arguments(node)) == width:
        place = (node.args, column)
    elif width == 1:
        place = (rows, row)
    elif isinstance(node, (ast.Tuple, ast.List)) and len(node.elts) == width:
        place = (node.elts, column)
    else:
        return None
    try:
        node_of(value_of(place[0][place[1]]))
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
            elif isinstance(node, ast.Call) and name_of(node) in EQUAL:
                direct += sum(isinstance(part, ast.Name) and part.id == name for part in node.args[:2])
    return 0 < uses == direct


def make(function, rng):
    """A twin of ``function`` and how it differs (``literal``, ``exception``, ``condition``); (None, []) if it cannot."""
    twin = copy.deepcopy(function)
    moved = set()
    for name, cells in _columns(twin).items():
        if _only_compared(twin, name):
            try:
                new = [node_of(near(value_of(owner[index]), rng)) for owner, index in cells]
            except Opaque:
                continue
            for (owner, index), node in zip(cells, new):
                owner[index] = node
            moved.add(name)
    change = Twin(rng, moved)
    twin.body = [change.visit(statement) for statement in twin.body]
    return (twin, sorted(change.kinds)) if change.kinds else (None, [])
