# mypy: ignore-errors - Python 2.7 has no annotations
"""Expressions whose value is known before anything of the project is imported.

Literals, displays, arithmetic, comprehensions, and calls of what the language and its standard library bring, as long
as the module does not bind their names to something else; names that are bound once, to such a value that nothing can
change. Runs where no untrusted code ever ran.
"""

import ast
import itertools
import math

from _r2egym.names import BUILTINS, LIBRARY, METHODS, OF_TIME, Names
from _r2egym.perturb import Opaque
from _r2egym.plain import PY2, encode, is_plain
from _r2egym.uses import Uses, bound, names_in, own_statements

OPERATORS = {
    "Add": lambda a, b: a + b, "Sub": lambda a, b: a - b, "Mult": lambda a, b: a * b, "Div": lambda a, b: a / b,
    "FloorDiv": lambda a, b: a // b, "Mod": lambda a, b: a % b, "Pow": lambda a, b: a**b, "BitOr": lambda a, b: a | b,
    "BitAnd": lambda a, b: a & b, "BitXor": lambda a, b: a ^ b, "LShift": lambda a, b: a << b, "RShift": lambda a, b: a >> b,
}  # fmt: skip
SIGNS = {"USub": lambda a: -a, "UAdd": lambda a: +a, "Not": lambda a: not a, "Invert": lambda a: ~a}
COMPARISONS = {
    "Eq": lambda a, b: a == b, "NotEq": lambda a, b: a != b, "Lt": lambda a, b: a < b, "LtE": lambda a, b: a <= b,
    "Gt": lambda a, b: a > b, "GtE": lambda a, b: a >= b, "In": lambda a, b: a in b, "NotIn": lambda a, b: a not in b,
    "Is": lambda a, b: a is b, "IsNot": lambda a, b: a is not b,
}  # fmt: skip
MOST = 100000
STEPS = 20000
"""How many parts of expressions are computed for one value."""
CONSTANT = (bool, int, float, complex, str, bytes, type(b"".decode()), type(None))
CONVERSIONS = {ord("s"): str, ord("r"): repr, ord("a"): ascii} if not PY2 else {}
COSTLY = [range, math.factorial] + ([] if PY2 else [getattr(math, "comb", range)])


def _walked(iterator):
    parts = list(itertools.islice(iterator, STEPS + 1))
    if len(parts) > STEPS:
        raise Opaque
    return parts


def _is_constant(value):
    if type(value) in (tuple, frozenset):
        return all(map(_is_constant, value))
    is_of_library = type(value).__module__ in ("decimal", "fractions", "datetime", "uuid")
    return type(value) in CONSTANT or (is_of_library and not isinstance(value, type))


class Approx(object):
    """What pytest's ``approx`` was told."""

    def __init__(self, expected, rel=None, abs=None, nan_ok=None):  # noqa: A002 - pytest's name
        self.expected, self.rel, self.abs, self.nan_ok = expected, rel, abs, bool(nan_ok)

    def encoded(self):
        return ["~", [encode(part) for part in (self.expected, self.rel, self.abs, self.nan_ok)]]


class Closed(object):
    """Computes closed expressions of one module. ``value`` raises Opaque for all others."""

    def __init__(self, tree):
        self.names = Names(tree)
        self.known, self.inner, self.told, self.steps = {}, set(), False, 0
        """What names hold, besides those of the language; and whether the last value was made of one of them."""

    def learn(self, scope):
        """Names that a scope binds once, to what nothing can change; returns what was known before."""
        before, found = self.known, {}
        stores = Uses(scope).stores
        if not isinstance(scope, ast.Module):
            own = [name for name in bound(scope.args) if name in before]
            self.known = {name: value for name, value in before.items() if name not in own}
            for name in bound(scope.args):
                stores[name] = stores.get(name, 0) + 1
        for node in own_statements(scope):
            if (
                isinstance(node, ast.Assign)
                and len(node.targets) == 1
                and isinstance(node.targets[0], ast.Name)
            ):
                name = node.targets[0].id
                if stores.get(name) == 1:
                    try:
                        value = self._whole(node.value)
                    except Opaque:
                        continue
                    if _is_constant(value):
                        found[name] = value
        self.known = {name: value for name, value in self.known.items() if name not in stores}
        self.known.update(found)
        return before

    def encoded_with(self, form, name, node):
        """``(form as plain data, False)`` where ``name`` has the value of ``node``; raises Opaque."""
        before, self.known = self.known, dict(self.known)
        try:
            self.known[name] = self._whole(node)
            is_made = self.told
            data = self.encoded(form)
            mentioned = [other for other in names_in(form) if other != name and other in before]
            return data, is_made or bool(mentioned)
        finally:
            self.known = before

    def _whole(self, node):
        self.steps, self.told, self.inner = 0, False, set()
        try:
            return self.value(node)
        except Opaque:
            raise
        except Exception:
            raise Opaque

    def encoded(self, node):
        """The value as plain data; raises Opaque. ``told`` says whether it was made of names that stay in the test."""
        value = self._whole(node)
        data = value.encoded() if isinstance(value, Approx) else encode(value)
        if not (all(is_plain(part) for part in data[1]) if isinstance(value, Approx) else is_plain(data)):
            raise Opaque
        return data

    def value(self, node):
        """The value of a part of an expression; raises anything."""
        self.steps += 1
        if self.steps > STEPS:
            raise Opaque
        kind = type(node).__name__
        method = getattr(self, "_" + kind.lower(), None)
        if method is None:
            raise Opaque
        return method(node)

    def _constant(self, node):
        return node.value

    def _num(self, node):
        return node.n

    def _str(self, node):
        return node.s

    _bytes = _str

    def _nameconstant(self, node):
        return node.value

    def _many(self, nodes):
        found = []
        for part in nodes:
            if type(part).__name__ == "Starred":
                found += list(self.value(part.value))
            else:
                found.append(self.value(part))
        return found

    def _list(self, node):
        return self._many(node.elts)

    def _tuple(self, node):
        return tuple(self._many(node.elts))

    def _set(self, node):
        return set(self._many(node.elts))

    def _dict(self, node):
        if any(key is None for key in node.keys):
            raise Opaque
        return dict(zip(self._many(node.keys), self._many(node.values)))

    def _unaryop(self, node):
        return SIGNS[type(node.op).__name__](self.value(node.operand))

    def _binop(self, node):
        name, left, right = type(node.op).__name__, self.value(node.left), self.value(node.right)
        if name == "Pow" and not (abs(left) < MOST and abs(right) < 500):
            raise Opaque
        if name == "LShift" and right > 5000:
            raise Opaque
        if name == "Mult" and any(_size(a) * b > MOST for a, b in ((left, right), (right, left)) if _size(a)):
            raise Opaque
        if name not in OPERATORS or isinstance(left, Approx) or isinstance(right, Approx):
            raise Opaque
        return OPERATORS[name](left, right)

    def _subscript(self, node):
        owner = self.value(node.value)
        part = node.slice
        if isinstance(part, ast.Slice):
            sides = (part.lower, part.upper, part.step)
            return owner[slice(*[None if side is None else self.value(side) for side in sides])]
        return owner[self.value(getattr(part, "value", part) if type(part).__name__ == "Index" else part)]

    def _ifexp(self, node):
        return self.value(node.body if self.value(node.test) else node.orelse)

    def _boolop(self, node):
        found = None
        for part in node.values:
            found = self.value(part)
            if bool(found) == isinstance(node.op, ast.Or):
                break
        return found

    def _compare(self, node):
        left = self.value(node.left)
        for op, right in zip(node.ops, map(self.value, node.comparators)):
            if isinstance(left, Approx) or isinstance(right, Approx):
                raise Opaque
            if not COMPARISONS[type(op).__name__](left, right):
                return False
            left = right
        return True

    def _joinedstr(self, node):
        return "".join([self.value(part) for part in node.values])

    def _formattedvalue(self, node):
        value = self.value(node.value)
        if isinstance(value, Approx):
            raise Opaque
        if node.conversion in CONVERSIONS:
            value = CONVERSIONS[node.conversion](value)
        return format(value, "" if node.format_spec is None else self.value(node.format_spec))

    def _rows(self, node, results):
        """What a comprehension gives; its names are known inside of it only."""
        found = []

        def walk(depth):
            if depth == len(node.generators):
                found.append([self.value(part) for part in results])
                return
            loop = node.generators[depth]
            for item in self.value(loop.iter):
                self._bind(loop.target, item)
                if all(self.value(test) for test in loop.ifs):
                    walk(depth + 1)

        before, self.known = self.known, dict(self.known)
        try:
            walk(0)
        finally:
            self.known = before
        return found

    def _bind(self, target, item):
        if isinstance(target, ast.Name):
            self.known[target.id] = item
            self.inner.add(target.id)
        elif isinstance(target, (ast.Tuple, ast.List)):
            parts = list(item)
            if len(parts) != len(target.elts):
                raise Opaque
            for part, value in zip(target.elts, parts):
                self._bind(part, value)
        else:
            raise Opaque

    def _listcomp(self, node):
        return [row[0] for row in self._rows(node, [node.elt])]

    _generatorexp = _listcomp

    def _setcomp(self, node):
        return set(self._listcomp(node))

    def _dictcomp(self, node):
        return dict(map(tuple, self._rows(node, [node.key, node.value])))

    def _name(self, node):
        if node.id in self.known:
            self.told = self.told or node.id not in self.inner
            return self.known[node.id]
        if node.id in BUILTINS and self.names.is_free(node.id):
            return self.names.language(node.id)
        return self._from_library(*(self.names.library(node.id) or (None, None)))

    @staticmethod
    def _from_library(module, part):
        if module == "pytest" and part == "approx":
            return Approx
        if module not in LIBRARY or part not in LIBRARY[module]:
            raise Opaque
        return getattr(__import__(module, None, None, ["*"]), part)

    def _attribute(self, node):
        module = self._module(node.value)
        if module is not None:
            return self._from_library(module, node.attr)
        if node.attr in OF_TIME:
            owner = self.value(node.value)
            if getattr(owner, "__module__", "") == "datetime":
                return getattr(owner, node.attr)
        raise Opaque

    def _module(self, node):
        """The module that an expression names; None when it names none."""
        if isinstance(node, ast.Name):
            module, part = self.names.library(node.id) or (None, None)
            if part is not None:
                return "%s.%s" % (module, part) if "%s.%s" % (module, part) in LIBRARY else None
            return module
        if isinstance(node, ast.Attribute):
            owner = self._module(node.value)
            return (
                None
                if owner is None or "%s.%s" % (owner, node.attr) not in LIBRARY
                else owner + "." + node.attr
            )
        return None

    def _call(self, node):
        if getattr(node, "starargs", None) or getattr(node, "kwargs", None):
            raise Opaque
        arguments = self._many(node.args)
        if any(keyword.arg is None for keyword in node.keywords):
            raise Opaque
        named = {keyword.arg: self.value(keyword.value) for keyword in node.keywords}
        function = self._function(node.func)
        if any(type(part) in (int, float) and abs(part) > MOST for part in arguments) and function in COSTLY:
            raise Opaque
        found = function(*arguments, **named)
        return _walked(found) if hasattr(found, "__next__") or hasattr(found, "next") else found

    def _function(self, node):
        if isinstance(node, ast.Attribute) and node.attr in METHODS:
            try:
                owner = self.value(node.value)
            except Opaque:
                return self.value(node)
            if type(owner).__module__ in ("builtins", "__builtin__", "collections"):
                return getattr(owner, node.attr)
            raise Opaque
        return self.value(node)


def _size(value):
    return len(value) if isinstance(value, (str, bytes, list, tuple, type(b"".decode()))) else 0
