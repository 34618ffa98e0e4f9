# mypy: ignore-errors - Python 2.7 has no annotations
"""The repository's pytest settings that change what a test means; the rest (reports, selections) is left out.

Read before any code of the task runs. They are handed to pytest in a file of ours, so no file in the work tree is
looked at by pytest itself. Limits: of ``addopts`` only :data:`OPTIONS` survive, and plugins that are not wanted (``-p no:NAME``);
those that are wanted would be code of the work tree in the process that judges it.
"""

import io
import os

try:
    import configparser
except ImportError:
    import ConfigParser as configparser

DROPPED = frozenset([
    "addopts", "testpaths", "filterwarnings", "cache_dir", "junit_family", "junit_suite_name", "junit_logging",
    "junit_log_passing_tests", "junit_duration_report", "log_cli", "log_cli_level", "log_file", "log_file_level",
    "minversion", "required_plugins", "norecursedirs", "console_output_style", "timeout", "timeout_method",
    "timeout_func_only", "faulthandler_timeout", "session_timeout", "confcutdir", "rootdir", "collect_ignore",
    "pythonpath", "strict", "strict_config", "strict_markers", "looponfailroots", "rsyncdirs", "pep8ignore",
    "pep8maxlinelength", "flakes-ignore", "flake8-ignore", "flake8-max-line-length", "mypy_plugins",
    "tmp_path_retention_policy", "tmp_path_retention_count", "enable_assertion_pass_hook", "empty_parameter_set_mark",
])  # fmt: skip
OPTIONS = ("--import-mode", "--asyncio-mode", "--ds", "--dc")


def _toml(path):
    for name in ("tomllib", "tomli", "toml"):
        try:
            module = __import__(name)
        except ImportError:
            continue
        with io.open(path, encoding="utf-8") as stream:
            tables = module.loads(stream.read())
        tool = tables.get("tool", {}).get("pytest", {})
        return tool.get("ini_options", tool) if tool else tables.get("pytest", {})
    return {}


def _ini(path, section):
    parser = configparser.RawConfigParser()
    with io.open(path, encoding="utf-8") as stream:
        read = getattr(parser, "read_file", None) or parser.readfp
        read(stream)
    return dict(parser.items(section)) if parser.has_section(section) else None


def read(root, modules=()):
    """``{"ini": {name: text}, "options": [argument], "pythonpath": [folder]}`` of the repository at ``root``.

    They are looked for as pytest does: in the folder that all ``modules`` share, then in those above it, up to ``root``.
    """
    folder = _shared([os.path.dirname(path) for path in modules])
    while True:
        found = _read_folder(os.path.join(root, folder))
        if found is not None or not folder:
            return _cleaned(found or {}, folder)
        folder = os.path.dirname(folder)


def _shared(folders):
    """The deepest folder above all, or nothing."""
    parts = [folder.split("/") for folder in folders] or [[]]
    shared = []
    for names in zip(*parts):
        if len(set(names)) > 1:
            break
        shared.append(names[0])
    return "/".join(shared).strip("/")


def _read_folder(folder):
    """The settings in one folder; None when it has none."""
    for name, section in (
        ("pytest.toml", None), (".pytest.toml", None), ("pytest.ini", "pytest"), (".pytest.ini", "pytest"),
        ("pyproject.toml", None), ("tox.ini", "pytest"), ("setup.cfg", "tool:pytest"), ("setup.cfg", "pytest"),
    ):  # fmt: skip
        path = os.path.join(folder, name)
        if not os.path.isfile(path):
            continue
        try:
            values = _ini(path, section) if section else _toml(path)
        except Exception:
            continue  # what pytest could not read either has no settings
        if values or (values is not None and name.endswith("pytest.ini")):
            return values
    return None


def _cleaned(found, folder):
    values = {}
    for name, value in found.items():
        if isinstance(value, (list, tuple)):
            value = "\n".join("%s" % part for part in value)  # noqa: PLW2901
        values[name] = "%s" % value
    options = []
    words = values.get("addopts", "").split()
    for word, following in zip(words, words[1:] + [""]):
        name, equals, _ = word.partition("=")
        if name in OPTIONS:
            options.append(word if equals else "%s=%s" % (word, following))
        elif following.startswith("no:") and word == "-p":
            options += [word, following]
        elif word.startswith("-pno:"):
            options.append(word)
    ini = {name: value for name, value in values.items() if name not in DROPPED}
    places = [os.path.join(folder, place) for place in values.get("pythonpath", "").split()]
    return {"ini": ini, "options": options, "pythonpath": places}


def render(ini):
    """The text of an ini file."""
    lines = ["[pytest]"]
    for name in sorted(ini):
        value = ini[name]
        if value in ("True", "False"):
            value = value.lower()
        lines.append("%s = %s" % (name, value.strip().replace("\n", "\n    ")))
    return "\n".join(lines) + "\n"
