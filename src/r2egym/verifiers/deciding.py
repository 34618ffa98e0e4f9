"""Reading YES or NO out of an answer, and how likely each was where it was decided.

The deciding token is the one that holds the first letter of the verdict, however the tokenizer splits: ``YES``, `` YES``, ``Y``
of ``Y`` + ``ES``, or ``>YES``. Of the likely tokens in that place, all that begin the same verdict count for it, whatever blanks,
quotes or marks of a tokenizer come before it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from r2egym.records import TokenLogprob

Word = Literal["YES", "NO"]

_TAG = re.compile(r"<\s*judge?ment\s*>", re.IGNORECASE)
_NEXT = re.compile(r"[^A-Za-z]*(?:(YES|NO)(?![A-Za-z])|(YE|Y|N)$)", re.IGNORECASE)
_ALONE = re.compile(r"(?<![A-Za-z])(YES|NO)(?![A-Za-z])")
_LETTER = re.compile(r"[A-Za-z]")
_LETTERS = re.compile(r"[A-Za-z]*")
_NOT_LETTERS = re.compile(r"[^A-Za-z]*")


class Found(NamedTuple):
    """A verdict in a text."""

    word: Word
    place: int
    """Of its first letter."""


class Decision(NamedTuple):
    """What was likely in the deciding place."""

    yes: float
    """Probability of all tokens that begin YES."""
    no: float
    token: str

    @property
    def score(self) -> float | None:
        """P(YES) / (P(YES) + P(NO)); None: neither was seen."""
        seen = self.yes + self.no
        return self.yes / seen if seen > 0.0 else None


def find(text: str) -> Found | None:
    """The verdict of an answer: after its last tag, else its first word, else the last YES or NO in capitals."""
    tags = list(_TAG.finditer(text))
    if (match := _NEXT.match(text, tags[-1].end() if tags else 0)) is not None:
        group = 1 if match[1] else 2
        return Found(_word(match[group]), match.start(group))
    alone = list(_ALONE.finditer(text))
    if alone and not tags:
        return Found(_word(alone[-1][1]), alone[-1].start(1))
    return None


def decide(tokens: Sequence[TokenLogprob]) -> Decision | None:
    """The decision, from an answer's log probabilities; None: it has no verdict."""
    found = find("".join(token.token for token in tokens))
    if found is None:
        return None
    start = 0
    for token in tokens:
        if start <= found.place < start + len(token.token):
            return _weigh(token, token.token[: found.place - start])
        start += len(token.token)
    return None


def _weigh(token: TokenLogprob, before: str) -> Decision:
    """Add up what was likely.

    ``before`` stands in the token ahead of the verdict: where it has letters, as the end of a tag does, only tokens that begin
    with it are about the verdict.
    """
    chances = {"YES": 0.0, "NO": 0.0}
    for text, logprob in {**token.top, token.token: token.logprob}.items():
        if text.startswith(before):
            tail = text[len(before) :]
        elif not _LETTER.search(before):
            tail = text
        else:
            continue
        word = _begun(tail)
        if word is not None and not math.isnan(logprob):
            chances[word] += math.exp(min(logprob, 0.0))
    return Decision(chances["YES"], chances["NO"], token.token)


def _begun(text: str) -> Word | None:
    """The verdict that a token begins."""
    rest = _NOT_LETTERS.sub("", text, count=1)
    match = _LETTERS.match(rest)
    letters = match[0].upper() if match else ""
    if not letters:
        return None
    if "YES".startswith(letters):
        return "YES"
    return "NO" if "NO".startswith(letters) else None


def _word(letters: str) -> Word:
    return "YES" if letters.upper().startswith("Y") else "NO"
