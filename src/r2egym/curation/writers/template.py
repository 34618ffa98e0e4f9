"""The writer that needs no model: an honest report from the commit message and from how the tests fail without the fix.

It says what it knows and no more: a title, what the commit's author wrote about the problem, what happens now, what is
expected, an example when a test can be read as one, and the new names that callers use. Whatever part would give away a
line of the fix or name a hidden test is left out.
"""

from __future__ import annotations

from r2egym.curation.evidence import Evidence
from r2egym.curation.writers.base import Statement
from r2egym.curation.writers.examples import find_examples
from r2egym.curation.writers.interface import module_of, new_names
from r2egym.curation.writers.leaks import find_leaks
from r2egym.curation.writers.prose import problem_sentences, title_of
from r2egym.curation.writers.symptoms import Symptom, read_symptom

_MOST_SYMPTOMS = 4
_MOST_SENTENCES = 6
_MOST_NAMES = 12
_LONGEST_TITLE = 80


class TemplateWriter:
    """See the module. Deterministic: equal evidence gives equal text."""

    name = "template"

    def write(self, evidence: Evidence) -> Statement:
        """See Writer."""
        return Statement(text=self._text(evidence), source=self.name)

    def close(self) -> None:
        """There is nothing to give back."""

    def _text(self, evidence: Evidence) -> str:
        names = new_names(evidence)
        new = frozenset(name.partition("(")[0].rsplit(".", 1)[-1] for name in names)
        examples = tuple(text for text in find_examples(evidence, new) if not find_leaks(text, evidence))
        symptoms = _symptoms(evidence, new, shown=bool(examples))
        parts = [
            _title(evidence, symptoms),
            _told_by_author(evidence),
            _section("What happens", [symptom.now for symptom in symptoms]),
            _section("What is expected", [symptom.expected for symptom in symptoms if symptom.expected]),
            _code_section("For example" if len(examples) == 1 else "Examples", examples),
            _interface(names, evidence),
        ]
        if not symptoms and not examples:
            parts.insert(2, f"{_where(evidence)} does not do this yet.")
        return "\n\n".join(part for part in parts if part) + "\n"


def _title(evidence: Evidence, symptoms: tuple[Symptom, ...]) -> str:
    title = title_of(evidence.message)
    if title is not None and not find_leaks(title, evidence):
        return title
    where = _where(evidence)
    if symptoms and symptoms[0].weight and len(symptoms[0].now) <= _LONGEST_TITLE:
        return f"{where}: {symptoms[0].now.rstrip('.')}"
    return f"{where} does not behave as it should"


def _where(evidence: Evidence) -> str:
    """The module that the problem is in, as its users write it."""
    paths = sorted(evidence.fix_files)
    if len(paths) != 1:
        return evidence.repo
    return f"`{module_of(paths[0])}`"


def _told_by_author(evidence: Evidence) -> str:
    sentences = (s for s in problem_sentences(evidence.message) if not find_leaks(s, evidence))
    return " ".join(list(sentences)[:_MOST_SENTENCES])


def _symptoms(evidence: Evidence, new: frozenset[str], *, shown: bool) -> tuple[Symptom, ...]:
    """The distinct ones, those that say most first; those that say little only when no example shows them."""
    found: dict[str, Symptom] = {}
    for failure in evidence.failures:
        symptom = read_symptom(failure, new)
        if (
            symptom is None
            or (shown and not symptom.weight)
            or find_leaks(f"{symptom.now} {symptom.expected}", evidence)
        ):
            continue
        found.setdefault(symptom.now, symptom)
    ranked = sorted(found.values(), key=lambda symptom: -symptom.weight)
    return tuple(ranked[:_MOST_SYMPTOMS])


def _section(heading: str, sentences: list[str]) -> str:
    distinct = list(dict.fromkeys(sentences))
    if not distinct:
        return ""
    lines = distinct if len(distinct) == 1 else [f"- {sentence}" for sentence in distinct]
    return f"### {heading}\n\n" + "\n".join(lines)


def _code_section(heading: str, snippets: tuple[str, ...]) -> str:
    if not snippets:
        return ""
    return f"### {heading}\n\n" + "\n\n".join(f"```python\n{snippet}\n```" for snippet in snippets)


def _interface(names: tuple[str, ...], evidence: Evidence) -> str:
    told = [name for name in names if not find_leaks(name, evidence)][:_MOST_NAMES]
    if not told:
        return ""
    return "### Interface\n\nCallers use these names:\n\n" + "\n".join(f"- `{name}`" for name in told)
