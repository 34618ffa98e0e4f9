# mypy: ignore-errors - Python 2.7 has no annotations
"""The places of a test where something is asserted, and how each can be changed so that both cannot hold.

A literal is moved to a neighbour where there is one, since nothing then tells which value is the true one; else an
exception is swapped, an ordering turned round, a condition negated. What is not understood is no site.
"""

import ast
import copy
import functools
import sys

from _r2egym.perturb import Dice, Opaque, far, name_of, near, node_of, shift, value_of

WITHS = (ast.With, getattr(ast, "AsyncWith", ast.With))
COMMON = ("ValueError", "KeyError", "TypeError", "IndexError", "ZeroDivisionError", "AttributeError")
EXOTIC = ("ZeroDivisionError", "FloatingPointError", "BufferError")
BROAD = frozenset(["Exception", "BaseException", "StandardError", "LookupError", "ArithmeticError"])
WARNINGS = ("DeprecationWarning", "UnicodeWarning", "ImportWarning", "SyntaxWarning", "RuntimeWarning")
RAISES = frozenset(
    [
        "raises",
        "assertRaises",
        "assertRaisesRegex",
        "assertRaisesRegexp",
        "assertRaisesMessage",
        "failUnlessRaises",
    ]
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
    ("assertRegexpMatches", "assertNotRegexpMatches"), ("failUnlessEqual", "failIfEqual"),
    ("failUnlessAlmostEqual", "failIfAlmostEqual"),
):  # fmt: skip
    OPPOSITE[_left], OPPOSITE[_right] = _right, _left
OPPOSITE.update({"assert_": "assertFalse", "assertNotEquals": "assertEqual"})
BUILTINS = sys.modules["builtins" if sys.version_info[0] > 2 else "__builtin__"]


def positional(call):
    """Positional arguments of a call, without ``*args``."""
    return [part for part in call.args if not isinstance(part, getattr(ast, "Starred", ()))]


def get(owner, field, place):
    """What a slot of a node holds."""
    return getattr(owner, field) if place is None else getattr(owner, field)[place]


def put(owner, field, place, node):
    """Fill a slot of a node."""
    if place is None:
        setattr(owner, field, node)
    else:
        getattr(owner, field)[place] = node


def _swap(old, pool, dice):
    """An exception class of ``pool`` that is not related to the one, or those, that ``old`` names."""
    nodes = old.elts if isinstance(old, (ast.Tuple, ast.List)) else [old]
    names = [name_of(node) for node in nodes if isinstance(node, (ast.Name, ast.Attribute))]
    if BROAD.intersection(names):
        pool = EXOTIC
    kinds = [kind for kind in (getattr(BUILTINS, name, None) for name in names) if isinstance(kind, type)]

    def unrelated(other):
        candidate = getattr(BUILTINS, other)
        return not any(issubclass(candidate, kind) or issubclass(kind, candidate) for kind in kinds)

    choices = [other for other in pool if other not in names and unrelated(other)] or list(EXOTIC)
    return ast.Name(id=dice.pick(choices), ctx=ast.Load())


class Sites(ast.NodeTransformer):
    """Visits the assertions of a test in order. ``kinds`` tells what each is; those in ``chosen`` are changed.

    ``chosen`` maps a site's number to its :class:`Dice`. ``columns`` maps a parameter to the cells of its column, for
    parameters that are compared and nothing else: such an assertion is changed by changing the column.
    """

    def __init__(self, columns, chosen, seed):
        self.columns, self.chosen, self.seed = columns, chosen, seed
        self.kinds = []
        self.seen = {}

    def visit_ClassDef(self, node):
        return node

    def _dice(self):
        """For the site that comes next."""
        return self.chosen.get(len(self.kinds)) or Dice(self.seed, 1, 1)

    def _site(self, kind, change):
        """Count a site; change it if that is asked for."""
        number = len(self.kinds)
        self.kinds.append(kind)
        if number in self.chosen:
            change()

    def _literal(self, slots, how=near):
        """A site whose literal is moved: the first slot that has one; False when none has."""
        dice = self._dice()
        for owner, field, place in slots:
            try:
                new = shift(copy.deepcopy(get(owner, field, place)), dice, how)
            except Opaque:
                continue
            self._site("literal", functools.partial(put, owner, field, place, new))
            return True
        return False

    def _column(self, nodes):
        """A site whose expected value is a parameter; False when it is not."""
        for node in nodes:
            if isinstance(node, ast.Name) and node.id in self.columns:
                if node.id not in self.seen:
                    self.seen[node.id] = True
                    self._site("literal", functools.partial(self._move, self.columns[node.id]))
                return True
        return False

    def _move(self, cells):
        dice = self.chosen[len(self.kinds) - 1]
        for owner, place in cells:
            owner[place] = node_of(near(value_of(owner[place]), dice))

    # --- assert ---

    def visit_Assert(self, node):
        test = node.test
        if isinstance(test, ast.Compare) and len(test.ops) == 1:
            kind = type(test.ops[0]).__name__
            right, left = (test, "comparators", 0), (test, "left", None)
            if kind == "Eq" and (
                self._column([test.left, test.comparators[0]]) or self._literal([right, left])
            ):
                return node
            if kind == "In" and self._literal([left], far):
                return node
            if kind == "Is" and self._literal([slot for slot in (right, left) if _is_bool(get(*slot))]):
                return node
            if kind in TURNED:
                self._site("condition", lambda: test.ops.__setitem__(0, TURNED[kind]()))
                return node
        self._site("condition", lambda: self._negate(node))
        return node

    @staticmethod
    def _negate(node):
        if isinstance(node.test, ast.UnaryOp) and isinstance(node.test.op, ast.Not):
            node.test = node.test.operand
        else:
            node.test = ast.UnaryOp(op=ast.Not(), operand=node.test)

    # --- calls ---

    def visit_Expr(self, node):
        value = node.value
        if isinstance(value, getattr(ast, "Await", ())):
            value = value.value
        return self._call(node, value) if isinstance(value, ast.Call) else node

    def _call(self, node, call):
        name, arguments = name_of(call), positional(call)
        if name in RAISES or name in WARNS:
            self._exception(call)
            return node
        slots = [(call, "args", 1), (call, "args", 0)]
        if name in EQUAL and len(arguments) >= 2 and (self._column(arguments[:2]) or self._literal(slots)):
            return node
        if name == "assertIn" and arguments and self._literal([(call, "args", 0)], far):
            return node
        if isinstance(call.func, ast.Attribute) and name in OPPOSITE and arguments:
            self._site("condition", lambda: self._oppose(call, name))
            return node
        if name.lower().startswith("assert"):
            number = len(self.kinds)
            self._site("condition", lambda: None)
            return self._refuse(node) if number in self.chosen else node
        return node

    @staticmethod
    def _oppose(call, name):
        if (
            name in ("assertEqual", "assertEquals", "failUnlessEqual")
            and len(call.args) == 2
            and not call.keywords
        ):
            # not assertNotEqual: a class of Python 2 may have __eq__ and no __ne__
            call.func.attr = "assertFalse"
            call.args = [ast.Compare(left=call.args[0], ops=[ast.Eq()], comparators=[call.args[1]])]
        else:
            call.func.attr = OPPOSITE[name]

    @staticmethod
    def _refuse(node):
        """The call must raise AssertionError."""
        frame = ast.parse(
            "try:\n    0\nexcept AssertionError:\n    pass\nelse:\n    raise AssertionError()"
        ).body[0]
        frame.body = [node]
        return frame

    def _exception(self, call):
        pool = WARNINGS if name_of(call) in WARNS else COMMON
        dice = self._dice()
        if positional(call):
            self._site("exception", lambda: put(call, "args", 0, _swap(call.args[0], pool, dice)))
            return
        for keyword in call.keywords:
            if keyword.arg in ("expected_exception", "exception", "expected_warning"):
                new = _swap(keyword.value, pool, dice)
                self._site("exception", functools.partial(put, keyword, "value", None, new))
                return

    def _with(self, node):
        for item in getattr(node, "items", None) or [node]:
            context = item.context_expr
            if isinstance(context, ast.Call) and name_of(context) in (RAISES | WARNS):
                self._exception(context)
        return self.generic_visit(node)

    visit_With = visit_AsyncWith = _with


def _is_bool(node):
    try:
        return isinstance(value_of(node), bool)
    except Opaque:
        return False
