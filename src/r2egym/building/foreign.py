"""Running a project's own build, in a build sandbox: to install it editable, or to learn what its ``setup.py`` computes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from r2egym.building.interpreters import VENV, Interpreter
from r2egym.building.plain import MTIME
from r2egym.building.project import TESTBED
from r2egym.building.pyproject import Project
from r2egym.building.python2 import HOME, INSTALLER
from r2egym.building.requirements import parse_all
from r2egym.building.workshop import UV, Failing, Workshop
from r2egym.errors import BuildError
from r2egym.sandboxes.base import Layer

_NOT_KEPT = (".git", ".venv", "build")
_MARK = "r2egym-setup:"

_INSTALL = """set -e
{uv} pip install --quiet --python {venv}/bin/python --no-deps --link-mode copy {flags} --editable {testbed}
rm -f {venv}/.lock
find {venv} {testbed} -newermt @{mtime} -not -path '*/.git/*' -exec touch -h -d @{mtime} {{}} +
"""
_INSTALL_2 = f"""set -e
{INSTALLER} install --quiet --no-deps --no-compile --no-warn-script-location --editable {TESTBED}
find {VENV} {TESTBED} -newermt @{MTIME} -not -path '*/.git/*' -exec touch -h -d @{MTIME} {{}} +
"""

_ASKING = """set -e
{uv} venv --quiet --no-config --no-python-downloads --no-cache --python /opt/r2egym/python/bin/python3 /tmp/ask
{uv} pip install --quiet --python /tmp/ask/bin/python {flags} setuptools wheel
cd {testbed}
/tmp/ask/bin/python -W ignore - <<'END'
"""
_ASKING_2 = f"""cd {TESTBED}
{HOME}/pip/bin/python -W ignore - <<'END'
"""
"""There setuptools is at hand."""
_ASK = """\
import json, sys
import setuptools
try:
    import distutils.core as older
except ImportError:  # Python 3.12, or a system that packages it apart
    older = setuptools
sys.argv = ["setup.py", "--version"]
sys.path.insert(0, "")
def setup(**said):
    names = ("name", "version", "install_requires", "extras_require", "tests_require", "python_requires")
    print("MARK" + json.dumps({name: said[name] for name in names if name in said}, default=list))
setuptools.setup = older.setup = setup
exec(compile(open("setup.py", "rb").read(), "setup.py", "exec"), {"__name__": "__main__", "__file__": "setup.py"})
END
"""


def editable_layers(
    workshop: Workshop, interpreter: Interpreter, venv: Path, tree: Path, git: Path, before: float
) -> tuple[Path, Path]:
    """What ``pip install --no-deps --editable`` adds to the virtual environment, and to the source tree.

    Args:
        workshop: where it runs.
        interpreter: the environment's.
        venv: the layer of its dependencies.
        tree: the layer of the base commit's files.
        git: a ``.git`` layer, for projects whose version comes from tags.
        before: date as of which build tools are taken (seconds since 1970).

    Raises:
        BuildError: reason ``project-failed``.
    """
    key = hashlib.sha256(f"{venv.name} {tree.name} {git.name}".encode()).hexdigest()

    def build(folder: Path) -> None:
        mounts = (
            Layer(target=VENV, sources=(venv,), writable=True),
            Layer(target=TESTBED, sources=(git, tree), writable=True),
        )
        failing = Failing("project-failed", "its own build fails")
        with (
            workshop.store.scratch() as scratch,
            workshop.bench(interpreter, before, failing, mounts) as bench,
        ):
            flags = " ".join(bench.flags)
            script = _INSTALL.format(uv=UV, venv=VENV, testbed=TESTBED, flags=flags, mtime=MTIME)
            bench.run(_INSTALL_2 if interpreter.is_python2 else script)
            for target, name in ((VENV, "venv"), (TESTBED, "tree")):
                bench.sandbox.export(target, scratch / name)
                workshop.store.import_tree(scratch / name, folder / name, leave_out=_NOT_KEPT)

    layer = workshop.store.layer("editable", key, build)
    return layer / "venv", layer / "tree"


def ask_setup(
    workshop: Workshop, interpreter: Interpreter, tree: Path, before: float, known: Project
) -> Project:
    """What a ``setup.py`` passes to ``setup()`` when it runs, put in the place of what could not be read.

    Raises:
        BuildError: reason ``setup-failed``.
    """
    key = hashlib.sha256(f"{interpreter.key} {tree.name}".encode()).hexdigest()

    def build(folder: Path) -> None:
        mounts = (Layer(target=TESTBED, sources=(tree,), writable=True),)
        with workshop.bench(
            interpreter, before, Failing("setup-failed", "its setup.py fails"), mounts
        ) as bench:
            start = _ASKING.format(uv=UV, testbed=TESTBED, flags=" ".join(bench.flags))
            done = bench.run((_ASKING_2 if interpreter.is_python2 else start) + _ASK.replace("MARK", _MARK))
            (folder / "said.json").write_text(_last_mark(done.stdout))

    said = json.loads((workshop.store.layer("setups", key, build) / "said.json").read_text())
    extras = said.get("extras_require")
    found = {
        "dependencies": tuple(parse_all(_lines(said.get("install_requires")))),
        "extras": {str(k): tuple(parse_all(_lines(v))) for k, v in extras.items()}
        if isinstance(extras, dict)
        else {},
        "groups": {"tests_require": tuple(parse_all(_lines(said.get("tests_require"))))},
        "requires_python": str(said.get("python_requires") or ""),
        "name": str(said.get("name") or ""),
    }
    update = {field: value for field, value in found.items() if value and not getattr(known, field)}
    return known.model_copy(update={**update, "unread": (), "origin": known.origin or "setup.py"})


def _last_mark(output: str) -> str:
    lines = [line.partition(_MARK)[2] for line in output.splitlines() if line.startswith(_MARK)]
    try:
        said = json.loads(lines[-1]) if lines else None
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise BuildError("setup-failed", "its setup.py does not call setup()", output[-20_000:])
    return json.dumps(said)


def _lines(value: object) -> list[str]:
    if isinstance(value, str):
        return value.splitlines()
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
