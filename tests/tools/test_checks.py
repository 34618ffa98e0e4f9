"""What is mended in a call, and what is refused with a useful word."""

import pytest
from pydantic import JsonValue

from r2egym.records import ToolCall
from r2egym.tools import R2EGYM, SWEAGENT, BadCallError, Toolset


def check(
    name: str, arguments: dict[str, JsonValue], tools: Toolset = R2EGYM, call_id: str = ""
) -> tuple[str, dict[str, JsonValue], tuple[str, ...]]:
    """A checked call in parts; checking it again must change nothing."""
    call, repairs = tools.check(ToolCall(name=name, arguments=arguments, id=call_id))
    assert tools.check(call) == (call, ())
    return call.name, call.arguments, repairs


VIEW: dict[str, JsonValue] = {"command": "view", "path": "a"}


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ({"view_range": "[1, 2]"}, {"view_range": [1, 2]}),
        ({"view_range": "1, -1"}, {"view_range": [1, -1]}),
        ({"view_range": ["1", 2.0]}, {"view_range": [1, 2]}),
        ({"insert_line": " 12\n"}, {"insert_line": 12}),
        ({"insert_line": 12.0}, {"insert_line": 12}),
        ({"concise": "True"}, {"concise": True}),
        ({"concise": "false"}, {"concise": False}),
        ({"concise": 1}, {"concise": True}),
        ({"old_str": 12}, {"old_str": "12"}),
        ({"old_str": True}, {"old_str": "True"}),
        ({"old_str": ["é"]}, {"old_str": '["é"]'}),
        ({"old_str": None}, {}),
        ({"old_str": "\ud83d\ude00 \ud800"}, {"old_str": "😀 \ufffd"}),
    ],
)
def test_values(given: dict[str, JsonValue], value: dict[str, JsonValue]) -> None:
    """Values become what the tool declares, and for a native call that is named."""
    _, arguments, repairs = check("file_editor", {**VIEW, **given}, call_id="1")
    assert arguments == {**VIEW, **value}
    assert len(repairs) == 1


def test_text_is_how_xml_carries_values() -> None:
    """A number written as text is no fault where there is nothing but text."""
    assert check("file_editor", {**VIEW, "view_range": "[1, 2]", "concise": "True"})[2] == ()


@pytest.mark.parametrize(
    "given",
    [
        {"insert_line": "twelve"},
        {"insert_line": True},
        {"insert_line": 1.5},
        {"insert_line": "9" * 9_999},
        {"concise": "maybe"},
        {"view_range": "all"},
        {"view_range": "[" * 99_999},
        {"view_range": {"a": 1}},
        {"view_range": []},
        {"command": "delete"},
        {"command": 1},
    ],
)
def test_values_that_are_none(given: dict[str, JsonValue]) -> None:
    """The message names the parameter and what it has to be."""
    with pytest.raises(BadCallError, match=f"{next(iter(given))} has to be") as caught:
        check("file_editor", {**VIEW, **given})
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("name", "given", "meant"),
    [
        ("file-editor", VIEW, ("file_editor", VIEW)),
        ("File_Editor", VIEW, ("file_editor", VIEW)),
        ("functions.file_editor", VIEW, ("file_editor", VIEW)),
        ("str_replace_editor", VIEW, ("file_editor", VIEW)),
        ("view", {"path": "a"}, ("file_editor", VIEW)),
        ("bash", {"command": "ls"}, ("execute_bash", {"cmd": "ls"})),
        ("execute_bash", {"Cmd": "ls"}, ("execute_bash", {"cmd": "ls"})),
        ("submit", {}, ("finish", {"command": "submit"})),
        ("finish", {"command": "Submit"}, ("finish", {"command": "submit"})),
        ("grep", {"pattern": "x", "directory": "."}, ("search", {"search_term": "x", "path": "."})),
        ("file_editor", {**VIEW, "content": "x"}, ("file_editor", {**VIEW, "file_text": "x"})),
    ],
)
def test_names(name: str, given: dict[str, JsonValue], meant: tuple[str, dict[str, JsonValue]]) -> None:
    """Names that are nearly right are taken for what they mean, and that is named."""
    found, arguments, repairs = check(name, given)
    assert (found, arguments) == meant
    assert repairs


def test_the_other_set() -> None:
    """Each set takes the other's names for its own."""
    assert check("file_editor", VIEW, SWEAGENT)[0] == "str_replace_editor"
    assert check("finish", {}, SWEAGENT)[0] == "submit"


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("browser", {}, "There are: file_editor, search, execute_bash, finish"),
        ("", {}, "no tool called ''"),
        ("file_editor", {"command": "view"}, "needs path"),
        ("execute_bash", {"cmd": None}, "needs cmd"),
        ("execute_bash", {"cmd": "ls", "sudo": True}, "no parameter 'sudo'"),
        ("execute_bash", {"cmd": "ls", "command": "ls"}, "no parameter 'command'"),
    ],
)
def test_refusals(name: str, given: dict[str, JsonValue], said: str) -> None:
    """The message tells what there is and what is needed."""
    with pytest.raises(BadCallError, match=said):
        check(name, given)


def test_broken_calls() -> None:
    """A call that could not be read is refused with the reason."""
    with pytest.raises(BadCallError, match="half a brace"):
        R2EGYM.check(ToolCall(name="finish", broken="half a brace"))
