"""Any call reaches its tool byte for byte, whether a model makes it as a function call or writes it as XML."""

import json
import os
import random

from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue
from tests.tools.bench import Bench

from r2egym.records import ToolCall
from r2egym.sandboxes.base import SandboxConfig
from r2egym.sandboxes.memory import MemoryBackend
from r2egym.tools import R2EGYM, Toolset, Workplace, parse, render
from r2egym.tools.base import Parameter

PIECES = [
    "</parameter>", "</function>", "<parameter=", "<function=", "<parameter=path>", "<\\/parameter>", "\\", "<", ">",
    "\n", "\n", "\r\n", "\r", " ", "\t", "\0", "\x0b\x0c\x85\u2028", "'", '"', "{", "}", "```", "<tool_call>", "&lt;",
    "def f():\n    pass\n", "True", "12", "null", "é", "漢", "😀", "\ufeff", "\ufffd", "",
]  # fmt: skip

CALLS = int(os.environ.get("R2EGYM_TEST_CALLS", "2000"))
"""By hand: 10,000."""


def text(source: random.Random) -> str:
    """Some nasty text."""
    made = "".join(source.choice(PIECES) for _ in range(source.randrange(12)))
    points = [source.randrange(0x110000) for _ in range(source.randrange(4))]
    return made + "".join(chr(point) for point in points if not 0xD800 <= point < 0xE000)


def value(source: random.Random, parameter: Parameter) -> JsonValue:
    """A value of the parameter's kind."""
    if parameter.choices:
        return source.choice(parameter.choices)
    return {
        "string": text(source),
        "integer": source.randrange(-(10**6), 10**6),
        "boolean": source.random() < 0.5,
        "array": [source.randrange(-1, 999), source.randrange(-1, 999)],
    }[parameter.kind]


def any_call(source: random.Random, tools: Toolset) -> ToolCall:
    """A call of one of the tools with some of its parameters, in any order."""
    tool = source.choice([*tools])
    chosen = [each for each in tool.parameters if each.required or source.random() < 0.5]
    source.shuffle(chosen)
    return ToolCall(name=tool.name, arguments={each.name: value(source, each) for each in chosen})


def as_function_call(call: ToolCall) -> ToolCall:
    """Through a server's JSON and back."""
    wire = json.dumps({"name": call.name, "arguments": json.dumps(call.arguments)})
    data = json.loads(wire)
    return ToolCall(name=data["name"], arguments=json.loads(data["arguments"]), id="call_1")


def as_xml(call: ToolCall) -> ToolCall:
    """Through text and back."""
    parsed = parse(f"I do it.\n\n{render(call)}")
    assert parsed.call is not None
    assert (parsed.thought, parsed.repairs) == ("I do it.", ())
    return parsed.call


def test_random_calls() -> None:
    """Calls of all tools come back equal both ways, and ``create`` writes exactly the bytes given."""
    source = random.Random(7)
    for number in range(CALLS):
        call = any_call(source, R2EGYM)
        checked, repairs = R2EGYM.check(call)
        assert repairs == ()
        native, repairs = R2EGYM.check(as_function_call(call))
        assert repairs == ()
        written, repairs = R2EGYM.check(as_xml(call))
        assert repairs == ()
        assert native.arguments == written.arguments == checked.arguments == call.arguments
        reach(Bench(Workplace(MemoryBackend().open(SandboxConfig(cwd="/testbed")))), text(source), number)


def reach(bench: Bench, content: str, number: int) -> None:
    """Create two files, and look at their bytes."""
    for way, path in ((as_function_call, f"n{number}"), (as_xml, f"x{number}")):
        arguments: dict[str, JsonValue] = {"command": "create", "path": path, "file_text": content}
        result = R2EGYM.run(bench.workplace, way(ToolCall(name="file_editor", arguments=arguments)))
        assert result.ok, result.output
        assert bench.get(path) == content.encode()


def test_a_hundred_real_calls(real: Bench) -> None:
    """In a real sandbox too, and a program inside sees the same bytes."""
    source = random.Random(8)
    for number in range(100):
        reach(real, text(source), number)
    content = text(random.Random(9)) + "'\"\n$HOME`x`\\"
    assert real.edit("create", "last", file_text=content).ok
    seen = real.bash("od -An -v -tx1 last").output
    assert bytes.fromhex(seen.replace(" ", "").replace("\n", "")) == content.encode()


@given(
    st.lists(st.one_of(st.sampled_from(PIECES), st.text(st.characters(exclude_categories=["Cs"])))).map(
        "".join
    ),
    st.text(st.characters(exclude_categories=["Cs"])),
)
def test_any_strings(old: str, new: str) -> None:
    """A replacement's two strings arrive as they were said."""
    arguments: dict[str, JsonValue] = {"command": "str_replace", "path": "a", "old_str": old, "new_str": new}
    call = ToolCall(name="file_editor", arguments=arguments)
    assert R2EGYM.check(as_xml(call))[0].arguments == arguments
    assert R2EGYM.check(as_function_call(call))[0].arguments == arguments


@given(st.text(st.characters(exclude_categories=["Cs"])).filter(bool), st.data())
def test_replacing_is_what_it_says(content: str, data: st.DataObject) -> None:
    """A part that is there once is replaced, any other left alone, and undo brings the bytes back."""
    start = data.draw(st.integers(0, len(content) - 1))
    old = content[start : data.draw(st.integers(start + 1, len(content)))]
    bench = Bench(Workplace(MemoryBackend().open(SandboxConfig(cwd="/testbed"))))
    bench.put(content.encode())
    result = bench.edit("str_replace", old_str=old, new_str="<>")
    places = [at for at in range(len(content)) if content.startswith(old, at)]
    assert result.ok == (len(places) == 1)
    made = content.replace(old, "<>") if result.ok else content
    assert bench.get() == made.encode()
    bench.edit("undo_edit")
    assert bench.get() == content.encode()
