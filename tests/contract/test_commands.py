"""Files of commands: this package's own stand for tools, a user's run in the box."""

import inspect
from pathlib import Path

import pytest

from r2egym.agenthub.action import Action
from r2egym.agenthub.agent.agent import Agent, AgentArgs
from r2egym.agenthub.agent.commands import ParseCommandBash
from r2egym.agenthub.environment.env import RepoEnv
from r2egym.agenthub.environment.scripts import HOST_SIDE, host_side, read_commands
from r2egym.agenthub.tools import (
    bash_execute_tool,
    file_editor,
    finish_tool,
    search_tool,
    str_replace_editor_tool,
    submit_tool,
)
from r2egym.errors import UsageError
from r2egym.llm import ScriptedModel
from r2egym.tools import R2EGYM

FILES = Path(inspect.getfile(ParseCommandBash)).parent.parent
SHOUT = """#!/usr/bin/env python3
'''Say it loud.

1. **word** (`string`, required): What to say.
'''
import sys
print(" ".join(sys.argv[1:]).upper())
"""
GREET = """# @yaml
# signature: greet NAME
# docstring: Greets.
# arguments:
#   name:
#     type: string
#     description: whom
#     required: true
greet() {
    echo "hello $2"
}

plain() {
    echo plain
}
"""


def test_schemas_are_the_tools():
    """What published code imports is what our tools say of themselves."""
    found = [file_editor, search_tool, bash_execute_tool, finish_tool]
    assert found == list(R2EGYM.schemas())
    assert str_replace_editor_tool["function"]["name"] == "str_replace_editor"
    assert submit_tool["function"]["name"] == "submit"


@pytest.mark.parametrize("path", sorted(FILES.glob("tools/**/*.py")), ids=lambda path: path.stem)
def test_files_stand_for_tools(path: Path):
    """Each is recognised, wherever it is copied, and its docstring names every parameter of its tool."""
    if path.name == "__init__.py":
        return
    tool = host_side(path)
    assert tool is HOST_SIDE[path.stem]
    (command,) = ParseCommandBash().parse_command_file(path)
    assert command.name == tool.name
    words = " ".join((command.docstring or "").split())
    for parameter in tool.parameters:
        need = "required" if parameter.required else "optional"
        assert (
            f"**{parameter.name}** (`{parameter.kind}`, {need}): {' '.join(parameter.description.split())}"
            in words
        )
    assert " ".join(tool.description.split())[:40] in words


def test_a_path_that_is_not_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """The YAML's relative paths work from any folder; another file that is not there does not."""
    monkeypatch.chdir(tmp_path)
    names = ["./src/r2egym/agenthub/tools/finish.py", "src/r2egym/agenthub/tools/r2egym/file_editor.py"]
    assert read_commands(names).names == ("finish", "file_editor")
    for wrong in ("./agenthub/tools/nothing.py", "mine.py"):
        with pytest.raises(UsageError, match="no such file"):
            read_commands([wrong])


def test_what_a_file_says(tmp_path: Path):
    """Docstrings of scripts, @yaml blocks of functions, and clear words about everything else."""
    parse = ParseCommandBash().parse_command_file
    (tmp_path / "shout.py").write_text(SHOUT)
    (tmp_path / "greet.sh").write_text(GREET)
    (shout,) = parse(tmp_path / "shout.py")
    assert (shout.name, shout.signature, shout.code) == ("shout", "shout", SHOUT)
    assert (shout.docstring or "").startswith("Say it loud.")
    greet, plain = parse(str(tmp_path / "greet.sh"))
    assert (greet.name, greet.signature, greet.docstring) == ("greet", "greet NAME", "Greets.")
    assert (plain.name, plain.signature, plain.docstring) == ("plain", "plain", None)
    assert ParseCommandBash().generate_command_docs([greet, plain]) == "greet NAME - Greets.\n"
    (tmp_path / "b.py").write_text("print(1)\n")
    (tmp_path / "c.py").write_text("#!/bin/sh\n")
    (tmp_path / "d.sh").write_text("# @yaml\n# docstring: [\nf() {\n}\n")
    for name, why in (
        ("a", "cannot be read"),
        ("b.py", "begins with #!"),
        ("c.py", "no command"),
        ("d.sh", "not YAML"),
    ):
        with pytest.raises(UsageError, match=why):
            parse(tmp_path / name)


def test_a_users_commands_in_the_box(hub: RepoEnv, tmp_path: Path):
    """Installed, called, sourced, there again after a reset, and part of no patch; an agent calls them too."""
    (tmp_path / "shout.py").write_text(SHOUT)
    (tmp_path / "greet.sh").write_text(GREET)
    own = [tmp_path / "shout.py", tmp_path / "greet.sh"]
    hub.add_commands([*own, FILES / "tools/finish.py"])
    assert [one.name for one in hub.commands] == ["shout", "greet", "plain", "finish"]
    for _ in range(2):
        assert hub.run_action(Action("shout", {"word": "it's"}))[:2] == ("--WORD IT'S\n", "0")
        assert hub.run_action(Action("greet", {"name": "you"}), timeout=9)[:2] == ("hello you\n", "0")
        hub.reset()
    assert hub.run_action(Action("execute_bash", {"cmd": "true"}))[1] == "-1"
    assert hub.runtime.get_patch() == ""
    assert not Path("/usr/local/bin/shout").exists()
    args = AgentArgs("{command_docs}", "{problem_statement}", [*own, FILES / "tools/finish.py"], "none")
    turns = [str(Action("shout", {"word": "a"})), str(Action("finish", {"command": "submit"}))]
    model = ScriptedModel([f"I go on.\n{turn}" for turn in turns])
    said = Agent("EditAgent", args, model=model).run(hub, use_fn_calling=False)
    assert [step.observation for step in said.trajectory_steps] == [
        "Execution output of [shout]:\n--WORD A\n",
        "<<< Finished >>>",
    ]
    assert "Say it loud." in model.requests[0].messages[0].content
