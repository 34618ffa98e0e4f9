"""The words in which a model is asked for a statement, and asked what is wrong with one. All of them are our own."""

from __future__ import annotations

SYSTEM = """\
You write reports of problems in software, as a user of the software would who ran into one and looked no further. You are shown a \
commit that solved a problem, and how its tests fail without it. From that you know what the problem was; your reader must learn the \
problem, and nothing of the solution. Think first, briefly; then write the report between [ISSUE] and [/ISSUE]."""

_STYLE = """\
Two reports of other software, for their tone alone:

[ISSUE]
Reading a track that crosses midnight loses its last hour

I record runs that start late in the evening. When one goes on past midnight, `load("night.trk").duration` is shorter than it was:

    >>> load("night.trk").duration
    datetime.timedelta(seconds=5400)

The run took two and a half hours, so I expected 9000 seconds. Tracks that end before midnight are right.
[/ISSUE]

[ISSUE]
`merge` fails on an empty playlist

`merge(a, b)` raises `IndexError: list index out of range` when `b` has no songs. It should give back the songs of `a`. With `a` empty \
and `b` not, it works. By the way, `merge(a, b, unique=True)` should say `nothing to merge` when both are empty, as the command line does.
[/ISSUE]
"""

RUBRIC = {
    "leaks": "it reveals the change that solves the problem, or hints at where or how to make it; names, arguments, messages and values "
    "that the tests ask for are no hint",
    "tests": "it speaks of tests, test files or test frameworks",
    "unsolvable": "a name, message or value that the tests ask for stands neither in it nor in the repository, and follows from neither",
    "untrue": "the code or the failures contradict what it claims",
    "unnatural": "no user would write it so",
}
"""Fault → what it means; the order in which a judge is asked."""

JUDGE = """\
You check reports of problems in software before programmers get them. The programmer will see the report and the repository as it was \
before the change, and is judged by the tests, which he does not see. Answer with one line for each of these, the word, a colon, `yes` or `no`, and \
after a `yes` the reason in one sentence:

""" + "\n".join(f"{name}: yes when {meaning}" for name, meaning in RUBRIC.items())


def styled(brief: str) -> str:
    """What a writer is asked: the brief, and how reports sound."""
    return f"{brief}\n{_STYLE}"


def again(complaint: str) -> str:
    """What a writer is told when its report did not pass."""
    return (
        f"This report cannot be used: {complaint}. Write it anew, whole, between [ISSUE] and [/ISSUE], and mend that without "
        "breaking any of the other rules."
    )


def judged(statement: str, evidence: str) -> str:
    """What a judge is shown."""
    return (
        f"The report:\n\n[ISSUE]\n{statement.strip()}\n[/ISSUE]\n\nWhat is behind it, which the programmer does not see:\n\n"
        f"{evidence}\nAnswer with the {len(RUBRIC)} lines."
    )
