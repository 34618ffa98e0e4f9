# mypy: ignore-errors - Python 2.7 has no annotations
"""What assertions are called, and which comparison each of them makes."""

import ast

from _r2egym.perturb import name_of

COMPARED = {"Eq": "eq", "NotEq": "ne", "Lt": "lt", "LtE": "le", "Gt": "gt", "GtE": "ge"}
TURNED = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le"}
METHODS = {
    "assertEqual": "eq", "assertEquals": "eq", "failUnlessEqual": "eq", "assertNotEqual": "ne", "assertNotEquals": "ne",
    "failIfEqual": "ne", "assertListEqual": "list", "assertTupleEqual": "tuple", "assertDictEqual": "dict",
    "assertSetEqual": "set", "assertSequenceEqual": "seq", "assertMultiLineEqual": "text", "assertCountEqual": "count",
    "assertItemsEqual": "count", "assertAlmostEqual": "almost", "assertAlmostEquals": "almost",
    "failUnlessAlmostEqual": "almost", "assertNotAlmostEqual": "notalmost", "assertNotAlmostEquals": "notalmost",
    "assertGreater": "gt", "assertGreaterEqual": "ge", "assertLess": "lt", "assertLessEqual": "le",
    "assertRegex": "regex", "assertRegexpMatches": "regex", "assertNotRegex": "noregex",
    "assertNotRegexpMatches": "noregex",
}  # fmt: skip
FREE = {"eq_": "eq", "assert_equal": "npeq", "assert_equals": "eq", "assert_array_equal": "npeq",
        "assert_allclose": "allclose", "assert_almost_equal": "npalmost", "assert_array_almost_equal": "npalmost"}  # fmt: skip
ONE_SIDED = frozenset(["regex", "noregex"])
YES = frozenset(["assertTrue", "assert_", "failUnless"])
NO = frozenset(["assertFalse", "failIf"])


def is_failure(statement):
    """Whether a statement ends a test badly, whatever it says."""
    if isinstance(statement, ast.Raise):
        raised = getattr(statement, "exc", None) or getattr(statement, "type", None)
        return raised is not None and "skip" not in name_of(raised).lower()
    is_call = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
    return is_call and name_of(statement.value) == "fail"
