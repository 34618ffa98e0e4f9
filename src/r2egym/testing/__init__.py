"""Running tests, and how far to believe them."""

from r2egym.testing.probe import run_tests
from r2egym.testing.statuses import TestRun
from r2egym.testing.twins import CompiledTests, compile_tests, run_compiled, stub

__all__ = ["CompiledTests", "TestRun", "compile_tests", "run_compiled", "run_tests", "stub"]
