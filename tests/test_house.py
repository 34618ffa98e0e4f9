"""The habits of the house, kept by machine: which way imports run, who prints, who reads the environment."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "r2egym"

# The rooms, in the order in which data meets them: a room imports from rooms before it on this list only.
ROOMS = tuple(
    """
    errors settings records
    jobs mining sandboxes testing building grading attacks llm tasks tools
    environment agents rollouts curation verifiers training viewer demo bench
    agenthub logging cli
    """.split()
)

LONGEST_MODULE = 350
LENGTH_REASON = "# Long because"

# What is copied into a sandbox and runs there, far from this process's environment and terminal.
RUN_IN_SANDBOX = ("testing/inside/",)

# Repositories that the published system names in its code; here such knowledge is data, in recipes/.
REPOSITORIES = frozenset(
    """
    sympy pandas numpy matplotlib pillow orange3 moto aiohttp tornado pyramid scrapy coveragepy datalad
    bokeh statsmodels boltons
    """.split()
)

HEAVY = frozenset(
    """
    pyarrow pygit2 tree_sitter numpy datasets openai gymnasium tokenizers litellm ray docker flask matplotlib
    jinja2
    """.split()
)

MODULES = sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    """Path of a module below the package, as people read it."""
    return path.relative_to(PACKAGE).as_posix()


def room_of(dotted: str) -> str:
    """The room of ``r2egym.room.module``; the package itself is none."""
    parts = dotted.split(".")
    return parts[1] if len(parts) > 1 else ""


def imports(path: Path) -> Iterator[tuple[int, str, str]]:
    """Line, module and name of every import of this package in a module, deferred ones included."""
    relative = path.relative_to(PACKAGE.parent).with_suffix("").parts
    package = relative[:-1]
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "r2egym":
                    yield node.lineno, alias.name, ""
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            if module.split(".")[0] == "r2egym":
                for alias in node.names:
                    yield node.lineno, *_resolved(module, alias.name)


def _resolved(module: str, name: str) -> tuple[str, str]:
    """Tell ``from package import module`` from ``from module import name``."""
    folder = PACKAGE.parent.joinpath(*module.split("."))
    is_module = (folder / f"{name}.py").exists() or (folder / name / "__init__.py").exists()
    return (f"{module}.{name}", "") if is_module else (module, name)


def test_every_room_is_on_the_list() -> None:
    """A new room takes its place in the order before anything imports it."""
    rooms = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    rooms |= {path.stem for path in PACKAGE.glob("*.py")} - {"__init__", "__main__"}
    assert rooms <= set(ROOMS)


def test_no_import_runs_back() -> None:
    """A room imports from rooms before it only."""
    wrong = []
    for path in MODULES:
        own = room_of("r2egym." + ".".join(path.relative_to(PACKAGE).with_suffix("").parts))
        if own in {"__init__", "__main__"}:
            continue
        for line, module, _ in imports(path):
            other = room_of(module)
            if other and other != own and ROOMS.index(other) > ROOMS.index(own):
                wrong.append(f"{name_of(path)}:{line}: {own} imports {module}")
    assert not wrong, "\n".join(wrong)


def test_no_room_reaches_into_another() -> None:
    """A room uses another's public face: no module and no name that begins with an underscore."""
    wrong = []
    for path in MODULES:
        own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for line, module, name in imports(path):
            private = [part for part in [*module.split(".")[2:], name] if re.match(r"_[^_]", part)]
            if room_of(module) != own and private:
                wrong.append(f"{name_of(path)}:{line}: {module} {name}")
    assert not wrong, "\n".join(wrong)


def test_only_settings_reads_the_environment() -> None:
    """What the process environment says comes in through settings.load() alone."""
    wrong = []
    for path in MODULES:
        if name_of(path).startswith(("settings.py", *RUN_IN_SANDBOX)):
            continue
        for node in ast.walk(ast.parse(path.read_bytes())):
            is_attribute = isinstance(node, ast.Attribute) and ast.unparse(node.value) == "os"
            names = [node.attr] if is_attribute else []
            if isinstance(node, ast.ImportFrom) and node.module == "os":
                names = [alias.name for alias in node.names]
            if set(names) & {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}:
                wrong.append(f"{name_of(path)}:{node.lineno}")
    assert not wrong, "\n".join(wrong)


def test_only_the_command_line_prints() -> None:
    """Everything but cli/ returns what it has to say."""
    wrong = []
    for path in MODULES:
        if name_of(path).startswith(("cli/", *RUN_IN_SANDBOX)):
            continue
        wrong += [
            f"{name_of(path)}:{node.lineno}"
            for node in ast.walk(ast.parse(path.read_bytes()))
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "print"
        ]
    assert not wrong, "\n".join(wrong)


def test_no_repository_is_named_in_code() -> None:
    """Knowledge about one repository is data (recipes/NAME.toml), not a branch in code."""
    wrong = [
        f"{name_of(path)}:{node.lineno}: {node.value}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.lower() in REPOSITORIES
    ]
    assert not wrong, "\n".join(wrong)


def test_modules_are_short() -> None:
    """A long module says in a comment why it is one."""
    wrong = []
    for path in MODULES:
        text = path.read_text(encoding="utf-8")
        if text.count("\n") > LONGEST_MODULE and LENGTH_REASON not in text:
            wrong.append(f"{name_of(path)}: {text.count(chr(10))} lines and no '{LENGTH_REASON} …'")
    assert not wrong, "\n".join(wrong)


def tracked_files() -> list[Path]:
    """Every file that git keeps."""
    run = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if run.returncode:
        pytest.skip("this copy of the project is not a git work tree")
    paths = [ROOT / name for name in run.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


def test_no_registry_is_named() -> None:
    """No package registry's host stands in a file, so that whoever has a mirror changes one setting and no code."""
    registries = "pypi|pythonhosted|debian|npmjs|crates|rubygems|anaconda"
    pattern = re.compile(rf"\b({registries})\.(org|io|com|net)\b".encode())
    wrong = [str(path.relative_to(ROOT)) for path in tracked_files() if pattern.search(path.read_bytes())]
    assert not wrong


def loaded_modules(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after ``code``."""
    script = f"{code}\nimport sys\nsys.stderr.write(' '.join(sys.modules))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in run.stderr.split()}


def test_importing_the_package_is_light() -> None:
    """`import r2egym` loads no heavy library; each is imported where it is used."""
    assert not loaded_modules("import r2egym") & HEAVY


def test_help_is_light() -> None:
    """`r2egym --help` loads no heavy library either."""
    code = "import sys\nsys.argv = ['r2egym', '--help']\ntry:\n    from r2egym.cli import main; main()\nexcept SystemExit: pass"
    if not (PACKAGE / "cli" / "__init__.py").exists():
        pytest.skip("the command line is not there yet")
    assert not loaded_modules(code) & HEAVY


def test_public_names() -> None:
    """What the package offers is listed, sorted, and there."""
    import r2egym

    names = r2egym.__all__
    assert list(names) == sorted(names)
    assert [name for name in names if not hasattr(r2egym, name)] == []


def makefile_targets() -> set[str]:
    """The targets of the Makefile."""
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", ".ci/run"])
def test_documents_name_targets_that_exist(document: str) -> None:
    """Every `make …` that a document tells people to type is a target of the Makefile."""
    text = (ROOT / document).read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^ *|`)make (?:--[a-z-]+ )*([a-z][a-z-]*)", text, re.MULTILINE))
    assert named
    assert named <= makefile_targets()


def test_generated_pages_are_current() -> None:
    """docs/commands.md, recipe.md and rows.md are what commands, records and columns say of themselves today."""
    script = [sys.executable, str(ROOT / "scripts" / "write_docs.py"), "--check"]
    run = subprocess.run(script, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def reason_codes() -> set[str]:
    """Every code under which a funnel can count a commit, as the source has them."""
    places = {"NotATaskError": 1, "BuildError": 0, "Failing": 0, "_expect": 4, "_over": 2}
    found = set()
    for path in (
        path for room in ("mining", "building", "curation") for path in (PACKAGE / room).glob("*.py")
    ):
        for node in ast.walk(ast.parse(path.read_bytes())):
            parts: list[ast.expr | None] = []
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", "")
                parts = node.args[places[name] :][:1] if name in places else []
                parts += [word.value for word in node.keywords if name == "Rejection"]
            elif isinstance(node, ast.Return) and path.name == "filters.py":
                parts = [node.value]
            inner = (part for whole in parts if whole for part in ast.walk(whole))
            found |= {part.value for part in inner if isinstance(part, ast.Constant)}
    return {code for code in found if isinstance(code, str) and re.fullmatch(r"[a-z]+(-[a-z]+)*", code)}


def test_every_reason_is_explained() -> None:
    """docs/ENV_GENERATION.md says of every reason code what it means and what to do."""
    text = (ROOT / "docs" / "ENV_GENERATION.md").read_text(encoding="utf-8")
    explained = {
        code
        for line in text.splitlines()
        if line.startswith("| `")
        for code in re.findall("`([a-z-]+)`", line.split("|")[1])
    }
    codes = reason_codes()
    assert len(codes) > 40
    assert codes <= explained, codes - explained


def test_guide_names_options_that_exist() -> None:
    """Every command that docs/ENV_GENERATION.md shows is one, and its options are in docs/commands.md."""
    guide = (ROOT / "docs" / "ENV_GENERATION.md").read_text(encoding="utf-8")
    pages = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8").split("## r2egym ")
    helps = {page.split("\n")[0]: page for page in pages[1:]}
    commands = re.findall(r"^r2egym ([a-z]+)(.*)$", guide, re.MULTILINE)
    assert len(commands) > 5
    for verb, rest in commands:
        wrong = [option for option in re.findall(r"--[a-z-]+", rest) if option not in helps[verb]]
        assert not wrong, f"r2egym {verb}{rest}"


def test_readme_names_every_command() -> None:
    """A new user finds every command in the README, and none that does not exist."""
    from r2egym.cli.main import VERBS

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"r2egym ([a-z]+)\b", text)) == set(VERBS)


def test_design_notes_are_listed() -> None:
    """design/README.md links every note, and nothing that is not there."""
    folder = ROOT / "design"
    listed = re.findall(
        r"^- \[[^]]+\]\(([^)]+)\)", (folder / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert sorted(listed) == sorted(path.name for path in folder.glob("*.md") if path.name != "README.md")
