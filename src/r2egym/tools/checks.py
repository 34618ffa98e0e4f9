"""Makes a model's call one that a tool can be run with, or says what is wrong with it.

Values come as text (XML) or as JSON of a nearby type, and names nearly right. What can only mean one thing is mended and
named by a phrase; that XML carries every value as text is no fault, so reading a number from text is named for native
calls (those with an ``id``) only. Nothing is guessed about the content of strings.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

from pydantic import JsonValue

from r2egym.records import ToolCall
from r2egym.tools.base import BadCallError, Parameter, Tool
from r2egym.tools.text import as_text, join_surrogates, short

_TRUE, _FALSE = ("true", "yes", "1"), ("false", "no", "0")
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_COMMAND = "command"


def check(tools: Mapping[str, Tool], call: ToolCall) -> tuple[ToolCall, tuple[str, ...]]:
    """The call as one of these tools takes it, and what was mended. Raises BadCallError."""
    if call.broken:
        raise BadCallError(f"The call was not run, because it cannot be read: {call.broken}")
    repairs: list[str] = []
    tool, given = _tool(tools, call, repairs)
    named = _named(tool, given, repairs)
    arguments: dict[str, JsonValue] = {}
    for parameter in tool.parameters:
        value = named.get(parameter.name)
        if value is not None:
            arguments[parameter.name] = _value(parameter, value, repairs, native=bool(call.id))
    missing = [each.name for each in tool.parameters if each.required and each.name not in arguments]
    if missing:
        raise BadCallError(f"{tool.name} was not run: it needs {', '.join(missing)}. {usage(tool)}")
    made = call.model_copy(update={"name": tool.name, "arguments": arguments})
    return made, tuple(dict.fromkeys(repairs))


def usage(tool: Tool) -> str:
    """One line: the tool's parameters."""
    parts = [each.name if each.required else f"[{each.name}]" for each in tool.parameters]
    return f"Its parameters: {', '.join(parts)}."


# --- names ------------------------------------------------------------------------------------------------------


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def _tool(tools: Mapping[str, Tool], call: ToolCall, repairs: list[str]) -> tuple[Tool, dict[str, JsonValue]]:
    """The tool that is meant, and the arguments given."""
    given = dict(call.arguments)
    if call.name in tools:
        return tools[call.name], given
    wanted = _plain(re.sub(r"^(functions?|tools?|default_api)[.:/]", "", call.name.strip()))
    for tool in tools.values():
        if wanted in {_plain(tool.name), *map(_plain, tool.aliases)}:
            repairs.append(f"tool {short(call.name)} taken for {tool.name}")
            return tool, given
    for tool in tools.values():  # a command of a tool, called as if it were one
        commands = next((each.choices for each in tool.parameters if each.name == _COMMAND), ())
        if wanted in commands and given.get(_COMMAND, wanted) == wanted:
            repairs.append(f"tool {short(call.name)} taken for {tool.name} with command={wanted}")
            return tool, {_COMMAND: wanted, **given}
    raise BadCallError(f"There is no tool called {short(call.name)}. There are: {', '.join(tools)}.")


def _named(tool: Tool, given: Mapping[str, JsonValue], repairs: list[str]) -> dict[str, JsonValue]:
    """The arguments under the names that the tool has for them."""
    known = {each.name for each in tool.parameters}
    found: dict[str, JsonValue] = {
        name: value for name, value in given.items() if name in known and value is not None
    }
    unknown = []
    for name, value in given.items():
        if name in known:
            if value is None:
                repairs.append(f"{name} left out, since it is null")
            continue
        meant = _meant(tool, name)
        if meant is None or meant in found:
            unknown.append(name)
            continue
        repairs.append(f"parameter {short(name)} taken for {meant}")
        if value is not None:
            found[meant] = value
    if unknown:
        names = ", ".join(map(short, unknown))
        raise BadCallError(f"{tool.name} was not run: it has no parameter {names}. {usage(tool)}")
    return found


def _meant(tool: Tool, name: str) -> str | None:
    wanted = _plain(name)
    return next(
        (each.name for each in tool.parameters if wanted in {_plain(each.name), *map(_plain, each.aliases)}),
        None,
    )


# --- values -----------------------------------------------------------------------------------------------------


def _value(parameter: Parameter, value: JsonValue, repairs: list[str], *, native: bool) -> JsonValue:
    """The value as the parameter's kind. Raises BadCallError."""
    made, fault = _KINDS[parameter.kind](value)
    if made is None:
        expected = {"integer": "an integer", "boolean": "True or False", "array": "a list of integers"}
        raise BadCallError(
            f"{parameter.name} has to be {expected[parameter.kind]}, and {short(as_text(value))} is none."
        )
    if fault and (native or not isinstance(value, str) or parameter.kind == "string"):
        repairs.append(f"{parameter.name}: {fault}")
    if parameter.choices and isinstance(made, str) and made not in parameter.choices:
        tidy = _plain(made)
        if tidy not in parameter.choices:
            raise BadCallError(
                f"{parameter.name} has to be one of {', '.join(parameter.choices)}, not {short(made)}."
            )
        repairs.append(f"{parameter.name}: {short(made)} taken for {tidy}")
        return tidy
    return made


_Read = tuple[JsonValue, str]
"""A value, None when it is none of the kind, and what was mended to get it."""


def _string(value: JsonValue) -> _Read:
    if not isinstance(value, str):
        kind = {bool: "a boolean", int: "a number", float: "a number", list: "a list"}.get(
            type(value), "an object"
        )
        return join_surrogates(as_text(value))[0], f"{kind} taken as text"
    text, joined = join_surrogates(value)
    return text, "unpaired surrogates replaced" if joined else ""


def _integer(value: JsonValue) -> _Read:
    if isinstance(value, int) and not isinstance(value, bool):
        return value, ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1 << 53:
        return int(value), "a fraction taken as an integer"
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        return int(value), "text taken as an integer"
    return None, ""


def _boolean(value: JsonValue) -> _Read:
    if isinstance(value, bool):
        return value, ""
    word = as_text(value).strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE, "text or number taken as a boolean"
    return None, ""


def _array(value: JsonValue) -> _Read:
    fault = ""
    if isinstance(value, str):
        fault = "text taken as a list"
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            if not isinstance(value, str):
                return None, ""
            value = [part for part in re.split(r"[\s,;:()\[\]]+", value) if part]
    if not isinstance(value, list) or not value:
        return None, ""
    items = [_integer(item) for item in value]
    if any(item is None for item, _ in items):
        return None, ""
    return [item for item, _ in items], fault or next((mended for _, mended in items if mended), "")


_KINDS: Mapping[str, Callable[[JsonValue], _Read]] = {
    "string": _string,
    "integer": _integer,
    "boolean": _boolean,
    "array": _array,
}
