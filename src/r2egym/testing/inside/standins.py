# mypy: ignore-errors - Python 2.7 has no annotations
"""Nodes that stand where assertions and expected values were, and the tables that say what they stand for."""

import ast

IMPORTED = ("got", "truth", "raises", "withheld", "form")


def number(value):
    """A literal that tells nothing, and is not counted among what a test shows."""
    node = ast.parse(repr(value), mode="eval").body
    node.number = value
    return node


def call(name, *arguments):
    """A call of what the sandbox brings."""
    return ast.Call(
        func=ast.Name(id="_r2egym_" + name, ctx=ast.Load()), args=list(arguments), keywords=[], **NO_STARS
    )


NO_STARS = {} if "starargs" not in ast.Call._fields else {"starargs": None, "kwargs": None}


class Tables(object):
    """What is kept outside of all modules: sites and constants, by their numbers."""

    def __init__(self):
        self.sites, self.constants = [], []

    def site(self, op, **more):
        self.sites.append(dict(more, op=op))
        return number(len(self.sites) - 1)

    def constant(self, *forms):
        """The node that stands for a withheld value, in each form: ``(plain data, whether its test shows it)``."""
        first = len(self.constants)
        self.constants += [{"v": data, "visible": visible} for data, visible in forms]
        return call("withheld", *map(number, range(first, len(self.constants))))


def comparing(op):
    """A function that compares in the sandbox, for what is no plain data."""
    return ast.parse("lambda a, b: a %s b" % ("==" if op == "eq" else "!="), mode="eval").body


def mention(tree):
    """``from _r2egym_handout import …`` after the docstring and the imports from the future."""
    text = "from _r2egym_handout import " + ", ".join("%s as _r2egym_%s" % (name, name) for name in IMPORTED)
    place = 0
    for index, node in enumerate(tree.body):
        is_text = isinstance(node, ast.Expr) and index == 0
        if is_text or (isinstance(node, ast.ImportFrom) and node.module == "__future__"):
            place = index + 1
    tree.body.insert(place, ast.parse(text).body[0])
