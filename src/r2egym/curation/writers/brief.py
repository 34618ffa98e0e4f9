"""The brief: all evidence in one text, as a model's writer is given it, and as the published column ``prompt`` keeps it.

It holds the gold diff. No agent may ever see it.
"""

from __future__ import annotations

from collections.abc import Iterator

from r2egym.curation.evidence import Evidence
from r2egym.curation.writers.claims import untold_texts
from r2egym.curation.writers.interface import new_names
from r2egym.curation.writers.mended import about_the_fix, code_of

_MOST_TESTS = 3
_RULES = """\
Describe the problem that this commit solved as the person would who ran into it, before anybody knew the cause.

- Say what was done, what came out, and what should have come out, with a short natural example where one helps.
- Tell everything that the tests ask for and that nobody could guess: names, arguments, messages, formats, limits. What the tests ask for
  is never a hint; where and how it is made is one.
- Do not reveal or hint at the change that mends it, and quote no line of it.
- Claim nothing that the code or the failures contradict.
- Do not mention tests, test frameworks, or the commit; write no assertions.
- Put the report between [ISSUE] and [/ISSUE]."""


def brief(evidence: Evidence) -> str:
    """What a writer is asked: the rules, and the evidence."""
    return f"{_RULES}\n\n{shown(evidence)}"


def shown(evidence: Evidence) -> str:
    """The evidence as text."""
    return "\n\n".join(f"## {title}\n\n{text.rstrip()}" for title, text in _parts(evidence) if text) + "\n"


def _parts(evidence: Evidence) -> Iterator[tuple[str, str]]:
    about = about_the_fix(evidence)
    added = set(evidence.test_patch.splitlines())
    told = any(failure.message for failure in about[:_MOST_TESTS])
    yield "Commit", f"{evidence.commit}\n\n{evidence.message.strip()}"
    yield "Change to the source", evidence.patch
    yield "Change to the tests", evidence.test_patch
    yield "Names that callers use, and that there were not before", "\n".join(new_names(evidence))
    yield (
        "Texts that the tests ask for, and that stand nowhere else",
        "\n".join(map(repr, untold_texts("", evidence))),
    )
    yield "Tests that the change mends", "\n".join(failure.test for failure in evidence.failures)
    yield "End of the test run before the change", "" if told else evidence.base_output
    for failure in about[:_MOST_TESTS]:
        code = code_of(evidence, failure)
        if all(f"+{line}" in added for line in code.splitlines()):
            code = ""  # it stands in the diff
        text = f"{code}\n\nHow it fails before the change:\n\n{failure.message}" if code else failure.message
        yield failure.test, text
