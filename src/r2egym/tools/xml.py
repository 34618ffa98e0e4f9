r"""Calls as XML text, the form that models without native calls write.

::

    <function=NAME>
      <parameter=KEY>VALUE</parameter>
    </function>

The thought is what stands before the first call; only that one counts. A value is verbatim, with two rules that make every
string survive: where it begins and ends with a newline, one of each is dropped (models write blocks so), and in
``</parameter>``, ``</function>``, ``<parameter=`` and ``<function=`` a backslash stands after ``<`` (``<\/parameter>``; one
that was there gains one). It is no XML otherwise: ``&lt;`` is four characters. What a model gets nearly right is
mended, and each repair has a name.
"""

from __future__ import annotations

import json
import re

from pydantic import JsonValue

from r2egym.records import Record, ToolCall
from r2egym.tools.text import as_text, join_surrogates

_MARKS = r"(/parameter>|/function>|parameter=|function=)"
_ESCAPE = re.compile(rf"<(\\*){_MARKS}")
_UNESCAPE = re.compile(rf"<\\(\\*){_MARKS}")
_NAME = r"""\s*=\s*["']?([^\s<>"'=]+)["']?\s*>"""
_FUNCTION = re.compile(r"<function" + _NAME)
_PARAMETER = re.compile(r"<parameter" + _NAME)
_NEXT = re.compile(rf"(?P<end></function\s*>)|(?P<other>{_FUNCTION.pattern})|(?P<open>{_PARAMETER.pattern})")
_CLOSE = "</parameter>"
_LOST_CLOSE = re.compile(r"\n[ \t]*<parameter=[^\s<>]+>")
_JSON_CALL = re.compile(r"<tool_call>\s*(?=\{)")
_FENCE = re.compile(r"^[ \t]*(?:```|~~~).*$", re.MULTILINE)


class Parsed(Record):
    """An answer in parts."""

    thought: str
    """What stands before the call, or all of it when there is none."""
    call: ToolCall | None = None
    repairs: tuple[str, ...] = ()


def render(call: ToolCall) -> str:
    """The call as text. Values that are not strings are JSON, booleans ``True`` and ``False``; null ones are left out."""
    lines = [f"<function={call.name}>"]
    for name, value in call.arguments.items():
        if value is not None:
            lines.append(f"  <parameter={name}>{_wrapped(value)}</parameter>")
    return "\n".join([*lines, "</function>"])


def _wrapped(value: JsonValue) -> str:
    text = _ESCAPE.sub(r"<\\\1\2", as_text(value))
    return f"\n{text}\n" if _is_block(text) else text


def _is_block(text: str) -> bool:
    return len(text) > 1 and text[0] == text[-1] == "\n"


def parse(text: str) -> Parsed:
    """Thought and first call of an answer. Never raises; a call in JSON that cannot be read comes back ``broken``."""
    text, joined = join_surrogates(text)
    repairs = ["unpaired surrogates replaced"] if joined else []
    start = _first_call(text)
    if start is None:
        return _parse_json(text, repairs)
    if text.startswith("\r\n", start.end()):
        text = text.replace("\r\n", "\n")
        start = _first_call(text) or start
        repairs.append("CRLF line ends")
    if start[0] != f"<function={start[1]}>":
        repairs.append("spaces or quotes in <function=…>")
    thought = _before(text[: start.start()], repairs)
    arguments = _arguments(text, start.end(), repairs)
    call = ToolCall(name=start[1], arguments=arguments)
    return Parsed(thought=thought, call=call, repairs=tuple(dict.fromkeys(repairs)))


def _first_call(text: str) -> re.Match[str] | None:
    """Where the first call begins; a tag that another one follows is only talked about."""
    start = _FUNCTION.search(text)
    while start and (tag := _NEXT.search(text, start.end())) and tag["other"]:
        start = _FUNCTION.match(text, tag.start())
    return start


def _before(text: str, repairs: list[str]) -> str:
    """The thought, without what was only there to wrap the call."""
    text = text.rstrip()
    if text.endswith("<tool_call>"):
        text = text.removesuffix("<tool_call>").rstrip()
        repairs.append("call wrapped in <tool_call>")
    fences = list(_FENCE.finditer(text))
    if len(fences) % 2 and fences[-1].end() == len(text):  # an open one, which nothing but the call is in
        text = text[: fences[-1].start()]
        repairs.append("call in a code fence")
    return text.strip()


def _arguments(text: str, at: int, repairs: list[str]) -> dict[str, JsonValue]:
    found: dict[str, JsonValue] = {}
    while True:
        tag = _NEXT.search(text, at)
        if text[at : tag.start() if tag else len(text)].strip() and (tag and not tag["other"]):
            repairs.append("text between parameters left out")
        if tag is None or tag["other"]:
            repairs.append("missing </function>")
            return found
        if tag["end"]:
            return found
        opening = _PARAMETER.match(text, tag.start())
        name = opening[1] if opening else ""
        if tag[0] != f"<parameter={name}>":
            repairs.append("spaces or quotes in <parameter=…>")
        if name in found:
            repairs.append(f"{name} given twice, the last one taken")
        found[name], at = _value(text, tag.end(), name, repairs)


def _value(text: str, start: int, name: str, repairs: list[str]) -> tuple[str, int]:
    """A parameter's value and where the text goes on after it."""
    close = text.find(_CLOSE, start)
    end = close if close >= 0 else len(text)
    # A closing tag belongs to the opening one before it; a rendered value has none inside.
    opening = _LOST_CLOSE.search(text, start, end)
    if opening is None and close >= 0:
        return _plain(text[start:end]), end + len(_CLOSE)
    repairs.append(f"missing </parameter> of {name}")
    lost = text.find("</function>", start, opening.start() if opening else end)
    end = lost if lost >= 0 else opening.start() if opening else end
    value = text[start:end]
    return _plain(value if value.startswith("\n") else value.rstrip()), end


def _plain(value: str) -> str:
    return _UNESCAPE.sub(r"<\1\2", value[1:-1] if _is_block(value) else value)


# --- calls in JSON ----------------------------------------------------------------------------------------------


def _parse_json(text: str, repairs: list[str]) -> Parsed:
    """An answer in the other common form: ``<tool_call>{"name": …, "arguments": {…}}</tool_call>``."""
    start = _JSON_CALL.search(text)
    if start is None:
        return Parsed(thought=text.strip(), repairs=tuple(repairs))
    repairs.append("call in JSON rather than XML")
    thought = _before(text[: start.start()], repairs)
    try:
        data, _ = json.JSONDecoder(strict=False).raw_decode(text, start.end())
        call = json_call(data)
    except (ValueError, RecursionError) as error:
        reason = str(error) or "nested too deeply"
        call = ToolCall(name="", broken=f"what stands in <tool_call> is not JSON: {reason}")
    return Parsed(thought=thought, call=call, repairs=tuple(dict.fromkeys(repairs)))


def json_call(data: JsonValue) -> ToolCall:
    """The call that a JSON object with ``name`` and ``arguments`` describes; a ``broken`` one when it does not."""
    name = data.get("name") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(name, str):
        return ToolCall(name="", broken="a call is an object with name and arguments")
    given = data.get("arguments", data.get("parameters", {}))
    if isinstance(given, str):
        try:
            given = json.loads(given or "{}", strict=False)
        except (ValueError, RecursionError) as error:
            return ToolCall(name=name, broken=f"its arguments are not JSON: {error}")
    if not isinstance(given, dict):
        return ToolCall(name=name, broken="its arguments are not an object")
    return ToolCall(name=name, arguments=given)
