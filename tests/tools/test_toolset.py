"""What is made from the tools' definitions."""

import json

import pytest
from tests.tools.bench import Bench

from r2egym.errors import SandboxClosedError, UsageError
from r2egym.records import ToolCall
from r2egym.tools import R2EGYM, SWEAGENT, TESTING, Toolset, Workplace


def test_names() -> None:
    """The sets hold the published tools."""
    assert R2EGYM.names == TESTING.names == ("file_editor", "search", "execute_bash", "finish")
    assert SWEAGENT.names == ("str_replace_editor", "execute_bash", "submit")
    assert len(R2EGYM) == 4
    assert "search" in R2EGYM
    assert R2EGYM["search"].name == "search"


def test_schemas() -> None:
    """Schemas are JSON of the function-calling form, every parameter described and every required one known."""
    for schema in json.loads(json.dumps([*R2EGYM.schemas(), *SWEAGENT.schemas()])):
        assert schema["type"] == "function"
        function = schema["function"]
        properties = function["parameters"]["properties"]
        assert set(function["parameters"]["required"]) <= set(properties)
        assert all(each["description"] for each in properties.values())
    editor = R2EGYM["file_editor"].schema()["function"]
    assert isinstance(editor, dict)
    assert '"view_range": {"type": "array"' in json.dumps(editor)
    assert '"enum": ["view", "create", "str_replace", "insert", "undo_edit"]' in json.dumps(editor)


def test_manual() -> None:
    """The prompt's text names every tool and parameter, and shows the form."""
    text = R2EGYM.manual()
    for tool in R2EGYM:
        assert f"## {tool.name}\n" in text
        assert all(f"- {each.name} (" in text for each in tool.parameters)
    assert "<function=TOOL>\n  <parameter=NAME>VALUE</parameter>" in text


def test_two_of_one_name() -> None:
    """A set cannot have two tools of one name."""
    with pytest.raises(UsageError):
        Toolset([R2EGYM["search"], R2EGYM["search"]])


def test_a_bad_call_is_a_result(memory: Bench) -> None:
    """What the agent did wrong is an observation."""
    assert memory.call("browser").ok is False
    broken = R2EGYM.run(memory.workplace, ToolCall(name="finish", broken="no brace"))
    assert (broken.ok, broken.done) == (False, False)


def test_a_broken_sandbox_is_an_exception(memory: Bench) -> None:
    """The machinery's failure is no observation."""
    memory.workplace.sandbox.close()
    for name, arguments in (
        ("file_editor", {"command": "view", "path": "a"}),
        ("execute_bash", {"cmd": "ls"}),
    ):
        with pytest.raises(SandboxClosedError):
            R2EGYM.run(memory.workplace, ToolCall(name=name, arguments=dict(arguments)))


def test_finish(memory: Bench) -> None:
    """The last call hands in a result."""
    result = memory.call("finish", command="submit", result="all done")
    assert (result.done, result.result) == (True, "all done")
    other = Bench(memory.workplace, SWEAGENT)
    assert other.call("submit").done


def test_workplaces_share_no_memory(memory: Bench) -> None:
    """Each has a history of its own."""
    assert Workplace(memory.workplace.sandbox).memory is not memory.workplace.memory
