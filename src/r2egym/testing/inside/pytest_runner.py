# mypy: ignore-errors - Python 2.7 has no annotations
"""Runs test modules under pytest 3.0 to 9 and reports every phase of every test through a plugin of ours."""

import gc
import io
import os
import random
import sys
import tempfile

from _r2egym import configuration, paths
from _r2egym.channel import TEXT, text_of
from _r2egym.stubs import Alarm

UNNEEDED = ("cacheprovider", "junitxml", "pastebin", "stepwise", "setuponly", "setupplan", "xdist", "cov", "randomly",
            "random_order", "xvfb", "rerunfailures", "sugar", "html", "metadata", "instafail", "timeout",
            "terminalprogress", "faulthandler", "unraisableexception", "threadexception")  # fmt: skip


class Reporter(object):
    """The plugin. ``wants_text``: whether messages and tracebacks are sent along."""

    def __init__(self, emit, job):
        self.emit = emit
        self.job = job
        self.wants_text = job["tracebacks"]
        self.index = {}
        self.current = None
        self.alarm = Alarm(job["test_timeout"], self._expired)

    def _expired(self):
        self.emit("timeout", i=self.current)

    def pytest_load_initial_conftests(self):
        # the machinery is loaded by now: nothing in the work tree can stand in for it any more
        paths.add(self.job["roots"])

    def pytest_collection_modifyitems(self, items):
        if self.job["shuffle"]:
            shuffled = list(items)
            random.Random(self.job["shuffle"]).shuffle(shuffled)
            places = [self._path(item) for item in shuffled]
            items[:] = sorted(shuffled, key=lambda item: places.index(self._path(item)))

    def pytest_collection_finish(self, session):
        census = []
        for item in session.items:
            self.index.setdefault(item.nodeid, len(census))
            census.append(self._id(item.nodeid, self._path(item)))
        self.emit("census", ids=census)

    @staticmethod
    def _path(item):
        return str(getattr(item, "fspath", None) or item.path)

    def _id(self, nodeid, path):
        relative = os.path.relpath(path, self.job["root"])
        rest = nodeid.split("::", 1)[1] if "::" in nodeid else ""
        return (relative + "::" + rest).replace("::()", "")

    def pytest_collectreport(self, report):
        if not report.passed:
            self.emit("collect", id=report.nodeid, o=report.outcome, m=text_of(report.longrepr))

    def pytest_internalerror(self, excrepr):
        self.emit("internal", m=text_of(excrepr))

    def pytest_runtest_logstart(self, nodeid):
        self.current = self.index.get(nodeid)
        self.alarm.start()

    def pytest_runtest_logfinish(self):
        self.alarm.stop()
        self.current = None

    pytest_runtest_logfinish.pytest_impl = {
        "optionalhook": True
    }  # new in 3.4; before, a last phase ends a test

    def pytest_runtest_logreport(self, report):
        outcome = report.outcome
        if outcome == "rerun":
            return
        fields = {"i": self.index.get(report.nodeid), "w": report.when, "o": outcome}
        if type(report).__name__ == "SubtestReport" or type(report).__name__ == "SubTestReport":
            fields["w"] = "subtest"
        if hasattr(report, "wasxfail"):
            fields["x"] = True
        fields["d"] = round(float(getattr(report, "duration", 0.0)), 6)
        if outcome == "failed":
            crash = getattr(getattr(report, "longrepr", None), "reprcrash", None)
            if crash is not None:
                fields["c"] = text_of(getattr(crash, "message", ""), 300)
            if self.wants_text:
                fields["m"] = text_of(getattr(report, "longreprtext", None) or report.longrepr)
        self.emit("phase", **fields)
        if report.when == "teardown":
            self.pytest_runtest_logfinish()


def _arguments(job, settings, version):
    folder = tempfile.mkdtemp(prefix="r2egym-")
    ini = os.path.join(folder, "pytest.ini")
    text = configuration.render(settings["ini"])
    with io.open(ini, "wb") as stream:
        stream.write(text.encode("utf-8") if isinstance(text, TEXT) else text)
    arguments = ["-q", "-q", "-c", ini, "--confcutdir", job["root"], "--assert=plain", "--capture=sys",
                 "--continue-on-collection-errors", "--tb=short" if job["tracebacks"] else "--tb=no"]  # fmt: skip
    arguments += ["-W", "ignore"] if version >= [3, 1] else []
    arguments += ["--rootdir", job["root"]] if version >= [3, 5] else []
    for name in UNNEEDED:
        arguments += ["-p", "no:" + name]
    if job["tracebacks"]:
        arguments[arguments.index("--assert=plain")] = "--assert=rewrite"
    return arguments + settings["options"] + job["arguments"] + job["modules"]


def run(emit, job, watch=None):
    """Run the modules; returns pytest's exit code. ``watch`` gets what knows which test runs."""
    settings = job["settings"] or configuration.read(job["root"], job["modules"])
    job["roots"] = job["roots"] + [os.path.join(job["root"], part) for part in settings["pythonpath"]]
    gc.disable()  # nothing of what is imported is garbage, and looking for it takes a tenth of the time
    import pytest

    gc.enable()
    paths.offer(job["roots"])  # a project may itself be a plugin, which pytest loads first
    emit("versions", python=sys.version.split()[0], pytest=pytest.__version__)
    version = [int(part) for part in pytest.__version__.split(".")[:2]]
    sys.argv = ["pytest"]
    reporter = Reporter(emit, job)
    if watch is not None:
        watch(reporter)
    return int(pytest.main(_arguments(job, settings, version), plugins=[reporter]))
