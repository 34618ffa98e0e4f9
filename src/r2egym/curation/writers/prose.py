"""A commit message, read for what it says about the problem rather than about the change."""

from __future__ import annotations

import re

_PREFIX = re.compile(
    r"^(?:\[[^\]]{1,30}\]\s*|(?:bug|bugfix|fix|feat|feature|perf|refactor|chore|enh|bug fix|hotfix|wip)"
    r"(?:\([^)]*\))?!?:\s+|[A-Z]{2,6}:\s+|[A-Z]{2,10}-\d+:?\s+)",
    re.IGNORECASE,
)
_ISSUE = re.compile(
    r"""\s*[,;:(\[-]*\s*
    (?:\b(?:fix(?:e[sd])?|close[sd]?|resolve[sd]?|refs?|re|see|issue|bug|pr|pull\ request|gh|for|in|merge[sd]?)\b[\s:]*)*
    (?:\#|gh-|GH-)\d+(?:\s*(?:,|and|&)\s*(?:\#|gh-)\d+)*\s*[)\]]*""",
    re.IGNORECASE | re.VERBOSE,
)
_LOOSE = re.compile(r" ([.,;:!?)])")
_LINK = re.compile(r"\bhttps?://\S+")
_FIX = re.compile(
    r"^(?:fix(?:e[sd]|ing)?|correct(?:s|ed|ing)?|repair(?:s|ed)?|resolve[sd]?|solve[sd]?)\b[:\s]+",
    re.IGNORECASE,
)
_AREA = re.compile(r"^([\w./-]+): (?:fix(?:e[sd]|ing)?|correct(?:s|ed)?)\b (.+)$", re.IGNORECASE)
_FILLER = re.compile(
    r"^(?:up|for|the|an?|issues? (?:with|where|when|in)|problems? (?:with|where|when|in)|that)\s+",
    re.IGNORECASE,
)
_SYMPTOM = re.compile(
    r"\b(?:crash\w*|bugs?|errors?|fail\w*|regressions?|leaks?|exceptions?|race|deadlock|loops?|hangs?|broken|br[eo]ke\w*|"
    r"wrong\w*|incorrect\w*|invalid|missing|lost|ignor\w+|traceback|\w+Error|overflow|inconsisten\w+|raises?|raising|raised|"
    r"not|never|cannot|can't|doesn't|don't|issues?|problems?|warnings?|off-by-one|corrupt\w*|silently|unexpected\w*|"
    r"collaps\w+|wrapping|mangl\w+|nontermination|infinite|mismatch|disagree\w*|divides? by zero|los(?:es|ing)|drops?|typos?|"
    r"but|although|though|however|instead of raising|no longer|previously|blindly|hardcodes?)\b",
    re.IGNORECASE,
)
_ABOUT_THE_CHANGE = re.compile(
    r"^(?:this|the) (?:commit|patch|change|pr|fix|function|method|class)\b|^(?:now|instead|also|thus|so|then|use[sd]?|"
    r"using|add(?:s|ed|ing)?|chang(?:es?|ed|ing)|mov(?:es?|ed|ing)|renam(?:es?|ed|ing)|remov(?:es?|ed|ing)|"
    r"refactor\w*|replac(?:es?|ed|ing)|switch\w*|rewr\w+|rework\w*|simplif\w+|clean\w*|mak(?:es?|ing)|made|introduc\w+|"
    r"implement\w*|updat\w+|tweak\w*|extract\w*|convert\w*|drop\w*|delet\w+|swap\w*|set|bump\w*|wrap\w*|return)\b",
    re.IGNORECASE,
)
_ABOUT_THE_CODE = re.compile(
    r"^(?:use[sd]?|using|mov(?:es?|ed|ing)|renam(?:es?|ed|ing)|refactor\w*|replac(?:es?|ed|ing)|switch\w*|rewr\w+|rework\w*|"
    r"simplif\w+|clean\w*|updat\w+|tweak\w*|extract\w*|drop\w*|delet\w+|remov\w+|swap\w*|bump\w*|chang(?:es?|ed|ing))\b",
    re.IGNORECASE,
)
_HOW = re.compile(
    r"\bby (?:\w+ing)\b|\b(?:instead of|rather than|so (?:add|use|that)|in this fix|followups?|now|this also|untouched|"
    r"unchanged|unaffected|preserved|fixed|correct the|compare the|deliberate)\b",
    re.IGNORECASE,
)
_TO_DO = re.compile(r"^(.{3,60}?) to (?!(?:\w+ing|a|an|the|text|\w+s)\b)([a-z]+ .+)$")
_RELEASE = re.compile(
    r"\bversion \d|\brelease\b|^v?\d+\.\d+|^and\b|\b(?:code )?review\b|\bpyupgrade\b", re.IGNORECASE
)
_TESTING = re.compile(
    r"\b(?:tests?|tested|testing|unittests?|pytest|coverage|changelog|docs?|docstrings?|lint|ci)\b",
    re.IGNORECASE,
)
_NO_TITLE = re.compile(f"{_TESTING.pattern}|{_RELEASE.pattern}", re.IGNORECASE)
_TRAILER = re.compile(
    r"^[A-Z][A-Za-z-]+(?:-[Bb]y|-[Ii]d|-[Ll]ink)?: |^(?:git-svn-id|cherry picked)|^\(cherry picked",
    re.IGNORECASE,
)
_MERGE = re.compile(r"^merge (?:pull request|branch|remote|tag|commit)\b", re.IGNORECASE)
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z`'\"(])")
_SHORTEST_TITLE = 8
_LONGEST_TITLE = 100
_FEWEST_WORDS = 2
_LONGEST_SUBJECT = 7
"""Words of a phrase that can be followed by "does not work as it should"."""


def title_of(message: str) -> str | None:
    """A title from a commit's subject: no issue numbers, no "fix", the symptom where it names one.

    None when the subject says nothing that a reader of the problem could use (a merge, "fix tests", "wip"), or tells how
    the fix was made rather than what was wrong.
    """
    subject = subject_of(message)
    if subject is None:
        return None
    text = _clean(subject).strip(" .,:;-")
    while (match := _PREFIX.match(text)) and match.end() < len(text):
        text = text[match.end() :]
    if area := _AREA.match(text):
        text = f"{area[1]}: {area[2]}"
    fix = _FIX.match(text)
    text = _HOW.split(text[fix.end() :] if fix else text)[0].strip(" .,:;-")
    if fix:
        while filler := _FILLER.match(text):
            text = text[filler.end() :]
        text = _as_symptom(text)
    elif _ABOUT_THE_CODE.match(text):
        return None
    if len(text) < _SHORTEST_TITLE or len(text.split()) < _FEWEST_WORDS or _NO_TITLE.search(text):
        return None
    return _cut(_capital(text))


def subject_of(message: str) -> str | None:
    """The line that says most: the first one, or for a merge the first sentence of its body."""
    paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", message.strip())]
    first = message.strip().partition("\n")[0].strip()
    if _MERGE.match(first):
        rest = paragraphs[0][len(first) :].strip() or (paragraphs[1] if len(paragraphs) > 1 else "")
        first = _SENTENCE.split(rest)[0]
    return first or None


def problem_sentences(message: str) -> tuple[str, ...]:
    """Sentences of the message's body that tell of the problem: none about the change, tests, issues or people."""
    subject = subject_of(message) or ""
    body = message.strip().partition("\n")[2]
    kept: list[str] = []
    for paragraph in body.split("\n\n"):
        lines = [line.strip() for line in paragraph.splitlines()]
        if not any(lines) or any(_TRAILER.match(line) or line.startswith(("*", "-", "#")) for line in lines):
            continue
        for sentence in _SENTENCE.split(" ".join(line for line in lines if line)):
            text = _clean(sentence)
            about_change = _ABOUT_THE_CHANGE.match(text) or _HOW.search(text) or _TESTING.search(text)
            whole = text.count("(") == text.count(")") and not text.endswith(":")
            whole = whole and sentence.strip() != subject
            if whole and not about_change and _SYMPTOM.search(text) and len(text.split()) > _FEWEST_WORDS:
                kept.append(text if text[-1] in ".!?" else text + ".")
    return tuple(kept)


def _clean(text: str) -> str:
    """Without numbers of issues and links, which say nothing to a reader without a network."""
    return _LOOSE.sub(r"\1", " ".join(_LINK.sub(" ", _ISSUE.sub(" ", text)).split()))


def _as_symptom(text: str) -> str:
    """What was fixed, said as what is wrong, where English allows it."""
    if _SYMPTOM.search(text):
        return text
    match = _TO_DO.match(text)
    if match:
        return f"{match[1]} should {match[2]}"
    return f"{text} does not work as it should" if len(text.split()) <= _LONGEST_SUBJECT else text


def _cut(text: str) -> str:
    """Within the longest title, ending with a word."""
    return (
        text
        if len(text) <= _LONGEST_TITLE
        else text[:_LONGEST_TITLE].rsplit(" ", 1)[0].rstrip(" ,;:(-") + "…"
    )


def _capital(text: str) -> str:
    """First letter upper case, unless the first word is a name of code."""
    first = text.split(" ", 1)[0]
    return text if not first.isalpha() or not first.islower() else text[0].upper() + text[1:]
