"""The attack corpus: what agents, repositories and addresses may hold, and what no page does with it."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from tests.viewer.corpus import PATCH, a_task, broken_sandbox, step, trajectory, write_run

from r2egym.errors import UsageError
from r2egym.records import HiddenFile, HiddenTests, Message, TestStatus, ToolCall
from r2egym.tasks import write_dataset
from r2egym.viewer import Catalogue, find_sources, write_attempt, write_overview
from r2egym.viewer.attempt_pages import TABS
from r2egym.viewer.sources import RunSource
from r2egym.viewer.web import POLICY, create_app, is_own_host

PAYLOADS = {
    "script": "<script>alert(1)</script>",
    "image": "<img src=x onerror=alert(1)>",
    "end of a text": "</pre></textarea></title></style></script><svg/onload=alert(1)>",
    "end of an attribute": '"\' onmouseover=alert(1) autofocus onfocus=alert(1) x="',
    "address": "javascript:alert(1)//http://evil.example/",
    "link": "[x](javascript:alert(1)) ![x](http://evil.example/x.png) <http://evil.example>",
    "template": "{{ 7*7 }}{% include '/etc/passwd' %}${7*7}#{7*7}",
    "comment": "<!-- --!><img src=x onerror=alert(1)> --> <![CDATA[<script>alert(1)</script>]]>",
    "frame": "<iframe src=http://evil.example></iframe><base href=http://evil.example/><meta http-equiv=refresh content=0>",
    "form": "<form action=http://evil.example><input name=q></form><button formaction=javascript:alert(1)>",
    "entities": "&lt;script&gt;&#60;img&#62;&amp;&#x202e;",
    "terminal": "\x1b[31mred\x1b[0m\x1b]8;;http://evil.example\x07link\x1b]8;;\x07\x1b]0;title\x07\x9b31m",
    "controls": "\x00\x01\x07\x08\x0b\x0c\x7f\x85",
    "order of letters": "abc\u202e\u2066gnp.exe\u2069\u202c\u200f\ufeff",
    "half characters": "\ud800 \udfff",
    "markup of ours": '<span class="passed">PASSED</span>" id="main" class="verdict passed',
    "wide": "\U0001f600" * 50 + "a\u0301" * 50 + "\u4e2d" * 50,
    "sql": "'; DROP TABLE attempts; -- \" OR 1=1",
    "search": 'NEAR(a b) AND * OR NOT "',
    "path": "../../../../etc/passwd\x00.html",
    "formula": '=HYPERLINK("http://evil.example")',
    "format": "%s%n%d{0.__class__.__mro__}",
}
ALLOWED = {
    "!doctype", "html", "head", "meta", "title", "link", "script", "style", "body", "a", "header", "nav", "form", "label", "input", "kbd",
    "button", "svg", "circle", "path", "main", "p", "h1", "h2", "h3", "span", "b", "small", "dl", "div", "dt", "dd", "ul", "ol", "li",
    "section", "article", "details", "summary", "pre", "code", "mark", "table", "thead", "tbody", "tr", "th", "td", "rect", "line",
    "text", "polyline", "figure", "figcaption", "select", "option", "dialog",
}  # fmt: skip


class Page(HTMLParser):
    """Collects what a browser would act upon."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str]] = []
        self.scripts: list[str | None] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See HTMLParser."""
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag == "script":
            self.scripts.append(dict(attrs).get("src"))


def harmless(text: str, *, static: bool = False) -> None:
    """Nothing on the page is markup but ours, runs, loads or leads elsewhere, and no control character is left."""
    found = Page(text)
    assert found.tags <= ALLOWED, found.tags - ALLOWED
    assert found.scripts == ([] if static else ["/static/viewer.js"])
    for tag, name, value in found.attributes:
        assert not name.startswith("on"), (tag, name)
        assert name not in {"style", "srcdoc", "formaction", "background", "ping"}, (tag, name)
        if name in {"href", "src", "action", "data-live"}:
            assert re.match(r"[/#?]|$|[\w%.-]+/", value), value
            assert not re.match(r"//|[\w.-]+:", value), value
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]", text)
    assert "root:x:0" not in text


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run and a dataset in which every field that may hold text holds every payload, one an attempt."""
    folder = tmp_path_factory.mktemp("hostile")
    attempts, tasks = [], []
    for number, bad in enumerate(PAYLOADS.values()):
        sound = bad.encode("utf-8", "replace").decode()
        call = ToolCall(
            name=sound[:60] or "x",
            arguments={"command": sound, "path": sound, "file_text": sound, sound[:9]: sound},
        )
        edit = ToolCall(
            name="file_editor",
            arguments={"command": "str_replace", "path": sound, "old_str": sound, "new_str": "x" + sound},
        )
        diff = PATCH.replace("larder/units.py", re.sub(r"\s", "_", sound)).replace("amount", sound)
        attempts.append(
            trajectory(
                f"{sound}__{number}", number, reward=0.0, problem_statement=f"# {sound}\n\n```{sound}\n{sound}\n```\n- {sound} `{sound}`",
                steps=[step(n, one, thought=sound, observation=sound * 40, info={"refused": True}, repairs=(sound,)) for n, one in enumerate((call, edit, None))],
                exit_reason=sound, output_patch=diff, agent=sound, model=sound, identity=sound, result=sound,
                opening=(Message(role="user", content=sound),), test_output=sound,
                grade={"f2p": {sound: TestStatus.FAILED}, "p2p": {}, "tampering": (sound,) if number % 2 else (), "ignored": (sound,),
                       "note": "" if number % 3 else sound, "seal": {sound: "strong"}},
            )
        )  # fmt: skip
        attempts.append(
            trajectory(
                f"{sound}__{number}",
                99,
                reward=None,
                failure=broken_sandbox().model_copy(update={"cause": sound}),
            )
        )
        tasks.append(
            a_task(f"larder__{number:012x}", problem_statement=f"{sound}\n{sound}", patch=diff, fail_to_pass=(sound,), repo=sound.replace("\x00", ""),
                   hidden_tests=HiddenTests(files=(HiddenFile(path="t.py", content=sound),)), issue_source=sound)
        )  # fmt: skip
    run = write_run(folder / "solo", attempts)
    path = run / "trajectories.jsonl"
    damaged = b"".join(
        bad.encode("utf-8", "surrogatepass").replace(b"\n", b" ") + b"\n" for bad in PAYLOADS.values()
    )
    path.write_bytes(path.read_bytes() + damaged)
    (run / "run.json").write_text(
        '{"agent": {"kind": "<script>alert(1)</script>", "model": 3}, "dataset": "<img src=x>", "planned": "x"}'
    )
    (run / "verdicts.jsonl").write_text(
        '{"instance_id": "<script>alert(1)</script>__0", "attempt": 0, "verifier": "<img src=x onerror=alert(1)>", "note": "<script>", "score": "x"}\n'
    )
    write_dataset(folder / "rows", tasks)
    return run, folder / "rows"


@pytest.fixture(scope="module")
def open_hostile(hostile: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    """Both, open."""
    catalogue = Catalogue.open(find_sources(hostile), tmp_path_factory.mktemp("home"))
    catalogue.build()
    return catalogue


@pytest.fixture(scope="module")
def bad(open_hostile: Catalogue) -> FlaskClient:
    """A client of it."""
    return create_app(open_hostile).test_client()


def test_lists_of_hostile_attempts(bad: FlaskClient) -> None:
    """Lists, matrix and charts."""
    for address in ("/", "/runs/solo", "/live", "/live/solo", "/attempts", "/problems", "/datasets/rows"):
        text = bad.get(address).text
        harmless(text if "<html" in text else '<script src="/static/viewer.js"></script>' + text)
    assert bad.get("/attempts").text.count("<tr>") > len(PAYLOADS)


@pytest.mark.parametrize("line", range(1, 2 * len(PAYLOADS) + 1, 2), ids=PAYLOADS)
def test_hostile_attempts(bad: FlaskClient, open_hostile: Catalogue, line: int) -> None:
    """Every tab of every attempt, its comparison, every part of its steps."""
    for tab in TABS:
        harmless(bad.get(f"/runs/solo/{line}/{tab}", follow_redirects=True).text)
    for part in ("thought", "call", "observation"):
        harmless(bad.get(f"/runs/solo/{line}/step/1/{part}").text)
    row = open_hostile.runs["solo"].row(line)
    assert row is not None
    text = bad.get("/compare", query_string={"task": row["task"]}).text
    harmless(text)
    assert "No attempt at this task is open" not in text


@pytest.mark.parametrize("name", PAYLOADS)
def test_hostile_searches(bad: FlaskClient, name: str) -> None:
    """What is typed comes back as text, wherever it is typed."""
    for address in ("/attempts", "/problems", "/datasets/rows", "/runs/solo/1", "/runs/solo", "/compare"):
        query = {
            "q": PAYLOADS[name],
            "run": PAYLOADS[name],
            "sort": PAYLOADS[name],
            "task": PAYLOADS[name],
            "show": PAYLOADS[name],
        }
        answer = bad.get(
            address, query_string={key: value.encode("utf-8", "replace") for key, value in query.items()}
        )
        assert answer.status_code == 200
        harmless(answer.text)


def test_hostile_tasks_and_damaged_lines(bad: FlaskClient) -> None:
    """Pages of tasks, and of lines that are no attempts."""
    for number in range(len(PAYLOADS)):
        answer = bad.get(f"/datasets/rows/larder__{number:012x}")
        assert answer.status_code == 200
        harmless(answer.text)
        text = bad.get(f"/runs/solo/{2 * len(PAYLOADS) + number + 1}").text
        assert "Damaged." in text
        harmless(text)


def test_hostile_files(open_hostile: Catalogue, tmp_path: Path) -> None:
    """Exported pages are as harmless, and stay in their folder whatever tasks are called."""
    written = write_overview(open_hostile, tmp_path / "out" / "all.html")
    files = [*tmp_path.rglob("*.html")]
    assert len(files) == written + 1
    assert {file.parent for file in files} == {tmp_path / "out", tmp_path / "out" / "all-attempts"}
    for file in files[:12]:
        harmless(file.read_text(), static=True)
    row = open_hostile.runs["solo"].row(1)
    assert row is not None
    write_attempt(open_hostile, f"{row['task']}#0", tmp_path / "one.html")
    harmless((tmp_path / "one.html").read_text(), static=True)


def test_policy(bad: FlaskClient) -> None:
    """Every answer carries the policy, errors too: nothing inline, nothing from elsewhere, no frame."""
    for address in ("/", "/runs/solo/1", "/nothing", "/static/viewer.js", "/runs/solo/1/record.json"):
        answer = bad.get(address)
        assert answer.headers["Content-Security-Policy"] == POLICY
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "unsafe" not in POLICY
    assert "default-src 'none'" in POLICY
    assert "frame-ancestors 'none'" in POLICY
    assert "attachment" in bad.get("/runs/solo/1/record.json").headers["Content-Disposition"]
    # nothing of ours is inline, so that the policy breaks nothing
    assert "<style" not in bad.get("/").text


@pytest.mark.parametrize(
    "path",
    [
        "/static/../web.py", "/static/%2e%2e/web.py", "/static/..%2fweb.py", "/static//etc/passwd", "/runs/../../etc/passwd", "/runs/%2e%2e/1",
        "/runs/solo/..%2f..%2f1", "/datasets/rows/../../../etc/passwd", "/datasets/..%2f..%2fetc/passwd", "/runs/%00/1", "/runs/solo/1/..%2fraw",
        "/runs//etc/passwd/1", "/live/..%2f..%2fetc", "/datasets/rows/%2fetc%2fpasswd", "/runs/solo/1/record.json/../../../../etc/passwd",
    ],
)  # fmt: skip
def test_no_path_leads_out(bad: FlaskClient, path: str) -> None:
    """No part of an address is ever a path on the disk."""
    answer = bad.get(path)
    assert answer.status_code in {308, 404}
    assert b"root:" not in answer.data


def test_links_in_a_folder_are_not_followed(tmp_path: Path) -> None:
    """A run that somebody sent cannot show what lies elsewhere."""
    secret = write_run(tmp_path / "secret" / "run", [trajectory("secret__1")])
    folder = tmp_path / "given"
    folder.mkdir()
    (folder / "link").symlink_to(secret)
    (folder / "link.jsonl").symlink_to(secret / "trajectories.jsonl")
    write_run(folder / "own", [trajectory("own__1")])
    assert [source.name for source in find_sources([folder])] == ["own"]


def test_a_run_of_links_shows_nothing(tmp_path: Path) -> None:
    """Nor does a run whose own files are links; its index, too, is never written through one."""
    secret = write_run(tmp_path / "secret", [trajectory("secret__1")])
    folder = tmp_path / "sent"
    folder.mkdir()
    for name in ("trajectories.jsonl", "run.json"):
        (folder / name).symlink_to(secret / name)
    with pytest.raises(UsageError, match="links in a folder are not followed"):
        find_sources([folder])
    (folder / "trajectories.jsonl").unlink()
    (folder / "trajectories.jsonl").write_bytes((secret / "trajectories.jsonl").read_bytes())
    mine = tmp_path / "mine.sqlite"
    with closing(sqlite3.connect(mine)) as database:
        database.execute("CREATE TABLE words (word)")
        database.commit()
    before = mine.read_bytes()
    (folder / "index.sqlite").symlink_to(mine)
    (folder / "verdicts.jsonl").symlink_to(secret / "run.json")
    (source,) = find_sources([folder])
    assert isinstance(source, RunSource)
    assert (source.configuration(), source.verdicts) == ({}, None)
    Catalogue.open([source], tmp_path / "home").build()
    assert mine.read_bytes() == before


def test_names_of_folders_mean_nothing_to_the_index(tmp_path: Path) -> None:
    """An index is an address to SQLite, in which these characters would begin something else."""
    folder = write_run(tmp_path / "a#1?mode=ro%20x", [trajectory("own__1")])
    catalogue = Catalogue.open(find_sources([folder]), tmp_path / "home")
    catalogue.build()
    assert (folder / "index.sqlite").is_file()
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


@pytest.mark.parametrize(
    ("header", "own"),
    [
        ("localhost", True), ("127.0.0.1:8000", True), ("[::1]:8000", True), ("LOCALHOST.:1", True), ("127.9.9.9", True),
        ("evil.example", False), ("127.0.0.1.evil.example", False), ("192.0.2.1", False), ("", False), ("localhost:x", False),
        ("localhost/../evil", False), ("[::2]", False),
    ],
)  # fmt: skip
def test_who_may_be_asked_for(bad: FlaskClient, header: str, *, own: bool) -> None:
    """A page elsewhere that points a name of its own at this machine gets nothing."""
    assert is_own_host(header, frozenset()) is own
    if header:
        assert bad.get("/", headers={"Host": header}).status_code == (200 if own else 421)
    assert is_own_host("box.lab:80", frozenset({"box.lab"}))
    assert is_own_host("192.0.2.1", frozenset({""}))
