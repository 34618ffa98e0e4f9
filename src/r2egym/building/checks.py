"""Whether a build counts: the project's packages import from ``/testbed``, and its tests can be collected.

Both run in a sandbox without network, with the layers that a task will have. What foreign code prints is looked at for
two numbers only; a project that lies here makes bad tasks of itself, which proving them finds out.
"""

from __future__ import annotations

import json
import re

from r2egym.building.interpreters import VENV
from r2egym.errors import BuildError
from r2egym.records import ExecResult, Recipe, Record
from r2egym.sandboxes.base import Backend, SandboxConfig

_TIMEOUT = 300.0
_LOG = 20_000
_MARK = "r2egym-checked:"

_CHECK = """\
import importlib, json, os, subprocess, sys
names, runner, arguments = json.loads(sys.argv[1])
failed = {}
for name in names:
    try:
        module = importlib.import_module(name)
    except BaseException as error:
        failed[name] = "%s: %s" % (type(error).__name__, error)
        continue
    file = getattr(module, "__file__", None) or ""
    places = [file] if file else list(getattr(module, "__path__", []))
    if not all(os.path.realpath(place).startswith("/testbed/") for place in places):
        failed[name] = "comes from %s, not from /testbed" % places
print("MARK" + json.dumps(failed))
sys.stdout.flush()
if failed:
    sys.exit(90)
if runner == "pytest":
    command = ["-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "-W", "ignore"] + arguments
else:
    command = ["-c", "import sys, unittest; suite = unittest.defaultTestLoader.discover('.'); "
               "print('%d tests collected' % suite.countTestCases()); "
               "errors = getattr(unittest.defaultTestLoader, 'errors', ()); print('\\\\n'.join(errors)); sys.exit(2 if errors else 0)"]
os.execv(sys.executable, [sys.executable] + command)
""".replace("MARK", _MARK)


class Collected(Record):
    """What works in an environment."""

    tests: int
    """Tests that were collected, or that passed, whichever the judge looks at."""
    errors: int
    """Tests and modules that do not work; with none, the environment will do."""
    log: str = ""
    missing: tuple[str, ...] = ()
    """Projects of the index that would bring what could not be imported, as far as that can be told."""


def check(backend: Backend, config: SandboxConfig, recipe: Recipe) -> Collected:
    """Import the packages and collect the tests.

    Raises:
        BuildError: reason ``import-failed``, ``collect-failed`` or ``check-timeout``.
    """
    asked = json.dumps([recipe.packages, recipe.runner, recipe.test_arguments])
    done = backend.run(
        config, [f"{VENV}/bin/python", "-c", _CHECK, asked], timeout=_TIMEOUT, output_limit=1 << 24
    )
    log = (done.stdout + done.stderr)[-_LOG:]
    if done.timed_out:
        raise BuildError("check-timeout", f"its tests cannot be collected within {_TIMEOUT:.0f} s", log)
    said = re.search(rf"{_MARK}(.*)", done.stdout)
    failed = _failed(said[1]) if said else {"python": f"exit code {done.exit_code}"}
    if failed:
        detail = "; ".join(f"{name}: {why}" for name, why in failed.items())
        raise BuildError("import-failed", f"its packages cannot be imported: {detail}"[:500], log)
    collected = _count(done, log)
    if done.exit_code not in {0, 5} and not collected.tests:
        raise BuildError("collect-failed", f"its tests cannot be collected: {_reason(done)}", log)
    return collected


def _failed(text: str) -> dict[str, str]:
    try:
        found = json.loads(text)
    except ValueError:
        return {"python": "the check was disturbed"}
    return found if isinstance(found, dict) else {}


def _count(done: ExecResult, log: str) -> Collected:
    """Numbers of pytest's closing line, or ours, which pytest versions word differently."""
    tests = len(re.findall(r"^\S.*::.+$", done.stdout, re.MULTILINE))
    if found := re.search(r"\b(\d+)(?:/\d+)? tests? collected|collected (\d+) items?", done.stdout):
        tests = max(tests, int(found[1] or found[2]))
    tests += sum(int(number) for number in re.findall(r"^\S+\.py: (\d+)$", done.stdout, re.MULTILINE))
    closing = re.search(r"\b(\d+) errors?\b", done.stdout[-2000:])
    errors = int(closing[1]) if closing and done.exit_code else int(done.exit_code not in {0, 5})
    return Collected(tests=tests, errors=errors, log=log)


def _reason(done: ExecResult) -> str:
    lines = [
        line for line in (done.stdout + "\n" + done.stderr).splitlines() if line.startswith(("E  ", "ERROR"))
    ]
    return " ".join(line.lstrip("E ") for line in lines[-3:])[:300] or f"exit code {done.exit_code}"
