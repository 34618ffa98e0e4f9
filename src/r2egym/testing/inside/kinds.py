# mypy: ignore-errors - Python 2.7 has no annotations
"""Which exceptions a test expects, by name, and the pattern that the message should match."""

import ast

from _r2egym.perturb import Opaque, name_of
from _r2egym.standins import call

RAISES = frozenset(["raises", "assertRaises", "failUnlessRaises"])
MATCHES = frozenset(["assertRaisesRegex", "assertRaisesRegexp"])
EXPECTED = ("expected_exception", "exception")


class Unknown(Exception):  # noqa: N818 - it says what the classes are
    """The classes or the pattern are not known before the project is imported."""


class Reader(object):
    """Reads calls of ``raises`` in one module."""

    def __init__(self, tree, closed):
        self.closed = closed
        self.classes = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}

    def stand_in(self, value, tables, called):
        """What takes the place of such a call, or of such a context; None when it has to stay."""
        try:
            kinds, pattern, rest, keywords = self._taken_apart(value, called)
            new = call("raises", tables.site("raises", kinds=self._names(kinds), pattern=pattern), *rest)
        except Unknown:
            return None
        new.keywords = keywords
        return new

    def _taken_apart(self, value, called):
        """The node of the classes, the pattern as plain data, and the arguments that are left."""
        arguments = list(value.args)
        named = {part.arg: part.value for part in value.keywords if part.arg in EXPECTED}
        keywords = [part for part in value.keywords if part.arg not in EXPECTED]
        if not arguments and not named:
            raise Unknown
        kinds = next(iter(named.values())) if named else arguments.pop(0)
        match = None
        if name_of(value) in MATCHES:
            if not arguments:
                raise Unknown
            match = arguments.pop(0)
        elif not called:
            match = next((part.value for part in keywords if part.arg == "match"), None)
            keywords = [part for part in keywords if part.arg != "match"]
        if bool(arguments) != called or (keywords and not called):
            raise Unknown
        return kinds, self._pattern(match), arguments, keywords

    def _pattern(self, node):
        if node is None:
            return None
        try:
            return self.closed.encoded(node)
        except Opaque:
            raise Unknown

    def _names(self, node):
        """Names of exception classes: ``builtins.X``, or the last part of any other."""
        return [self._name(part) for part in (node.elts if isinstance(node, ast.Tuple) else [node])]

    def _name(self, node):
        if isinstance(node, ast.Attribute):
            return node.attr
        if not isinstance(node, ast.Name):
            raise Unknown
        if self.closed.names.is_free(node.id):
            kind = self.closed.names.language(node.id)
            if isinstance(kind, type):
                return "builtins." + kind.__name__
        imported = self.closed.names.library(node.id)
        if imported:
            return imported[1] or imported[0]
        if node.id not in self.classes:
            raise Unknown
        return node.id
