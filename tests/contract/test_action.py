"""Calls and what comes of them, in their published forms."""

import pytest

from r2egym.agenthub import CMD_TIMEOUT, CONTINUE_MSG, SUPPORTED_REPOS
from r2egym.agenthub.action import Action
from r2egym.agenthub.action.action import Action as Same
from r2egym.agenthub.observation import Observation

TEXT = """I look.
<function=file_editor>
  <parameter=command>view</parameter>
  <parameter=path>./a b.py</parameter>
  <parameter=concise>True</parameter>
</function>"""


def test_from_a_text():
    """Name and parameters, whatever stands before; both import paths are one class."""
    action = Action.from_string(TEXT)
    assert action.to_dict() == {
        "function": "file_editor",
        "parameters": {"command": "view", "path": "./a b.py", "concise": "True"},
    }
    assert action.to_xml_string() == str(action) == TEXT.partition("\n")[2]
    assert Action.from_string(str(action)) == action
    assert Same is Action


@pytest.mark.parametrize(
    ("action", "line"),
    [
        (Action.from_string(TEXT), "file_editor view --path './a b.py' --concise True"),
        (Action("execute_bash", {"command": "it's", "n": 3}), "execute_bash 'it'\"'\"'s' --n 3"),
        (Action("finish", {"command": "submit"}), "echo '<<<Finished>>>'"),
        (Action.from_string("I only talk."), ""),
    ],
)
def test_as_a_command_line(action: Action, line: str):
    """The command first, then every other parameter with its value quoted."""
    assert action.to_bashcmd() == line


@pytest.mark.parametrize("value", ["a\nb\n", "</parameter>", "  x  ", "", "\n\nx\n\n", "<function=f>"])
def test_every_value_survives(value: str):
    """Values come back as they went in."""
    assert Action.from_string(str(Action("f", {"a": value}))).parameters == {"a": value}


def test_observations():
    """Commands tell their code and are cut in the middle; no call is told how to go on."""
    bash = Action("execute_bash", {"cmd": "x"})
    assert str(Observation("hi\n", "0", bash)) == "Exit code: 0\nExecution output of [execute_bash]:\nhi\n"
    assert str(Observation("no", "Error: Exit code 2", bash)).startswith("Exit code: 2\n")
    assert str(Observation("x", "0", Action("search", {}))) == "Execution output of [search]:\nx"
    assert str(Observation("x", "0", Action("finish", {}))) == "<<< Finished >>>"
    assert str(Observation("", "0", Action("", {}))) == CONTINUE_MSG
    shown = str(Observation("\n".join(map(str, range(100))), "0", bash, num_lines=3)).splitlines()[2:]
    assert (shown[:3], shown[-3:], len(shown)) == (["0", "1", "2"], ["97", "98", "99"], 7)


def test_constants():
    """What published code imports from the package itself."""
    assert len(SUPPORTED_REPOS) == len(set(SUPPORTED_REPOS)) == 11
    assert CMD_TIMEOUT > 0
