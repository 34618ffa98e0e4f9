# mypy: ignore-errors - Python 2.7 has no annotations
"""Near and far neighbours of a literal: same type, same shape, another value.

*Near* is for equality, where any other value must fail and a reader must not see which of two is the true one. *Far*
is for membership, where a near neighbour might be a member as well.
"""

import ast
import random
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


class Dice(object):
    """What is random about the twins of one test.

    All twins of a test change it in the same places, or the places that most of them share would tell the true value;
    and the true value's rank among theirs is random, or the middle one would be it. ``number`` is the twin's, from 1;
    ``count`` how many there are.
    """

    def __init__(self, seed, number, count):
        self.places = random.Random(seed)
        self.number, self.count = number, count

    def choice(self, options):
        """The same for every twin."""
        return self.places.choice(options)

    def offset(self):
        """Another for every twin, never 0; small and of either sign."""
        rank = self.places.randrange(self.count + 1)
        place = self.number - 1 if self.number - 1 < rank else self.number
        return place - rank

    def pick(self, options):
        """Another for every twin, as long as there are enough."""
        shuffled = sorted(options)
        self.places.shuffle(shuffled)
        return shuffled[(self.number - 1) % len(shuffled)]


def near(value, dice):
    """Another value of the same type and shape."""
    if isinstance(value, bool):
        return not value
    if value is None:
        return 0
    if isinstance(value, INTEGERS):
        return value + dice.offset() * dice.choice([1, 1, 2] if abs(value) < 50 else [1, 10])
    if isinstance(value, float):
        if repr(value) in ("nan", "inf", "-inf"):
            return dice.number / 2.0
        moved = value + dice.offset() * dice.choice([0.5, 1.0, 2.0]) * max(1.0, abs(value) / 16)
        return moved if moved != value else -value
    if isinstance(value, complex):
        return value + dice.offset()
    return _near_collection(value, dice)


def _near_collection(value, dice):
    if isinstance(value, TEXT):
        return _near_text(value, dice)
    if isinstance(value, bytes):
        return _near_text(value.decode("latin-1"), dice).encode("latin-1")
    if isinstance(value, (list, tuple)):
        items = list(value)
        place = dice.choice(range(len(items))) if items else 0
        items[place : place + 1] = [near(items[place], dice) if items else dice.number - 1]
        return type(value)(items)
    if isinstance(value, dict):
        if not value:
            return {dice.number: 0}
        changed = dict(value)
        key = dice.choice(sorted(changed, key=repr))
        changed[key] = near(changed[key], dice)
        return changed
    if isinstance(value, set):
        return _near_set(value, dice)
    raise Opaque


def _near_set(value, dice):
    """Another value in place of one: a near one, or, where the set holds that too, one beyond all of them."""
    items = sorted(value, key=repr)
    if not items:
        return {0}
    place = dice.choice(range(len(items)))
    new = near(items[place], dice)
    numbers = [item for item in items if isinstance(item, INTEGERS + (float,)) and not isinstance(item, bool)]
    if new in value and items[place] in numbers:
        new = items[place] + dice.offset() * (max(numbers) - min(numbers) + 1)
    if new in value:
        raise Opaque
    return set(items[:place] + items[place + 1 :]) | {new}


def _near_text(text, dice):
    if not text:
        return LETTERS[dice.number]
    places = [i for i, letter in enumerate(text) if letter.isalnum() and ord(letter) < 128]
    place = dice.choice(places) if places else dice.choice(range(len(text)))
    old = text[place]
    pool = next((kind for kind in (LETTERS, LETTERS.upper(), "0123456789") if old in kind), None)
    if pool is None:
        new = LETTERS[dice.number]
    else:
        new = pool[(pool.index(old) + dice.offset() * dice.choice([1, 1, 3])) % len(pool)]
    return text[:place] + new + text[place + 1 :]


def far(value, dice):
    """A value of the same type that is hardly a member of anything that holds ``value``."""
    if isinstance(value, bool) or value is None:
        raise Opaque
    if isinstance(value, INTEGERS + (float, complex)):
        return value + dice.offset() * 1000003
    if isinstance(value, (TEXT, bytes)):
        text = value if isinstance(value, TEXT) else value.decode("latin-1")
        for _ in range(3):
            text = _near_text(text, dice)
        if len(text) < 6 or text == value:
            text += "".join(dice.pick(LETTERS) for _ in range(6))
        return text if isinstance(value, TEXT) else text.encode("latin-1")
    if isinstance(value, tuple) and value:
        return tuple(far(part, dice) for part in value)
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


def shift(node, dice, how=near):
    """``node`` with its value moved: whole when it is a literal, else one literal inside it; raises Opaque."""
    try:
        value = value_of(node)
    except Opaque:
        slots = literal_slots(node)
        if how is far or not slots:
            raise
        owner, field, place = dice.choice(slots)
        part = getattr(owner, field) if place is None else getattr(owner, field)[place]
        new = node_of(near(value_of(part), dice))
        if place is None:
            setattr(owner, field, new)
        else:
            getattr(owner, field)[place] = new
        return node
    return node_of(how(value, dice))
