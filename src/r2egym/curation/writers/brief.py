"""The brief: all evidence in one text, as a model's writer is given it, and as the published column ``prompt`` keeps it.

It holds the gold diff. No agent may ever see it.
"""

from __future__ import annotations

import ast

from r2egym.curation.evidence import Evidence
from r2egym.mining.syntax import parse_python

_MOST_TESTS = 3
_RULES = """\
Describe the problem that this commit solved as the person would who ran into it, before anybody knew the cause.

- Say what was done, what came out, and what should have come out, with a short natural example where one helps.
- Tell everything that the tests ask for and that nobody could guess: names, messages, formats, limits.
- Do not reveal or hint at the change that mends it, and quote no line of it.
- Do not mention tests, test frameworks, or the commit; write no assertions.
- Put the report between [ISSUE] and [/ISSUE]."""


def brief(evidence: Evidence) -> str:
    """The evidence as text."""
    names = [failure.test for failure in evidence.failures]
    parts = [
        ("Commit", f"{evidence.commit}\n\n{evidence.message.strip()}"),
        ("Change to the source", evidence.patch),
        ("Change to the tests", evidence.test_patch),
        ("End of the test run before the change", evidence.base_output),
        ("End of the test run after the change", evidence.fix_output),
        ("Tests that the change mends", "\n".join(names)),
        *_tests(evidence),
    ]
    return _RULES + "".join(f"\n\n## {title}\n\n{text.rstrip()}" for title, text in parts) + "\n"


def _tests(evidence: Evidence) -> list[tuple[str, str]]:
    """Code and failure of the first few tests; of a method, its whole class."""
    parts = []
    for failure in evidence.failures[:_MOST_TESTS]:
        path, *names = failure.test.split("::")
        code = _code(evidence.test_files.get(path, ""), names[0].partition("[")[0] if names else "")
        text = f"{code}\n\nHow it fails before the change:\n\n{failure.message}" if code else failure.message
        parts.append((failure.test, text))
    return parts


def _code(source: str, name: str) -> str:
    try:
        body = parse_python(source).body
    except (SyntaxError, ValueError, RecursionError):
        return ""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name == name:
            return ast.get_source_segment(source, node) or ""
    return ""
