# mypy: ignore-errors - Python 2.7 has no annotations
"""Near and far neighbours of a literal: same type, same shape, another value.

*Near* is for equality, where any other value must fail and a reader must not see which of two is the true one. *Far*
is for membership, where a near neighbour might be a member as well.
"""

import ast
import sys

from _r2egym.channel import TEXT

PY2 = sys.version_info[0] == 2
INTEGERS = (int, long) if PY2 else (int,)  # noqa: F821
LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Opaque(Exception):  # noqa: N818 - it says what the node is
    """Not a literal, or none that has neighbours."""


def value_of(node):
    """The value of a literal expression; raises Opaque."""
    try:
        return ast.literal_eval(node)
    except Exception:
        raise Opaque


def node_of(value):
    """An expression whose value is ``value``, a literal."""
    text = repr(value)
    if isinstance(value, (set, frozenset)) and not value:
        raise Opaque
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError:
        raise Opaque


def near(value, rng):
    """Another value of the same type and shape."""
    if isinstance(value, bool):
        return not value
    if value is None:
        return 0
    if isinstance(value, INTEGERS):
        return value + rng.choice([-2, -1, 1, 2, 3] if abs(value) < 50 else [-10, -1, 1, 10])
    if isinstance(value, float):
        if repr(value) in ("nan", "inf", "-inf"):
            return 0.5
        moved = value + rng.choice([-1.0, 0.5, 1.0, 2.0]) * max(1.0, abs(value) / 16)
        return moved if moved != value else -value
    if isinstance(value, complex):
        return value + rng.choice([-1, 1, 2])
    return _near_collection(value, rng)


def _near_collection(value, rng):
    if isinstance(value, TEXT):
        return _near_text(value, rng)
    if isinstance(value, bytes):
        return _near_text(value.decode("latin-1"), rng).encode("latin-1")
    if isinstance(value, (list, tuple)):
        items = list(value)
        place = rng.randrange(len(items)) if items else 0
        items[place : place + 1] = [near(items[place], rng) if items else 0]
        return type(value)(items)
    if isinstance(value, dict):
        if not value:
            return {0: 0}
        changed = dict(value)
        key = rng.choice(sorted(changed, key=repr))
        changed[key] = near(changed[key], rng)
        return changed
    if isinstance(value, set):
        items = sorted(value, key=repr)
        changed = set(items[1:])
        new = near(items[0], rng) if items else 0
        while new in value:
            new = near(new, rng)
        changed.add(new)
        return changed
    raise Opaque


def _near_text(text, rng):
    if not text:
        return text + rng.choice(LETTERS)
    places = [i for i, letter in enumerate(text) if letter.isalnum() and ord(letter) < 128]
    place = rng.choice(places) if places else rng.randrange(len(text))
    old = text[place]
    if old.isdigit():
        pool = "123456789"
    elif old.isalpha() and ord(old) < 128:
        pool = LETTERS.upper() if old.isupper() else LETTERS
    else:
        pool = LETTERS
    return text[:place] + rng.choice([letter for letter in pool if letter != old]) + text[place + 1 :]


def far(value, rng):
    """A value of the same type that is hardly a member of anything that holds ``value``."""
    if isinstance(value, bool) or value is None:
        raise Opaque
    if isinstance(value, INTEGERS + (float, complex)):
        return value + rng.randrange(10**6, 10**7)
    if isinstance(value, (TEXT, bytes)):
        text = value if isinstance(value, TEXT) else value.decode("latin-1")
        for _ in range(3):
            text = _near_text(text, rng)
        if len(text) < 6:
            text += "".join(rng.choice(LETTERS) for _ in range(6))
        return text if isinstance(value, TEXT) else text.encode("latin-1")
    if isinstance(value, tuple) and value:
        return tuple(far(part, rng) for part in value)
    raise Opaque


CONSTRUCTORS = frozenset([
    "approx", "set", "frozenset", "tuple", "list", "dict", "OrderedDict", "Decimal", "Fraction", "datetime", "date",
    "timedelta", "time", "Path", "PurePath", "array", "u", "b", "str", "bytes", "int", "float", "repr", "deque",
    "Counter", "call", "Series", "Index", "DataFrame",
])  # fmt: skip


def name_of(node):
    """The last part of a dotted name, or of what a call calls."""
    if isinstance(node, ast.Call):
        node = node.func
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def literal_slots(node):
    """``[(owner, field, position or None)]``: literals inside displays and plain constructors, to be replaced."""
    found = []
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        for place, part in enumerate(node.elts):
            found += _slot(node, "elts", place, part)
    elif isinstance(node, ast.Dict):
        for place, part in enumerate(node.values):
            found += _slot(node, "values", place, part)
    elif isinstance(node, ast.Call) and name_of(node) in CONSTRUCTORS:
        for place, part in enumerate(node.args):
            found += _slot(node, "args", place, part)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        found += _slot(node, "operand", None, node.operand)
    return found


def _slot(owner, field, place, part):
    try:
        value_of(part)
    except Opaque:
        return literal_slots(part)
    return [(owner, field, place)]


def shift(node, rng, how=near):
    """``node`` with its value moved: whole when it is a literal, else one literal inside it; raises Opaque."""
    try:
        value = value_of(node)
    except Opaque:
        slots = literal_slots(node)
        if how is far or not slots:
            raise
        owner, field, place = rng.choice(slots)
        part = getattr(owner, field) if place is None else getattr(owner, field)[place]
        new = node_of(near(value_of(part), rng))
        if place is None:
            setattr(owner, field, new)
        else:
            getattr(owner, field)[place] = new
        return node
    return node_of(how(value, rng))
