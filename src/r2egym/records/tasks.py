"""Commits, environments, and the task that is made of them."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field, JsonValue

from r2egym.records.base import Record

SCHEMA_VERSION = 4
"""Version of a task row. A reader refuses a newer one with one clear line, and reads older ones."""


class Commit(Record):
    """One commit, as its object says."""

    hash: str
    """40 hex digits."""
    parents: tuple[str, ...]
    tree: str
    author_time: int
    """Seconds since 1970, UTC."""
    committer_time: int
    """Seconds since 1970, UTC. Dependencies are resolved as of this moment."""
    author_offset: int
    """The author's offset from UTC, minutes."""
    message: str
    """Decoded as the commit declares, with replacement."""


class Recipe(Record):
    """How a repository at some commit is set up and tested. Per-repository knowledge is data of this shape."""

    python: str
    """Interpreter version, ``MAJOR.MINOR``."""
    requirements: tuple[str, ...] = ()
    """What is asked for (PEP 508), before it is resolved: run-time and test dependencies."""
    constraints: tuple[str, ...] = ()
    """Versions (``name==version``) that a lock file of the project pins; they bind only what is asked for."""
    runner: Literal["pytest", "unittest"] = "pytest"
    """What runs its tests."""
    install: Literal["editable", "path", "none"] = "path"
    """``editable``: the project's own build runs; ``path``: pure Python, put on the path; ``none``: nothing to do."""
    source_roots: tuple[str, ...] = (".",)
    """Folders, relative to the repository's root, from which its packages are imported."""
    projects: tuple[str, ...] = (".",)
    """Folders, relative to the repository's root, of the projects that are installed by path."""
    packages: tuple[str, ...] = ()
    """Import names that the project provides; importing them decides whether a build counts."""
    test_arguments: tuple[str, ...] = ()
    """Further arguments for the runner."""
    writable_source: bool = False
    """Whether its tests write into the source tree, so that grading gives them a scratch copy of it."""
    environment: dict[str, str] = {}
    """Environment variables that its tests need."""
    origin: str = "discovered"
    """Where this recipe comes from: the files it was read from, or the recipe file."""


class Environment(Record):
    """Everything needed to rebuild the machine a task runs on. No path of this machine, no address of an index."""

    repository: str
    """URL of the repository, or ``repos/NAME.bundle`` beside the dataset."""
    recipe: Recipe
    as_of: str
    """Date (RFC 3339, UTC) after which no package existed for the resolver."""
    lock: tuple[str, ...]
    """Resolved requirements, sorted: ``name==version --hash=sha256:…``, one string each."""
    index: str = "default"
    """``default``: the index that pip or uv is configured with; ``index``: the wheels in ``index/`` beside the dataset."""


class HiddenFile(Record):
    """One file that the graders put in place and an agent never sees."""

    path: str
    """Relative to the repository's root, ``/`` between parts."""
    content: str
    """Its text, or base64 when ``encoding`` says so."""
    encoding: Literal["utf-8", "base64"] = "utf-8"
    executable: bool = False


class HiddenTests(Record):
    """The tests of the fix commit."""

    files: tuple[HiddenFile, ...]
    """Test modules and what they need (helpers, data, ``conftest.py``) where it differs from the base commit."""
    deleted: tuple[str, ...] = ()
    """Test-side paths of the base commit that the fix removed."""
    modules: tuple[str, ...] = ()
    """Paths of the test modules that are run."""
    twinless: tuple[str, ...] = ()
    """Ids of test functions (no parameters) that get no twins, since one of theirs was seen to hang."""


Strength = Literal["strong", "polarity", "none"]
"""How an answer is withheld from what is tested. ``strong``: a value that nothing in the sandbox tells and that is not one
of a few; ``polarity``: one of a few (a truth value, a class of exceptions, part of a text, a small number); ``none``."""


class Calibration(Record):
    """What a sealed run of the gold patch hands out, time after time. A place is a number of the compiled tests' table."""

    digest: str
    """Identity of that table, 16 hex digits: another version of the compiler may number places in another way, and then
    graders calibrate anew."""
    tests: dict[str, tuple[str, ...]]
    """Test id → places at which gold's values are right; tests that a sealed run cannot follow are absent."""
    agreed: dict[str, dict[str, tuple[str, ...]]] = {}
    """Test id → place where two values of the project are compared, one by code that the fix leaves alone → digests of
    what that code says."""
    names: dict[str, str] = {}
    """Test id → its id in a sealed run, where that is another: a parameter that is withheld is not in it."""


class Mutation(Record):
    """What hidden tests make of small faults that were put into the gold patch."""

    mutants: int
    """Faults tried; not all that there could be."""
    killed: int
    """Those that some test noticed."""
    unknown: int = 0
    """Those on which the machinery failed."""
    survivors: tuple[str, ...] = ()
    """Those that no test noticed, one line each, twenty at most; some of them change nothing that can be seen."""
    score: float | None = None
    """Killed ones among those that were judged; None: there was none."""


class Validation(Record):
    """What was proved of a task, and on what. Absent proofs are None, never assumed."""

    gold: float | None = None
    """Score of the gold patch: 1.0."""
    empty: float | None = None
    """Score of the empty patch: 0.0."""
    runs: int = 0
    """Fresh runs a side that agreed."""
    flaky: tuple[str, ...] = ()
    """Test ids that did not agree with themselves; in neither F2P nor P2P."""
    flake: dict[str, float] = {}
    """Flaky test id → share of its runs, both sides together, that differ from what that side mostly said."""
    unsupported: tuple[str, ...] = ()
    """Test ids that pass when run plainly but not when graded (they ask for their own name, say); left out too."""
    twinned: tuple[str, ...] | None = None
    """F2P tests of which a twin is seen to fail on gold, so that a forged pass of them can be noticed; None in rows of
    versions that did not look. Another F2P test has no twin, or none that proves anything."""
    census: dict[str, int] = {}
    """Objects in the environment's ``.git``, and how many of them the base does not reach: ``objects``, ``foreign``."""
    attacks: dict[str, float] = {}
    """Attack (or composite, names joined by ``+``) → score it got."""
    alarms: tuple[str, ...] = ()
    """Attacks that raised ``tampering``."""
    imports_source: bool | None = None
    """Whether the tests import the source under ``/testbed`` rather than an installed copy."""
    patience: float | None = Field(default=None, exclude_if=lambda seconds: seconds is None)
    """Wall seconds after which a test of it hangs, whoever grades; None in rows of versions that did not say."""
    seal: dict[str, Strength] = {}
    """F2P test id → how strongly its answer is withheld; empty until a sealed run has calibrated it."""
    sites: Calibration | None = Field(default=None, exclude_if=lambda sites: sites is None)
    """What sealed runs are held against; None until one has calibrated it."""
    forgeable: bool | None = Field(default=None, exclude_if=lambda forgeable: forgeable is None)
    """Whether no F2P test is ``strong``; None until a sealed run has calibrated it."""
    mutation: Mutation | None = None
    """How many small faults of the gold patch the hidden tests notice; None: nobody looked."""
    tests_by: str = ""
    """The model that wrote the hidden tests; empty: people did."""
    generation: dict[str, JsonValue] = {}
    """How it came to them: tries, complaints, tokens, cost."""
    fingerprints: dict[str, str] = {}
    """``system``, ``interpreter`` and ``tool`` versions on which this was proved."""


class TestStatus(StrEnum):
    """What became of one test."""

    __test__ = False

    PASSED = "PASSED"
    FAILED = "FAILED"
    ERROR = "ERROR"
    SKIPPED = "SKIPPED"
    XFAIL = "XFAIL"
    XPASS = "XPASS"
    MISSING = "MISSING"
    """Expected, and never reported."""


class Size(Record):
    """How large a fix is, and how far it is spread. All but the tests' numbers are about the gold patch."""

    files: int
    """Files that it touches, of any kind; a rename is one."""
    hunks: int
    """Runs of lines as ``git diff`` prints them, with three lines of context; binary files have none."""
    added: int
    """Lines with a plus."""
    removed: int
    """Lines with a minus."""
    entities: int
    """Distinct top-level functions and classes of Python files that it adds, changes or deletes; a method counts as its
    class."""
    directories: int
    """Distinct folders of those files, as they are named after it; the root is one."""
    widest_gap: int
    """Most lines of the base between two neighbouring hunks of one file; 0 where no file has two."""
    fail_to_pass: int
    """Number of tests."""
    pass_to_pass: int
    """Number of tests."""


class Task(Record):
    """One software-engineering task: a row of a dataset, in our words."""

    instance_id: str
    """``repo__<12 hex of the fix>``."""
    repo: str
    """Short name of the repository."""
    base_commit: str
    """40 hex digits: what the agent starts from."""
    fix_commit: str
    """40 hex digits: what a person did about it."""
    tests_commit: str | None = None
    """40 hex digits: the later commit that brought the tests of the fix; None when the fix itself did."""
    patch: str
    """Gold patch: the fix without its tests, as ``git diff`` prints it."""
    test_patch: str
    """The tests of the fix, likewise."""
    fail_to_pass: tuple[str, ...]
    """Test ids (``path::Class::name[params]``) that must go from not passing to passing."""
    pass_to_pass: tuple[str, ...]
    """Test ids that pass on both sides."""
    base_statuses: dict[str, TestStatus] = {}
    """Status of every stable test before the gold patch."""
    gold_statuses: dict[str, TestStatus] = {}
    """Status of every stable test after it; the published reward compares with this."""
    environment: Environment
    hidden_tests: HiddenTests
    validation: Validation = Validation()
    problem_statement: str = ""
    issue_source: str = "template"
    """Who wrote the statement: ``template``, ``human``, or a model's name."""
    issue_provenance: dict[str, JsonValue] = {}
    """How a model came to the statement: its name, tries, complaints, judgement, tokens, cost, and why it fell back to the
    template, if it did. Empty where no model had a part in it."""
    size: Size | None = None
    """None in rows of versions that did not measure it."""
    duplicate_of: str | None = None
    """``instance_id`` of an earlier task of the same dataset whose gold patch is nearly the same."""
    swebench: bool | None = None
    """Whether SWE-bench has tasks of the same repository; None in rows of versions that did not look."""
    published: dict[str, JsonValue] = {}
    """The published columns that are not derived from the fields above (FACTS of the row: diffs, logs, entities)."""
    schema_version: int = SCHEMA_VERSION
