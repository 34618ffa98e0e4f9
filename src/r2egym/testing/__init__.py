"""Running tests, and how far to believe them."""

from r2egym.testing.court import Verdict
from r2egym.testing.probe import run_tests
from r2egym.testing.sealed import SealedRun, calibrate, held, run_sealed, sealed_digest
from r2egym.testing.statuses import TestRun
from r2egym.testing.strength import strengths
from r2egym.testing.twins import CompiledTests, compile_tests, run_compiled, stub

__all__ = [
    "CompiledTests",
    "SealedRun",
    "TestRun",
    "Verdict",
    "calibrate",
    "compile_tests",
    "held",
    "run_compiled",
    "run_sealed",
    "run_tests",
    "sealed_digest",
    "strengths",
    "stub",
]
