"""Getting our own code into a sandbox: as text on standard input, loaded before anything of the task can be.

The command line holds nothing but the line that unpacks it. The work tree is taken off the module search path first, so
that no file in it can stand in for ``json``, ``pytest`` or ``unittest``; it comes back once they are loaded.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

from r2egym.records import Recipe
from r2egym.sandboxes.base import SandboxConfig

ROOT = "/testbed"
PYTHON = "/opt/r2egym/venv/bin/python"
_COMMON = ("channel", "paths", "configuration")
_RUNNERS = ("stubs", "pytest_runner", "unittest_runner", "start")
RUNNING = (*_COMMON, *_RUNNERS)
SEALED = (*_COMMON, "plain", "handout", *_RUNNERS)
MATCHING = ("channel", "patterns")
_SEALING = (
    "plain", "uses", "names", "closed", "standins", "columns", "helpers", "kinds", "assertions", "withhold",
)  # fmt: skip
COMPILING = (*_COMMON, "perturb", "sites", "twins", *_SEALING, "compiler")

_BOOT = """\
import sys
sys.path[:] = [p for p in sys.path if p and p != ROOT and not p.startswith(ROOT + '/')]
import json, types
def boot():
    job = json.loads(getattr(sys.stdin, 'buffer', sys.stdin).read().decode('utf-8'))
    package = sys.modules['_r2egym'] = types.ModuleType('_r2egym')
    package.__path__ = []
    for name, text in job['machinery']:
        name = str(name)
        module = sys.modules['_r2egym.' + name] = types.ModuleType('_r2egym.' + name)
        setattr(package, name, module)
        exec(compile(text, '_r2egym/%s.py' % name, 'exec', 0, 1), module.__dict__)
    module.main(job['job'])
boot()
"""


@cache
def _source(name: str) -> str:
    return (resources.files("r2egym.testing") / "inside" / f"{name}.py").read_text(encoding="utf-8")


def command(root: str = ROOT) -> list[str]:
    """What is run in the sandbox. No user site, no bytecode written, no module from the current folder."""
    return [PYTHON, "-s", "-B", "-c", _BOOT.replace("ROOT", repr(root))]


def package(names: Sequence[str], job: Mapping[str, Any]) -> bytes:
    """Standard input for :func:`command`: our modules in order, and the job that the last one's ``main`` gets."""
    machinery = [[name, _source(name)] for name in names]
    return json.dumps({"machinery": machinery, "job": job}).encode()


def cleared(config: SandboxConfig, seed: int) -> SandboxConfig:
    """``config`` without variables that steer Python or pytest; string hashes follow ``seed``."""
    kept = {
        name: value
        for name, value in config.env.items()
        if not name.startswith(("PYTHON", "PYTEST_", "COV_"))
    }
    kept.setdefault("TZ", "UTC")
    kept["PYTHONHASHSEED"] = str(seed % (1 << 32))
    return config.model_copy(update={"env": kept})


def run_job(recipe: Recipe, modules: Sequence[str], test_timeout: float) -> dict[str, Any]:
    """The part of a job that every run has."""
    roots = [ROOT if root in {"", "."} else f"{ROOT}/{root.strip('/')}" for root in recipe.source_roots]
    environment = {
        name: value
        for name, value in recipe.environment.items()
        if not name.startswith(("PYTHONPATH", "PYTHONHOME", "PYTHONHASHSEED", "PYTEST_"))
    }
    return {
        "nonce": secrets.token_hex(16),
        "root": ROOT,
        "runner": recipe.runner,
        "roots": list(dict.fromkeys([*roots, ROOT])),
        "packages": list(recipe.packages),
        "arguments": list(recipe.test_arguments),
        "environment": environment,
        "modules": list(modules),
        "test_timeout": test_timeout,
        "codes": {},
        "settings": None,
        "tracebacks": False,
        "shuffle": 0,
        "sealed": False,
    }
