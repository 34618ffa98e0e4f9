"""Calls as XML text: exact both ways, and forgiving on the way in."""

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from r2egym.records import ToolCall
from r2egym.tools import parse, render

MARKS = [
    "</parameter>",
    "</function>",
    "<parameter=",
    "<function=",
    "<parameter=a>",
    "<\\/parameter>",
    "\\",
    "<",
]
VALUES = st.lists(
    st.one_of(
        st.sampled_from([*MARKS, "\n", "\r\n", " ", "```", "<tool_call>"]),
        st.text(st.characters(exclude_categories=["Cs"])),
    )
).map("".join)


def one(text: str) -> dict[str, JsonValue]:
    """The arguments of the call in a text."""
    call = parse(text).call
    assert call is not None
    return call.arguments


@given(thought=st.sampled_from(["", "I think.", "a\n\nb"]), values=st.lists(VALUES, max_size=4))
def test_strings_come_back_exactly(thought: str, values: list[str]) -> None:
    """Whatever strings a call holds, its text leads back to it without a repair."""
    call = ToolCall(name="file_editor", arguments={f"p{n}": value for n, value in enumerate(values)})
    parsed = parse(f"{thought}\n\n{render(call)}\nand so on </parameter></function><function=x>")
    assert parsed.call == call
    assert parsed.thought == thought
    assert parsed.repairs == ()


def test_form() -> None:
    """The published form, character by character."""
    call = ToolCall(name="search", arguments={"search_term": "x", "n": 1, "list": [1, 2], "flag": True})
    assert render(call) == (
        "<function=search>\n  <parameter=search_term>x</parameter>\n  <parameter=n>1</parameter>\n"
        "  <parameter=list>[1, 2]</parameter>\n  <parameter=flag>True</parameter>\n</function>"
    )


def test_null_is_left_out() -> None:
    """A null has no text."""
    assert one(render(ToolCall(name="x", arguments={"a": None, "b": ""}))) == {"b": ""}


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ("\na\n", "a"),
        ("\n\na\n\n", "\na\n"),
        ("\na", "\na"),
        ("a\n", "a\n"),
        ("\n", "\n"),
        ("\n\n", ""),
        ("", ""),
    ],
)
def test_blocks(body: str, value: str) -> None:
    """One newline goes at each end, when there is one at both."""
    assert one(f"<function=x>\n<parameter=a>{body}</parameter>\n</function>") == {"a": value}


@pytest.mark.parametrize(
    ("text", "arguments", "repair"),
    [
        ("<function=x>\n<parameter=a>1</parameter>\n", {"a": "1"}, "missing </function>"),
        ("<function=x>\n<parameter=a>1\n</function>", {"a": "1"}, "missing </parameter> of a"),
        ("<function=x>\n<parameter=a>1", {"a": "1"}, "missing </parameter> of a"),
        (
            "<function=x>\n<parameter=a>1\n<parameter=b>2</parameter>\n</function>",
            {"a": "1", "b": "2"},
            "missing </parameter> of a",
        ),
        (
            "<function=x>\n<parameter=a>1</function>\n<function=y>\n<parameter=b>2</parameter></function>",
            {"a": "1"},
            "missing </parameter> of a",
        ),
        (
            "<function = x >\n<parameter=a>1</parameter></function>",
            {"a": "1"},
            "spaces or quotes in <function=…>",
        ),
        (
            '<function="x"><parameter=a>1</parameter></function>',
            {"a": "1"},
            "spaces or quotes in <function=…>",
        ),
        (
            "<function=x><parameter = 'a'>1</parameter></function>",
            {"a": "1"},
            "spaces or quotes in <parameter=…>",
        ),
        (
            "<function=x>\r\n  <parameter=a>1\r\n2</parameter>\r\n</function>\r\n",
            {"a": "1\n2"},
            "CRLF line ends",
        ),
        (
            "```xml\n<function=x><parameter=a>1</parameter></function>\n```",
            {"a": "1"},
            "call in a code fence",
        ),
        (
            "<tool_call>\n<function=x>\n<parameter=a>1</parameter>\n</function>\n</tool_call>",
            {"a": "1"},
            "call wrapped in <tool_call>",
        ),
        (
            '<tool_call>\n{"name": "x", "arguments": {"a": 1}}\n</tool_call>',
            {"a": 1},
            "call in JSON rather than XML",
        ),
        (
            '<tool_call>{"name": "x", "arguments": "{\\"a\\": 1}"}',
            {"a": 1},
            "call in JSON rather than XML",
        ),
        (
            "<function=x>\nso:\n<parameter=a>1</parameter></function>",
            {"a": "1"},
            "text between parameters left out",
        ),
        (
            "<function=x><parameter=a>1</parameter><parameter=a>2</parameter></function>",
            {"a": "2"},
            "a given twice, the last one taken",
        ),
        (
            "<function=x><parameter=a>\ud800</parameter></function>",
            {"a": "\ufffd"},
            "unpaired surrogates replaced",
        ),
    ],
)
def test_repairs(text: str, arguments: dict[str, JsonValue], repair: str) -> None:
    """What is nearly right is mended, and the repair has a name."""
    parsed = parse(f"Let me see.\n{text}")
    assert parsed.call is not None
    assert (parsed.call.name, parsed.call.arguments) == ("x", arguments)
    assert repair in parsed.repairs
    assert parsed.thought == "Let me see."


def test_only_the_first_call_counts() -> None:
    """A second call is not read, and the thought ends at the first."""
    first = ToolCall(name="x", arguments={"a": "1"})
    parsed = parse(f"go\n{render(first)}\n{render(ToolCall(name='y'))}")
    assert (parsed.thought, parsed.call) == ("go", first)


def test_a_call_that_is_talked_about() -> None:
    """A tag in the thought that a call follows is part of the thought."""
    parsed = parse("I use <function=search> now:\n<function=x>\n<parameter=a>1</parameter>\n</function>")
    assert parsed.call == ToolCall(name="x", arguments={"a": "1"})
    assert parsed.thought == "I use <function=search> now:"


def test_a_thought_with_a_fence_of_its_own() -> None:
    """A code block that ends before the call stays in the thought."""
    parsed = parse("```python\nx\n```\n<function=x>\n</function>")
    assert parsed.thought == "```python\nx\n```"
    assert parsed.repairs == ()


@pytest.mark.parametrize(
    "text", ["", "just words", "<function", "<function=>", "a < b", "<parameter=a>1</parameter>"]
)
def test_no_call(text: str) -> None:
    """Without a call all is thought."""
    assert (parse(text).call, parse(text).thought) == (None, text)


@pytest.mark.parametrize(
    "text",
    ["{bad", "{}", '{"name": 1}', '{"name": "x", "arguments": [1]}', '{"name": "x", "arguments": "{"}'],
)
def test_broken_json(text: str) -> None:
    """JSON that is no call comes back as a broken one, which says why."""
    call = parse(f"<tool_call>{text}</tool_call>").call
    assert call is not None
    assert call.broken


@given(st.lists(st.sampled_from([*'<>/=\\\n `{}"', "<function=x>", "<tool_call>", *MARKS])).map("".join))
def test_never_raises(text: str) -> None:
    """Any text can be parsed, and the record of it is JSON."""
    json.loads(parse(text).model_dump_json())


@pytest.mark.parametrize(
    "filler", ["\n", " ", "\n ", "\\", "<", "<\\", "<function=", "<parameter=", "<function ", "```\n"]
)
def test_long_answers_take_no_time(filler: str) -> None:
    """No run of any character makes the parser slow: what is quadratic takes minutes. The best of three, as others work here."""
    value = filler * (200_000 // len(filler))

    def seconds() -> float:
        before = os.times().user
        assert one(render(ToolCall(name="x", arguments={"a": value}))) == {"a": value}
        parse(f"{value}<function=x><parameter=a>{value}</parameter></function>")
        parse(f"<function=x><parameter=a>{value}")
        return os.times().user - before

    assert any(seconds() < 3 for _ in range(3))
