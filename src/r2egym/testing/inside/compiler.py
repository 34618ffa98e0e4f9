# mypy: ignore-errors - Python 2.7 has no annotations
"""Turns test modules into code objects under random names, with their twins. Runs where no untrusted code ever ran.

One name stands for the same tests everywhere: a method that overrides another keeps overriding it. A test keeps its
name when something may ask for it: another part of the tests mentions it, its class has a base from elsewhere, or its
module looks at the names of tests.
"""

import ast
import base64
import io
import json
import marshal
import os
import random
import sys
import warnings

from _r2egym import configuration, twins, withhold
from _r2egym.channel import native
from _r2egym.perturb import name_of

SELF_AWARE = frozenset(["_testMethodName", "_testMethodDoc", "shortDescription", "currentframe", "getsource"])
ASKS_PYTEST = frozenset(["node", "function", "keywords", "_pyfuncitem"])
NAMED_STORES = ("snapshot", "_regression", "datadir", "cassette")
ONCE = frozenset(["given", "flaky", "retry", "seed", "reproduce_failure", "example", "benchmark"])
NOT_TESTS = frozenset(["fixture", "yield_fixture", "property", "staticmethod", "cached_property"])


class Catalogue(object):
    """What one has to know of all modules before the first is changed."""

    def __init__(self, prefixes):
        self.prefixes = prefixes
        self.classes, self.tests, self.kept = set(), set(), set()

    def is_test(self, node):
        """Whether a function would be collected under its name."""
        if not isinstance(node, twins.FUNCTIONS) or not node.name.startswith(self.prefixes):
            return False
        return not any(name_of(mark) in NOT_TESTS for mark in node.decorator_list)

    def read(self, tree):
        """Learn from one module."""
        mentioned, aware = set(), False
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                self.classes.add(node.name)
            mentioned.update(self._mentions(node))
            aware = aware or self._is_aware(node)
        names = set()
        for body, owner in scopes(tree):
            for node in body:
                if self.is_test(node):
                    names.add(node.name)
                    if owner is not None and not self._bases_known(owner):
                        mentioned.add(node.name)
                    if any(_argument_name(arg).endswith(NAMED_STORES) for arg in node.args.args):
                        mentioned.add(node.name)
        self.tests |= names
        self.kept |= names if aware else set()
        self.kept |= mentioned

    @staticmethod
    def _mentions(node):
        if isinstance(node, ast.Name):
            return [node.id]
        if isinstance(node, ast.Attribute):
            return [node.attr]
        if isinstance(node, twins.FUNCTIONS):
            return [_argument_name(arg) for arg in node.args.args]
        text = getattr(node, "value", getattr(node, "s", None))
        return [text] if isinstance(text, str) and len(text) < 200 else []

    @staticmethod
    def _is_aware(node):
        if isinstance(node, ast.Name):
            return node.id in SELF_AWARE
        if not isinstance(node, ast.Attribute):
            return False
        if node.attr in SELF_AWARE:
            return True
        owner = node.value.id if isinstance(node.value, ast.Name) else ""
        return (owner == "request" and node.attr in ASKS_PYTEST) or (owner == "self" and node.attr == "id")

    def _bases_known(self, owner):
        return all(
            name_of(base) == "object" or name_of(base).endswith("TestCase") or name_of(base) in self.classes
            for base in owner.bases
        )


def _argument_name(argument):
    return getattr(argument, "arg", None) or getattr(argument, "id", "")


def scopes(tree, owner=None):
    """``(list of statements, class or None)`` for every place where a test may be defined."""
    for field in ("body", "orelse", "finalbody"):
        body = getattr(tree, field, None)
        if not isinstance(body, list):
            continue
        yield body, owner
        for node in list(body):
            if isinstance(node, ast.ClassDef):
                for scope in scopes(node, node):
                    yield scope
            elif not isinstance(node, twins.FUNCTIONS):
                for scope in scopes(node, owner):
                    yield scope
    for handler in getattr(tree, "handlers", ()):
        for scope in scopes(handler, owner):
            yield scope


class Renamer(object):
    """Gives names, and twins, to the tests of all modules."""

    def __init__(self, catalogue, rng, counts):
        self.catalogue, self.rng, self.counts = catalogue, rng, counts
        self.names, self.taken = {}, {}

    def name(self, real, number):
        """The random name of a test (number 0) or of its twin."""
        if number == 0 and real in self.catalogue.kept:
            self.taken[real] = [real, 0]
            return real
        key = (real, number)
        if key not in self.names:
            prefix = next(part for part in self.catalogue.prefixes if real.startswith(part))
            letters = "".join(self.rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(12))
            # "testName" is no test where tests are called "test_*", and must not become one
            joint = "_" if real[len(prefix) :].startswith("_") else ""
            self.names[key] = prefix + joint + letters
            self.taken[self.names[key]] = [real, number]
        return self.names[key]

    def group(self, function, wants_twins):
        """The test and its twins under their names, in random order; and how the twins differ."""
        members, kinds = [(0, function)], []
        _strip_docstring(function)
        repeatable = not any(name_of(mark) in ONCE for mark in function.decorator_list)
        if wants_twins and repeatable:
            made = twins.make(function, self.rng.random(), self.counts.get(function.name, 1))
            members += [(number, twin) for number, (twin, _) in enumerate(made, 1)]
            kinds = [how for _, how in made]
        self.rng.shuffle(members)
        real = function.name
        for number, member in members:
            member.name = self.name(real, number)
        return [member for _, member in members], kinds


def _strip_docstring(function):
    first = function.body[0]
    if isinstance(first, ast.Expr) and isinstance(
        getattr(first.value, "value", getattr(first.value, "s", None)), str
    ):
        function.body = function.body[1:] or [ast.Pass()]


def _rename(tree, path, catalogue, renamer, wants_twins):
    """Rename in place; returns ``{real id: kinds of its twins}``."""
    found = {}
    chains = dict(_chains(tree, ()))
    for body, owner in list(scopes(tree)):
        changed = []
        for node in body:
            if catalogue.is_test(node):
                real = node.name
                members, kinds = renamer.group(node, wants_twins)
                changed += members
                found["::".join((path,) + chains.get(id(owner), ()) + (real,))] = kinds
            else:
                changed.append(node)
        body[:] = changed
    return found


def _chains(tree, chain):
    for node in ast.iter_child_nodes(tree):
        below = chain
        if isinstance(node, ast.ClassDef):
            below = chain + (node.name,)
            yield id(node), below
        if not isinstance(node, twins.FUNCTIONS):
            for found in _chains(node, below):
                yield found


def _flatten(tree):
    """Line numbers tell which of two functions stood in the file: all become 1."""
    ast.fix_missing_locations(tree)
    for node in ast.walk(tree):
        if hasattr(node, "lineno"):
            node.lineno, node.col_offset = 1, 0
            if hasattr(node, "end_lineno"):
                node.end_lineno, node.end_col_offset = 1, 0


def _prefixes(job, settings):
    if job["runner"] != "pytest":
        return ("test",)
    patterns = settings["ini"].get("python_functions", "test").split()
    given = [pattern.rstrip("*") for pattern in patterns if not set("*?[") & set(pattern.rstrip("*"))]
    return tuple(sorted(set([part for part in given if part] + ["test"]), key=len, reverse=True))


def compile_all(job):
    """Compile the job's modules; returns what goes out, as plain data."""
    settings = configuration.read(job["root"], job["modules"])
    settings.update(job["settings"] or {})
    rng = random.Random(job["seed"])
    catalogue = Catalogue(_prefixes(job, settings))
    trees, errors = {}, {}
    for path in job["modules"]:
        try:
            trees[path] = _parse(job, path)
            catalogue.read(trees[path])
        except (SyntaxError, ValueError, IOError, RuntimeError) as error:
            errors[path] = "%s: %s" % (type(error).__name__, error)
            trees.pop(path, None)
    sealed, beside = {}, {}
    if job["seals"]:
        beside = _imported(job, trees)
        modules = dict(trees, **beside)
        sealed = withhold.withhold(modules)
        trees, beside = (_sealed(part, modules) for part in (trees, beside))
    renamer = Renamer(catalogue, rng, job["counts"])
    codes, defined = {}, {}
    for path in sorted(trees):
        if job["renames"]:
            defined.update(_rename(trees[path], path, catalogue, renamer, job["twins"]))
            _flatten(trees[path])
        codes[path] = _code(job, path, trees[path])
    codes.update({path: _code(job, path, tree) for path, tree in beside.items()})
    told = {"helpers": sorted(beside), "errors": errors, "settings": settings}
    return dict(sealed, codes=codes, names=renamer.taken, defined=defined, **told)


def _code(job, path, tree):
    code = compile(tree, os.path.join(job["root"], path), "exec", 0, 1)
    return base64.b64encode(marshal.dumps(code)).decode("ascii")


def _sealed(trees, changed):
    return {path: changed[path] for path in trees}


def _imported(job, trees):
    """Modules beside the tests that these import, and that assert something: they are sealed with them."""
    found, pending = {}, list(trees.values())
    while pending:
        names = set()
        for node in ast.walk(pending.pop()):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                names.update(alias.name.split(".")[-1] for alias in node.names)
                names.add((getattr(node, "module", None) or "").split(".")[-1])
        for path in job["beside"]:
            if path in found or path in trees or os.path.basename(path)[: -len(".py")] not in names:
                continue
            try:
                tree = _parse(job, path)
            except (SyntaxError, ValueError, IOError, RuntimeError):
                continue
            if any(_asserts(node) for node in ast.walk(tree)):
                found[path] = tree
                pending.append(tree)
    return found


def _asserts(node):
    is_call = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    return isinstance(node, ast.Assert) or (is_call and name_of(node.value).startswith("assert"))


def _parse(job, path):
    if path in job["sources"]:
        source = base64.b64decode(job["sources"][path])
    else:
        with io.open(os.path.join(job["root"], path), "rb") as stream:
            source = stream.read()
    return compile(source, os.path.join(job["root"], path), "exec", ast.PyCF_ONLY_AST, 1)


def main(job):
    """Compile and print one line of JSON."""
    warnings.simplefilter("ignore")
    sys.stdout.write(json.dumps(compile_all(native(job)), sort_keys=True) + "\n")
