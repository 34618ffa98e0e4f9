# mypy: ignore-errors - Python 2.7 has no annotations
"""Expressions whose value is known before anything of the project is imported.

Literals, displays, arithmetic, and calls of what the language and its standard library bring, as long as the module does
not bind their names to something else. Runs where no untrusted code ever ran.
"""

import ast
import sys

from _r2egym.perturb import Opaque
from _r2egym.plain import PY2, encode, is_plain

BUILTINS = frozenset([
    "set", "frozenset", "tuple", "list", "dict", "sorted", "range", "xrange", "str", "unicode", "int", "long", "float",
    "bytes", "bytearray", "complex", "bool", "len", "sum", "min", "max", "abs", "chr", "unichr", "ord", "repr", "round",
    "reversed", "zip", "enumerate", "True", "False", "None", "Ellipsis", "NotImplemented", "type", "object",
    "ValueError", "TypeError", "KeyError", "IndexError",
])  # fmt: skip
LIBRARY = {
    "collections": ("OrderedDict", "deque", "Counter"), "decimal": ("Decimal",), "fractions": ("Fraction",),
    "datetime": ("datetime", "date", "timedelta", "timezone"), "textwrap": ("dedent",), "uuid": ("UUID",),
    "math": ("pi", "e", "inf", "nan", "tau", "sqrt"), "re": ("escape",),
}  # fmt: skip
OF_TIME = frozenset(["utc", "max", "min"])
METHODS = frozenset([
    "join", "format", "encode", "decode", "strip", "lstrip", "rstrip", "replace", "lower", "upper", "splitlines",
    "split", "title", "ljust", "rjust", "zfill", "items", "keys", "values", "index", "count", "lstrip",
])  # fmt: skip
OPERATORS = {
    "Add": lambda a, b: a + b, "Sub": lambda a, b: a - b, "Mult": lambda a, b: a * b, "Div": lambda a, b: a / b,
    "FloorDiv": lambda a, b: a // b, "Mod": lambda a, b: a % b, "Pow": lambda a, b: a**b, "BitOr": lambda a, b: a | b,
    "BitAnd": lambda a, b: a & b, "BitXor": lambda a, b: a ^ b, "LShift": lambda a, b: a << b, "RShift": lambda a, b: a >> b,
}  # fmt: skip
SIGNS = {"USub": lambda a: -a, "UAdd": lambda a: +a, "Not": lambda a: not a, "Invert": lambda a: ~a}
MOST = 100000
LANGUAGE = sys.modules["__builtin__" if PY2 else "builtins"]


class Approx(object):
    """What pytest's ``approx`` was told."""

    def __init__(self, expected, rel=None, abs=None, nan_ok=None):  # noqa: A002 - pytest's name
        self.expected, self.rel, self.abs, self.nan_ok = expected, rel, abs, bool(nan_ok)

    def encoded(self):
        return ["~", [encode(part) for part in (self.expected, self.rel, self.abs, self.nan_ok)]]


class Names(object):
    """What names mean in one module."""

    def __init__(self, tree):
        self.imported, self.bound = {}, set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    self._import(alias.asname or alias.name.split(".")[0], alias.name, None)
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    self._import(
                        alias.asname or alias.name, node.module if not node.level else None, alias.name
                    )
            elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                self.bound.add(node.id)
            elif isinstance(node, ast.ClassDef) or hasattr(node, "decorator_list"):
                self.bound.add(node.name)
            elif isinstance(node, ast.arguments):
                parts = node.args + getattr(node, "kwonlyargs", []) + getattr(node, "posonlyargs", [])
                parts += [part for part in (node.vararg, node.kwarg) if part is not None]
                self.bound.update(
                    getattr(part, "arg", None) or getattr(part, "id", None) or part for part in parts
                )

    def _import(self, name, module, part):
        if self.imported.setdefault(name, (module, part)) != (module, part):
            self.bound.add(name)

    def library(self, name):
        """``(module, part)`` that a name was imported as, and nothing else; None otherwise."""
        return None if name in self.bound else self.imported.get(name)

    def is_free(self, name):
        """Whether a name means what the language says."""
        return hasattr(LANGUAGE, name) and name not in self.bound and name not in self.imported

    @staticmethod
    def language(name):
        """What the language has under a name."""
        return getattr(LANGUAGE, name)


class Closed(object):
    """Computes closed expressions of one module. ``value`` raises Opaque for all others."""

    def __init__(self, tree):
        self.names = Names(tree)

    def encoded(self, node):
        """The value as plain data; raises Opaque."""
        try:
            value = self.value(node)
        except Opaque:
            raise
        except Exception:
            raise Opaque
        data = value.encoded() if isinstance(value, Approx) else encode(value)
        if not (all(is_plain(part) for part in data[1]) if isinstance(value, Approx) else is_plain(data)):
            raise Opaque
        return data

    def value(self, node):
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
        if any(type(part).__name__ == "Starred" for part in nodes):
            raise Opaque
        return [self.value(part) for part in nodes]

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

    def _name(self, node):
        if node.id in BUILTINS and self.names.is_free(node.id):
            return self.names.language(node.id)
        return self._from_library(*(self.names.library(node.id) or (None, None)))

    @staticmethod
    def _from_library(module, part):
        if module == "pytest" and part == "approx":
            return Approx
        if module not in LIBRARY or part not in LIBRARY[module]:
            raise Opaque
        return getattr(__import__(module), part)

    def _attribute(self, node):
        if isinstance(node.value, ast.Name):
            module, part = self.names.library(node.value.id) or (None, None)
            if module is not None and part is None:
                return self._from_library(module, node.attr)
        if node.attr in OF_TIME:
            owner = self.value(node.value)
            if getattr(owner, "__module__", "") == "datetime":
                return getattr(owner, node.attr)
        raise Opaque

    def _call(self, node):
        if getattr(node, "starargs", None) or getattr(node, "kwargs", None):
            raise Opaque
        arguments = self._many(node.args)
        if any(keyword.arg is None for keyword in node.keywords):
            raise Opaque
        named = {keyword.arg: self.value(keyword.value) for keyword in node.keywords}
        function = self._function(node.func)
        if function is range and not PY2 and arguments and max(abs(part) for part in arguments) > MOST:
            raise Opaque
        found = function(*arguments, **named)
        return list(found) if type(found).__name__ in ("zip", "enumerate") else found

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
