# mypy: ignore-errors - Python 2.7 has no annotations
"""Takes the expected values out of test modules, and puts in their place calls that hand out what was got.

``assert f(x) == 3`` becomes ``_r2egym_got(site, f(x), _r2egym_withheld(number))``. The table of sites (which comparison
is meant) and the constants stay outside. Where an operand is open (it comes from the project as well), the parts of it
that are closed are still withheld. What is not understood stays as it is.
"""

import ast
import copy
import json

from _r2egym import columns, helpers, kinds, uses
from _r2egym.assertions import COMPARED, FREE, METHODS, NO, ONE_SIDED, TURNED, YES, is_failure
from _r2egym.closed import Closed
from _r2egym.kinds import MATCHES, RAISES
from _r2egym.perturb import Opaque, name_of
from _r2egym.standins import NO_STARS, Tables, call, comparing, mention

FUNCTIONS = uses.FUNCTIONS
ODD = (TypeError, ValueError, AttributeError, LookupError, SyntaxError, RuntimeError)


class Withholder(ast.NodeTransformer):
    """Changes one module."""

    def __init__(self, tree, tables, defined):
        self.tree, self.closed, self.tables, self.defined = tree, Closed(tree), tables, defined
        self.kinds = kinds.Reader(tree, self.closed)
        self.lists = columns.lists(tree)
        self.withheld = self.module_names = self._learnt(tree, {})
        self.handed = {}
        self.depth = 0
        self.spans = []

    def changed(self, path):
        """The module, with nothing left in it of what is expected; raises many things."""
        self.visit(self.tree)
        self.mark(self.tree)
        mention(self.tree)
        compile(ast.fix_missing_locations(self.tree), path, "exec", 0, 1)
        return self.tree

    # --- functions ---

    def _learnt(self, scope, known):
        """The names of a scope whose values were withheld; those that are left are learnt."""
        before = self.closed.learn(scope)
        names = columns.withhold(scope, self.closed, self.tables, known)
        self.closed.known = before
        self.closed.learn(scope)
        return names

    def visit_FunctionDef(self, node):
        before, known = self.withheld, self.closed.known
        if self.depth == 0:
            self.withheld = before | self._learnt(node, self.lists)
        self.withheld = self.withheld | self.handed.get(id(node), frozenset())
        self.depth += 1
        node.body = self._block(node.body)
        self.depth -= 1
        if self.depth == 0:
            self.spans.append((node, self.closed.known))
        self.withheld, self.closed.known = before, known
        return node

    visit_AsyncFunctionDef = visit_FunctionDef

    def _block(self, body):
        changed = []
        for statement in body:
            found = self.visit(statement)
            changed += found if isinstance(found, list) else [found]
        return changed

    def mark(self, tree):
        """A value that the rest of its test, or the module around it, shows anyway is not much of a secret."""
        around = self._shown(columns.outside(tree))
        everywhere = set(around)
        for function, known in self.spans:
            self.closed.known = known
            shown = self._shown(ast.walk(function))
            self._mark(ast.walk(function), shown | around)
            if not self.module_names.isdisjoint(uses.names_in(function)):
                everywhere |= shown
        self._mark(columns.outside(tree), everywhere)

    def _mark(self, nodes, shown):
        for node in nodes:
            if isinstance(node, ast.Call) and name_of(node) == "_r2egym_withheld":
                for part in node.args:
                    constant = self.tables.constants[part.number]
                    if json.dumps(constant["v"], sort_keys=True) in shown:
                        constant["visible"] = True

    def _shown(self, nodes):
        shown = set()
        for node in nodes:
            try:
                if isinstance(node, ast.expr) and not hasattr(node, "number"):
                    shown.add(json.dumps(self.closed.encoded(node), sort_keys=True))
            except Opaque:
                continue
        return shown

    # --- operands ---

    def operand(self, node):
        """``(what takes its place, whether anything was withheld)``."""
        try:
            data = self.closed.encoded(node)
            if not (self.closed.told and isinstance(node, (ast.List, ast.Tuple, ast.Dict))):
                return self.tables.constant((data, self.closed.told)), True
        except Opaque:
            pass
        if self._is_withheld(node):
            return node, True
        if isinstance(node, (ast.List, ast.Tuple)):
            parts = [self.operand(part) for part in node.elts]
            node.elts = [part for part, _ in parts]
            return node, any(sealed for _, sealed in parts)
        if isinstance(node, ast.Dict) and all(key is not None for key in node.keys):
            parts = [self.operand(part) for part in node.values]
            node.values = [part for part, _ in parts]
            return node, any(sealed for _, sealed in parts)
        return node, False

    def _is_withheld(self, node):
        is_form = isinstance(node, ast.Call) and name_of(node) == "_r2egym_form"
        name = node.args[0] if is_form else node
        return isinstance(name, ast.Name) and name.id in self.withheld

    def _compare(self, op, left, right, **more):
        """The call that hands out one side of a comparison; None when neither side can be withheld."""
        for got, operand, turned in ((left, right, False), (right, left, True)):
            if turned and op in ONE_SIDED:
                break
            if not isinstance(operand, (ast.List, ast.Tuple, ast.Dict)) or self._is_closed(operand):
                new, sealed = self.operand(operand)
            else:
                new, sealed = self.operand(operand) if self._is_open(got) else (operand, False)
            if sealed:
                site = self.tables.site(TURNED.get(op, op) if turned else op, **more)
                inside = [comparing(op)] if op in ("eq", "ne") and self._is_withheld(new) else []
                return call("got", site, got, new, *inside)
        return None

    def _is_closed(self, node):
        try:
            self.closed.encoded(node)
        except Opaque:
            return False
        return True

    def _is_open(self, node):
        return not self._is_closed(node)

    # --- assert ---

    def visit_Assert(self, node):
        return [ast.Expr(value=part) for part in self._asserted(node.test, wanted=True)]

    def visit_If(self, node):
        """``if …: fail`` demands that the condition be false."""
        if self.depth and not node.orelse and len(node.body) == 1 and is_failure(node.body[0]):
            return [ast.Expr(value=part) for part in self._asserted(node.test, wanted=False)]
        return self.generic_visit(node)

    def _asserted(self, test, wanted):
        """The calls that stand for the demand that ``test`` be true, or not."""
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            return self._asserted(test.operand, not wanted)
        if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And if wanted else ast.Or):
            return [part for value in test.values for part in self._asserted(value, wanted)]
        if isinstance(test, ast.Compare) and len(test.ops) == 1:
            return [self._compared(test, wanted)]
        chain = self._chain(test) if isinstance(test, ast.Compare) and wanted else None
        return [chain or self._truth(test, wanted)]

    def _truth(self, test, wanted, opened=None):
        return call("truth", self.tables.site("truth", wanted=wanted, open=bool(opened)), test)

    def _compared(self, test, wanted):
        op, left, right = test.ops[0], test.left, test.comparators[0]
        if not wanted and isinstance(op, (ast.Eq, ast.NotEq)):
            op = test.ops[0] = ast.NotEq() if isinstance(op, ast.Eq) else ast.Eq()
            wanted = True
        name = type(op).__name__
        if name in COMPARED and wanted:
            return self._compare(COMPARED[name], left, right) or self._agreement(test, left, right)
        if name in ("In", "NotIn"):
            return self._membership(test, left, right, (name == "In") == wanted)
        if name in ("Is", "IsNot"):
            is_wanted = (name == "Is") == wanted
            if self._is_closed(right) or self._is_closed(left):
                return self._compare("is" if is_wanted else "isnot", left, right)
            test.ops[0] = ast.Is()
            return self._truth(test, is_wanted)
        return self._truth(test, wanted)

    def _membership(self, test, left, right, wanted):
        if self._is_closed(right):
            return call("got", self.tables.site("in" if wanted else "notin"), left, self.operand(right)[0])
        if self._is_closed(left):
            return call("got", self.tables.site("has" if wanted else "hasnot"), right, self.operand(left)[0])
        test.ops[0] = ast.In()
        return self._truth(test, wanted)

    def _agreement(self, test, left, right):
        """Both sides come from the project: both are handed out, and compared here where they are no plain data."""
        if type(test.ops[0]).__name__ not in ("Eq", "NotEq"):
            return self._truth(test, wanted=True, opened=True)
        op = COMPARED[type(test.ops[0]).__name__]
        return call("got", self.tables.site(op), left, right, comparing(op))

    def _chain(self, test):
        """``a == b == 3``: what is not known before is handed out, and each must be what is known; None: nothing is."""
        operands = [test.left] + test.comparators
        known = [part for part in operands if self._is_closed(part)]
        got = [part for part in operands if part not in known]
        if not known or not got or not all(isinstance(op, ast.Eq) for op in test.ops):
            return None
        wanted = [self.operand(known[0])[0] for _ in got]
        sides = [ast.Tuple(elts=parts, ctx=ast.Load()) for parts in (got, wanted)]
        return call("got", self.tables.site("eq"), *sides)

    # --- calls ---

    def visit_Expr(self, node):
        value = node.value
        if (
            not isinstance(value, ast.Call)
            or getattr(value, "starargs", None)
            or getattr(value, "kwargs", None)
        ):
            return node
        if any(type(part).__name__ == "Starred" for part in value.args) or any(
            part.arg is None for part in value.keywords
        ):
            return node
        name = name_of(value)
        if name in self.defined:
            return node
        is_method = isinstance(value.func, ast.Attribute) and isinstance(value.func.value, ast.Name)
        is_method = is_method and value.func.value.id in ("self", "cls")
        if name in RAISES or name in MATCHES:
            new = self.kinds.stand_in(value, self.tables, called=True)
            return node if new is None else ast.Expr(value=new)
        found = self._method(value, name) if is_method else self._free(value, name)
        return node if found is None else [ast.Expr(value=part) for part in found]

    def _arguments(self, value, *names):
        """The first arguments by position or name; None when one is missing."""
        given = dict(zip(names, value.args))
        given.update({keyword.arg: keyword.value for keyword in value.keywords if keyword.arg in names})
        return [given[name] for name in names] if all(name in given for name in names) else None

    def _method(self, value, name):
        if name in YES or name in NO:
            expr = self._arguments(value, "expr")
            return self._asserted(expr[0], name in YES) if expr else None
        if name in ("assertIsNone", "assertIsNotNone") and value.args:
            none = ast.parse("None", mode="eval").body
            return [self._compare("is" if name == "assertIsNone" else "isnot", value.args[0], none)]
        if len(value.args) < 2:
            return None
        left, right = value.args[:2]
        if name in ("assertIs", "assertIsNot", "assertIn", "assertNotIn"):
            op = {"assertIs": ast.Is, "assertIsNot": ast.IsNot, "assertIn": ast.In, "assertNotIn": ast.NotIn}[
                name
            ]()
            return [self._compared(ast.Compare(left=left, ops=[op], comparators=[right]), wanted=True)]
        if name in ("assertIsInstance", "assertNotIsInstance") and self.closed.names.is_free("isinstance"):
            asked = ast.Call(
                func=ast.Name(id="isinstance", ctx=ast.Load()), args=[left, right], keywords=[], **NO_STARS
            )
            return [self._truth(asked, name == "assertIsInstance")]
        if name not in METHODS:
            return None
        return self._family(METHODS[name], value, left, right, ("places", "delta"))

    def _free(self, value, name):
        if name not in FREE or len(value.args) < 2:
            return None
        return self._family(
            FREE[name], value, value.args[0], value.args[1], ("rtol", "atol", "decimal", "equal_nan")
        )

    def _family(self, op, value, left, right, options):
        more = {}
        for keyword in value.keywords:
            if keyword.arg in options:
                try:
                    more[keyword.arg] = self.closed.encoded(keyword.value)
                except Opaque:
                    return None
        if op in ("almost", "npalmost") and len(value.args) > 2:
            try:
                more["places" if op == "almost" else "decimal"] = self.closed.encoded(value.args[2])
            except Opaque:
                return None
        found = self._compare(op, left, right, **more)
        if found is None and op in ("eq", "ne"):
            test = ast.Compare(left=left, ops=[ast.Eq() if op == "eq" else ast.NotEq()], comparators=[right])
            found = self._agreement(test, left, right)
        return None if found is None else [found]

    # --- exceptions ---

    def _with(self, node):
        for item in getattr(node, "items", None) or [node]:
            context = item.context_expr
            if (
                isinstance(context, ast.Call)
                and name_of(context) in RAISES | MATCHES
                and name_of(context) not in self.defined
            ):
                item.context_expr = self.kinds.stand_in(context, self.tables, called=False) or context
        return self.generic_visit(node)

    visit_With = visit_AsyncWith = _with

    def visit_Lambda(self, node):
        return node


def withhold(trees):
    """Change the modules; returns ``{"sites": [...], "constants": [...]}``. One that cannot be changed stays as it is."""
    tables, withholders = Tables(), {}
    defined = {node.name for tree in trees.values() for node in ast.walk(tree) if isinstance(node, FUNCTIONS)}
    for path in sorted(trees):
        try:
            withholders[path] = Withholder(copy.deepcopy(trees[path]), tables, defined)
        except ODD:
            continue
    handed = helpers.withhold(withholders, tables)
    for path in sorted(withholders):
        withholders[path].handed = handed
        try:
            trees[path] = withholders[path].changed(path)
        except ODD:
            continue
    return {"sites": tables.sites, "constants": tables.constants}
