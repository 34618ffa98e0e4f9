# mypy: ignore-errors - Python 2.7 has no annotations
"""Runs test modules under unittest with a TestResult of ours that reports every test as pytest's plugin does."""

import os
import random
import sys
import time
import traceback
import unittest

from _r2egym import paths
from _r2egym.channel import text_of
from _r2egym.stubs import Alarm


def import_path(path, root):
    """Import the test module at ``path`` (relative to ``root``) by the name its packages give it."""
    folder, name = os.path.split(os.path.join(root, path))
    name = name[: -len(".py")]
    while os.path.isfile(os.path.join(folder, "__init__.py")) and folder != os.path.dirname(root):
        folder, package = os.path.split(folder)
        name = package + "." + name
    if folder not in sys.path:
        sys.path.insert(0, folder)
    __import__(name)
    return sys.modules[name]


def leaves(suite):
    """The test cases in a suite, in order."""
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            for leaf in leaves(test):
                yield leaf
        else:
            yield test


class Result(unittest.TestResult):
    """Sends what happens to each test. Tests are known by their place in the census."""

    def __init__(self, emit, job, index):
        unittest.TestResult.__init__(self)
        self.emit, self.job, self.index = emit, job, index
        self.alarm = Alarm(job["test_timeout"], self._expired)
        self.current, self.started, self.outcome = None, 0.0, None
        self.bad = False

    def _expired(self):
        self.emit("timeout", i=self.current)

    def _phase(self, when, outcome, **more):
        if self.current is not None:
            self.emit("phase", i=self.current, w=when, o=outcome, **more)

    def startTest(self, test):
        unittest.TestResult.startTest(self, test)
        self.current, self.started, self.outcome = self.index.get(id(test)), time.time(), None
        self._phase("setup", "passed")
        self.alarm.start()

    def stopTest(self, test):
        self.alarm.stop()
        outcome, more = self.outcome or ("failed", {"c": "no outcome"})
        self._phase("call", outcome, d=round(time.time() - self.started, 6), **more)
        self._phase("teardown", "passed")
        self.current = None
        unittest.TestResult.stopTest(self, test)

    def _settle(self, outcome, error=None, **more):
        if self.outcome is not None and self.outcome[0] == "failed":
            return
        self.bad = self.bad or outcome == "failed"
        if error is not None:
            more["c"] = text_of(
                "%s: %s" % (getattr(error[0], "__name__", "error"), text_of(error[1], 250)), 300
            )
            if self.job["tracebacks"]:
                more["m"] = text_of("".join(traceback.format_exception(*error)))
        self.outcome = (outcome, more)

    def addSuccess(self, test):
        self._settle("passed")

    def addFailure(self, test, err):
        self._settle("failed", err)

    def addError(self, test, err):
        if id(test) not in self.index:
            return self._of_many(test, err)
        return self._settle("failed", err)

    def _of_many(self, holder, err):
        """A setUpClass or setUpModule failed, or a teardown did: no test of its own."""
        self.bad = True
        self.emit(
            "collect", id=text_of(holder), o="failed", m=text_of("".join(traceback.format_exception(*err)))
        )

    def addSkip(self, test, reason):
        if self.current is None:  # Python 3.12.1 does not start a test that its decorator skips
            self.startTest(test)
            self._settle("skipped")
            self.stopTest(test)
        else:
            self._settle("skipped")

    def addExpectedFailure(self, test, err):
        self._settle("skipped", x=True)

    def addUnexpectedSuccess(self, test):
        self._settle("failed", c="Unexpected success")

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self._settle("failed", err)


def run(emit, job, watch=None):
    """Run the modules; returns 0 when all passed, else 1. ``watch`` gets what knows which test runs."""
    paths.add(job["roots"])
    emit("versions", python=sys.version.split()[0])
    sys.argv = ["unittest"]
    suites, census, index, broken = [], [], {}, False
    for path in job["modules"]:
        try:
            module = import_path(path, job["root"])
            suite = unittest.TestLoader().loadTestsFromModule(module)
        except (Exception, SystemExit):
            broken = True
            emit("collect", id=path, o="failed", m=text_of(traceback.format_exc()))
            continue
        for test in leaves(suite):
            kind, name = type(test), getattr(test, "_testMethodName", None)
            index[id(test)] = len(census)
            qualified = getattr(kind, "__qualname__", kind.__name__).replace(".", "::")
            census.append("%s::%s::%s" % (path, qualified, name or text_of(test)))
        suites.append(suite)
    if job["shuffle"]:
        random.Random(job["shuffle"]).shuffle(suites)
    emit("census", ids=census)
    result = Result(emit, job, index)
    if watch is not None:
        watch(result)
    unittest.TestSuite(suites).run(result)
    return int(broken or result.bad)
