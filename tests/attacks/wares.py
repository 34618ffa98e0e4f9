"""A small project with one fault, and three tasks whose hidden tests are in three styles."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from r2egym.mining import Repository
from r2egym.records import Environment, HiddenFile, HiddenTests, Recipe, Task

_PACKAGE = '"""Prices of wares."""\n\nfrom wares.prices import discount\n'
_PRICES = '''"""Arithmetic of prices, in cents."""


def discount(price, percent):
    return price - percent


def label(price):
    return "%d.%02d" % (price // 100, price % 100)


def parse(text):
    if not text:
        return 0
    return int(text.replace(".", ""))
'''
_FIXED = _PRICES.replace("price - percent", "price * (100 - percent) // 100").replace(
    "        return 0\n", '        raise ValueError("no price in an empty text")\n'
)
_STOCK = '''"""Counts."""


def take(count, wanted):
    if wanted > count:
        raise LookupError(wanted)
    return count - wanted
'''
_SHELF = '''"""Questions."""


def enough(count, wanted):
    return count > wanted


def kept(count):
    return count - 1
'''
_SHELVED = _SHELF.replace("count > wanted", "count >= wanted").replace("return count - 1", "return count")
_VISIBLE = "from wares import prices\n\n\ndef test_label():\n    assert prices.label(1999) == '19.99'\n"

_FUNCTIONS = (
    "import pytest\n\nfrom wares import prices\n\n\n"
    "def test_label():\n    assert prices.label(1999) == '19.99'\n\n\n"
    "def test_discount_of_a_tenth():\n    assert prices.discount(2000, 10) == 1800\n\n\n"
    "def test_discount_of_three_quarters():\n    assert prices.discount(4400, 75) == 1100\n"
)
_CLASSES = (
    "import unittest\n\nfrom wares import prices\n\n\nclass PriceCase(unittest.TestCase):\n"
    "    def test_label(self):\n        self.assertEqual(prices.label(1999), '19.99')\n\n"
    "    def test_discount(self):\n        self.assertEqual(prices.discount(2000, 10), 1800)\n"
)
_RAISES = (
    "import pytest\n\nfrom wares import prices, stock\n\n\n"
    "def test_take():\n    assert stock.take(5, 2) == 3\n\n\n"
    "def test_an_empty_text_is_no_price():\n    with pytest.raises(ValueError):\n        prices.parse('')\n"
)
_TAKE = "def test_take():\n    assert stock.take(5, 2) == 3\n\n\n"
_INHERITED = (
    "from wares import prices, stock\n\n\nclass Discounts:\n"
    "    def test_discount(self):\n        assert prices.discount(2000, 10) == 1800\n\n\n"
    "    def test_take(self):\n        assert stock.take(5, 2) == 3\n\n\n"
    "class TestDiscounts(Discounts):\n    pass\n"
)
_UNTWINNED = (
    "from wares import prices, stock\n\n\n" + _TAKE + "def test_discount():\n"
    "    if prices.discount(2000, 10) != 1800:\n        raise RuntimeError\n"
)
_AGREEMENT = (
    "from wares import prices, stock\n\n\n" + _TAKE + "def test_discounts_add_up():\n"
    "    assert prices.discount(prices.discount(2000, 10), 50) == prices.discount(2000, 55)\n"
)
_GOLDEN = (
    "from pathlib import Path\n\nfrom wares import prices, stock\n\n"
    "EXPECTED = Path(__file__).with_name('expected.txt').read_text().strip()\n\n\n"
    + _TAKE
    + "def test_label_of_a_discount():\n    assert prices.label(prices.discount(2000, 10)) == EXPECTED\n"
)
_TRUTH = (
    "from wares import shelf, stock\n\n\n"
    + _TAKE
    + "def test_all_is_enough():\n    assert shelf.enough(2, 2)\n"
)
_MEMBER = (
    "from wares import prices, stock\n\n\n"
    + _TAKE
    + "def test_label_of_a_discount():\n    assert '18.00' in prices.label(prices.discount(2000, 10))\n"
)
_ECHO = (
    "from wares import shelf, stock\n\n\n"
    + _TAKE
    + "def test_nothing_is_lost():\n    assert shelf.kept(700) == 700\n"
)
SUITES = {
    "functions": ("tests/test_prices.py", _FUNCTIONS),
    "unittest": ("tests/test_price_case.py", _CLASSES),
    "raises": ("tests/test_empty.py", _RAISES),
    "inherited": ("tests/test_inherited.py", _INHERITED),
    "untwinned": ("tests/test_untwinned.py", _UNTWINNED),
    "agreement": ("tests/test_agreement.py", _AGREEMENT),
    "golden": ("tests/test_golden.py", _GOLDEN),
    "truth": ("tests/test_truth.py", _TRUTH),
    "member": ("tests/test_member.py", _MEMBER),
    "echo": ("tests/test_echo.py", _ECHO),
}
DATA = {"golden": {"tests/expected.txt": "18.00\n"}}
"""Style → further files that its tests read."""
_F2P = {
    "functions": ("test_discount_of_a_tenth", "test_discount_of_three_quarters"),
    "unittest": ("PriceCase::test_discount",),
    "raises": ("test_an_empty_text_is_no_price",),
    "inherited": ("TestDiscounts::test_discount",),
    "untwinned": ("test_discount",),
    "agreement": ("test_discounts_add_up",),
    "golden": ("test_label_of_a_discount",),
    "truth": ("test_all_is_enough",),
    "member": ("test_label_of_a_discount",),
    "echo": ("test_nothing_is_lost",),
}
_P2P = {
    "functions": ("test_label",),
    "unittest": ("PriceCase::test_label",),
    "raises": ("test_take",),
    "inherited": ("TestDiscounts::test_take",),
    "untwinned": ("test_take",),
    "agreement": ("test_take",),
    "golden": ("test_take",),
    "truth": ("test_take",),
    "member": ("test_take",),
    "echo": ("test_take",),
}
_WHEN = "2024-03-01T12:00:00+0000"


@dataclass(frozen=True)
class Wares:
    """The repository on disk, and its tasks by style."""

    path: Path
    repository: Repository
    tasks: dict[str, Task]
    base: str
    fix: str


def git(folder: Path, *words: str, stdin: str | None = None) -> str:
    """Run git without a user's configuration and at a fixed time."""
    named = {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "A"), ("EMAIL", "a@example.org"), ("DATE", _WHEN))
    }
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", **named}
    done = subprocess.run(
        ["git", "-C", str(folder), "-c", "safe.directory=*", "-c", "protocol.file.allow=always", *words],
        check=True,
        capture_output=True,
        text=True,
        env=env,
        input=stdin,
    )
    return done.stdout


def make(folder: Path) -> Wares:
    """Write the project's two commits under ``folder``."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    base = _commit(
        folder,
        "Sell wares",
        {
            "pyproject.toml": '[project]\nname = "wares"\nversion = "1.0"\nrequires-python = ">=3.8"\n',
            "wares/__init__.py": _PACKAGE,
            "wares/prices.py": _PRICES,
            "wares/stock.py": _STOCK,
            "wares/shelf.py": _SHELF,
            "tests/test_prices.py": _VISIBLE,
            "README": "Wares.\n",
        },
    )
    fix = _commit(
        folder,
        "Mend discounts",
        {"wares/prices.py": _FIXED, "wares/shelf.py": _SHELVED, **dict(SUITES.values())},
    )
    git(folder, "checkout", "-q", "--detach", base)
    tasks = {style: _task(folder, base, fix, style) for style in SUITES}
    return Wares(folder, Repository.open(folder, folder), tasks, base, fix)


def _commit(folder: Path, message: str, files: dict[str, str]) -> str:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", message)
    return git(folder, "rev-parse", "HEAD").strip()


def _task(folder: Path, base: str, fix: str, style: str) -> Task:
    path, content = SUITES[style]
    files = {path: content, **DATA.get(style, {})}
    return Task(
        instance_id=f"wares__{fix[:12]}",
        repo="wares",
        base_commit=base,
        fix_commit=fix,
        patch=git(folder, "diff", base, fix, "--", "wares"),
        test_patch=git(folder, "diff", base, fix, "--", path),
        fail_to_pass=tuple(f"{path}::{name}" for name in _F2P[style]),
        pass_to_pass=tuple(f"{path}::{name}" for name in _P2P[style]),
        environment=Environment(
            repository=str(folder),
            recipe=Recipe(python="3.11", requirements=("pytest",), packages=("wares",)),
            as_of="2024-03-01T12:00:00Z",
            lock=(),
        ),
        hidden_tests=HiddenTests(
            files=tuple(HiddenFile(path=name, content=text) for name, text in files.items()), modules=(path,)
        ),
    )
