# mypy: ignore-errors - Python 2.7 has no annotations
"""What names mean in a test module: the language's, its standard library's, or something else."""

import ast
import sys

from _r2egym.uses import bound

BUILTINS = frozenset([
    "set", "frozenset", "tuple", "list", "dict", "sorted", "range", "xrange", "str", "unicode", "int", "long", "float",
    "bytes", "bytearray", "complex", "bool", "len", "sum", "min", "max", "abs", "chr", "unichr", "ord", "repr", "round",
    "reversed", "zip", "enumerate", "map", "all", "any", "divmod", "True", "False", "None", "Ellipsis", "NotImplemented", "type", "object",
    "ValueError", "TypeError", "KeyError", "IndexError",
])  # fmt: skip
LIBRARY = {
    "collections": ("OrderedDict", "deque", "Counter"), "decimal": ("Decimal",), "fractions": ("Fraction",),
    "datetime": ("datetime", "date", "timedelta", "timezone"), "textwrap": ("dedent", "indent"), "uuid": ("UUID",),
    "math": ("pi", "e", "inf", "nan", "tau", "sqrt", "floor", "ceil", "log", "exp", "sin", "cos", "hypot", "gcd",
             "fsum", "isqrt", "prod", "comb", "factorial"),
    "re": ("escape",), "json": ("dumps",), "os.path": ("join", "basename", "dirname", "splitext"), "os": ("sep", "linesep"),
    "itertools": ("chain", "product", "permutations", "combinations", "accumulate", "zip_longest", "islice", "starmap"),
    "string": ("ascii_letters", "ascii_lowercase", "ascii_uppercase", "digits", "hexdigits", "punctuation", "whitespace"),
}  # fmt: skip
OF_TIME = frozenset(["utc", "max", "min"])
METHODS = frozenset([
    "join", "format", "encode", "decode", "strip", "lstrip", "rstrip", "replace", "lower", "upper", "splitlines",
    "split", "title", "ljust", "rjust", "zfill", "items", "keys", "values", "index", "count", "lstrip",
])  # fmt: skip
LANGUAGE = sys.modules["__builtin__" if sys.version_info[0] == 2 else "builtins"]


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
            else:
                self.bound.update(bound(node))

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
