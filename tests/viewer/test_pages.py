"""Pages as a browser gets them: every one is there, says what it should, and every link on it leads somewhere."""

from __future__ import annotations

import fcntl
import html
import json
import re
from collections import deque
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from tests.viewer.corpus import CALLS, F2P, lines, mixed, step, trajectory, write_run

from r2egym.records import ToolCall, Trajectory
from r2egym.viewer import Catalogue, find_sources
from r2egym.viewer.attempt_pages import TABS
from r2egym.viewer.web import create_app

TASK = "larder__000000000000"
FAILED = 2
"""Line of the attempt that ran out of tokens."""


def page(client: FlaskClient, address: str, status: int = 200) -> str:
    """The text of a page."""
    answer = client.get(address)
    assert answer.status_code == status, (address, answer.text[:300])
    return answer.text


def opened(tmp_path: Path, made: list[Trajectory], **more: Any) -> FlaskClient:
    """A client of one run."""
    return client_of(write_run(tmp_path / "solo", made, **more))


def client_of(*paths: Path) -> FlaskClient:
    """A client of all that these paths hold."""
    catalogue = Catalogue.open(find_sources(paths), paths[0].parent / "home")
    catalogue.build()
    return create_app(catalogue).test_client()


class Links(HTMLParser):
    """Addresses, ids and fragments of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See HTMLParser."""
        del tag
        found = dict(attrs)
        self.links += [found[name] or "" for name in ("href", "src", "data-live") if name in found]
        self.ids += [found["id"] or ""] if "id" in found else []


def test_every_link_leads_somewhere(client: FlaskClient) -> None:
    """From the first page on, every address is a page of this server, every fragment is on it, no id is there twice.

    An attempt is looked at once, by whatever search it was found.
    """
    seen, waiting = {"/"}, deque(["/"])
    while waiting:
        address = waiting.popleft()
        found = Links(page(client, address))
        assert len(found.ids) == len(set(found.ids)), address
        for link in found.links:
            assert link.startswith(("/", "#", "?")), (address, link)
            path, _, fragment = link.partition("#")
            known = path.partition("?")[0] if re.match(r"/runs/coder/\d", path) else path
            if not path:
                assert fragment in found.ids, (address, link)
            elif known not in seen and not path.startswith("/static/"):
                seen.add(known)
                waiting.append(path)
    ways = {re.sub(r"[\d?].*", "", path) for path in seen}
    assert ways >= {"/", "/runs/coder/", "/attempts", "/compare", "/problems", "/datasets/larder"}
    assert len(seen) > 100


def test_runs(client: FlaskClient) -> None:
    """Reward, exit reasons, failures by boundary, tokens, cost and time of each run; datasets below."""
    text = page(client, "/")
    for said in ("coder", "edit, a-model", "0.333", "token_limit", "sandbox", "50.4k", "$3.00", "larder"):
        assert said in text, said
    assert text.count('class="legend"') == 1


def test_run(client: FlaskClient) -> None:
    """Why attempts ended, counted, and each count leads to what it counts."""
    text = page(client, "/runs/coder")
    assert "the tests of the fix still fail" in text
    links = {html.unescape(link) for link in Links(text).links}
    assert "/attempts?q=status%3Afailed+why%3Aunsolved&run=coder" in links
    assert "3 attempts found in coder" in page(client, "/attempts?q=status%3Afailed+why%3Aunsolved&run=coder")
    assert "Pass@K" in text  # three attempts a task have a reward


def test_search_and_its_trail(client: FlaskClient) -> None:
    """A filter finds; from each attempt, next and previous stay with it."""
    text = page(client, "/attempts?q=exit%3Atoken_limit+thought")
    assert "3 attempts found" in text
    first = next(link for link in Links(text).links if re.match(r"/runs/coder/\d", link))
    text = page(client, first)
    assert "1 of 3 for" in text
    assert 'rel="prev"' not in text
    after = next(link for link in Links(text).links if "/runs/coder/6" in link)
    assert "2 of 3 for" in page(client, after)
    assert "<mark>Thought</mark>" in text
    assert "takes a number" in page(client, "/attempts?q=steps%3Amany")
    assert "Nothing is like that" in page(client, "/attempts?q=nowhere")


def test_problems(client: FlaskClient) -> None:
    """Task by run, each attempt with its status, and filters by how often a task was solved."""
    text = page(client, "/problems")
    for status in ("passed", "failed", "tampered", "masked"):
        assert (
            text.count(
                f'aria-label="attempt {["passed", "failed", "tampered", "masked"].index(status)} {status}"'
            )
            == 3
        )
    assert "Counting is off" in text  # from the dataset
    assert page(client, "/problems?show=mixed").count("1/3") == 3
    assert "No task is like that" in page(client, "/problems?show=unsolved")
    assert "1 task<" in page(client, f"/problems?q=task:{TASK}")


def test_attempt(client: FlaskClient) -> None:
    """Why it failed stands on top; thought, call and observation apart; limits, verdicts, raw on their tabs."""
    text = page(client, f"/runs/coder/{FAILED}")
    assert "1 of 1 test to mend still fails" in text
    assert "cut off at the limit of tokens" in text
    step = text.partition('id="step-1"')[2]
    places = [step.index(said) for said in ("Thought 0.", "view larder/units.py", "output 0")]
    assert places == sorted(places)
    patch = page(client, f"/runs/coder/{FAILED}/patch")
    assert patch.count("return round(amount)") == 2  # its own and gold
    tests = page(client, f"/runs/coder/{FAILED}/tests")
    assert re.search(rf"{F2P}.*begin to pass.*MISSING.*PASSED.*FAILED", tests, re.DOTALL)
    assert "counts <code>jars</code> twice" in page(client, f"/runs/coder/{FAILED}/task")
    assert "4" in page(client, f"/runs/coder/{FAILED}/limits")
    assert "a twin passed beside its test" in page(client, "/runs/coder/3/tests")
    raw = client.get(f"/runs/coder/{FAILED}/record.json")
    assert json.loads(raw.data)["exit_reason"] == "token_limit"


def test_verdicts(tmp_path: Path) -> None:
    """What each verifier said, and a curve for each that has said something."""
    folder = write_run(tmp_path / "solo", mixed(2))
    said = [
        {"instance_id": f"larder__{task:012x}", "attempt": n, "verifier": name, "score": n / 4, "regression": 3 - n, "tests": 1}
        for task in range(2) for n in range(4) for name in ("execution", "execution-free", "mine")
    ]  # fmt: skip
    (folder / "verdicts.jsonl").write_text(
        "".join(json.dumps(one | {"regression_total": 3}) + "\n" for one in said)
    )
    client = client_of(folder)
    text = page(client, "/runs/solo/2/verdicts")
    assert [name in text for name in ("execution-free", "mine", "0.250", "2 of 3")] == [True] * 4
    best = page(client, "/runs/solo")
    assert re.search(r"hybrid [\d.]+%", best)
    assert re.search(r"mine [\d.]+%", best)
    assert "100.0%" in best


def test_compare(client: FlaskClient) -> None:
    """K attempts side by side, with the step at which they part."""
    assert "They make the same calls throughout." in page(client, f"/compare?task={TASK}")


def test_compare_tells_where_they_part(tmp_path: Path) -> None:
    """Calls that differ are the place, whatever was thought."""
    other = (*CALLS[:2], ToolCall(name="execute_bash", arguments={"cmd": "git diff"}), CALLS[3])
    client = opened(tmp_path, [trajectory(TASK, 0), trajectory(TASK, 1, reward=0.0, calls=other)])
    text = page(client, f"/compare?task={TASK}")
    assert "they part at" in text
    assert 'href="#row-3"' in text
    assert "leaves the first at step 3" in text
    assert "No attempt at this task is open" in page(client, "/compare?task=nothing")


def test_dataset(client: FlaskClient) -> None:
    """Funnel, distributions, tasks; a task with statement, gold, tests, recipe and certificate."""
    text = page(client, "/datasets/larder")
    for said in ("no-tests", "import-failed", "Commits seen", "Counting is off"):
        assert said in text, said
    task = page(client, f"/datasets/larder/{TASK}")
    for said in (
        "conftest_report",
        "Gold scores",
        "pytest==8.0.0",
        "return round(amount)",
        F2P,
        "3.11",
        "attempt 3 masked",
        "1 polarity",
        "forgeable",
    ):
        assert said in task, said
    assert "No task is like that" in page(client, "/datasets/larder?q=nothing")


@pytest.mark.parametrize(
    "address",
    [
        "/runs/nothing", "/runs/coder/99", "/runs/coder/2/nothing", "/runs/coder/2/step/9/thought", "/runs/coder/2/step/1/x",
        "/datasets/nothing", "/datasets/larder/nothing", "/static/nothing", "/nothing", "/runs/coder/99/record.json",
    ],
)  # fmt: skip
def test_what_is_not_there(client: FlaskClient, address: str) -> None:
    """One page says so."""
    assert "open" in page(client, address, 404)


@pytest.mark.parametrize(
    "address",
    [
        "/attempts?start=-5", "/attempts?start=99999999999999999999", "/attempts?start=x&sort=x&run=x", "/problems?start=9999&order=x&show=x",
        "/runs/coder/2?start=9999", "/runs/coder/2?start=-1", "/runs/coder/2/step/1/thought?at=-1", "/runs/coder/2/step/1/call?at=99999",
        "/datasets/larder?start=9999", "/runs/coder/2?q=steps%3Ax&sort=x&scope=x", "/compare", "/attempts?q=" + "a%20" * 5_000,
    ],
)  # fmt: skip
def test_odd_addresses_are_pages_too(client: FlaskClient, address: str) -> None:
    """Numbers out of range, orders that are none, searches too long: shown as far as they go."""
    page(client, address)


def test_long_attempt_comes_in_pages(tmp_path: Path) -> None:
    """A page holds a hundred steps, whatever there are; signs lead to the page of their step."""
    steps = [step(n, CALLS[1]) for n in range(1_050)]
    client = opened(tmp_path, [trajectory(TASK, 0, reward=0.0, steps=steps)])
    text = page(client, "/runs/solo/1")
    assert text.count('<article class="step') == 100
    assert len(text) < 400_000
    assert "1001\u20131050" in text
    assert page(client, "/runs/solo/1?start=1001").count('<article class="step') == 50
    assert "output 1049" in page(client, "/runs/solo/1?start=1001")


def test_long_output_is_fetched_on_demand(tmp_path: Path) -> None:
    """A page holds its beginning; the rest comes stretch by stretch, and nothing is lost."""
    text = "".join(f"line {n}\n" for n in range(60_000))
    client = opened(tmp_path, [trajectory(TASK, 0, steps=[step(0, CALLS[1], observation=text)])])
    whole = page(client, "/runs/solo/1")
    assert len(whole) < 80_000
    assert "characters more" in whole
    found, address = "", "/runs/solo/1/step/1/observation"
    while address:
        part = page(client, address)
        found += html.unescape(part.partition('<pre class="text" tabindex="0">')[2].partition("</pre>")[0])
        later = re.search(r'href="([^"]*at=\d+)">Go on', part)
        address = html.unescape(later[1]) if later else ""
    assert found == text


def test_damaged_lines_are_shown_as_damaged(tmp_path: Path) -> None:
    """They are listed, counted, and what stands there can be read; next and previous pass through them."""
    folder = write_run(tmp_path / "solo", mixed(1))
    path = folder / "trajectories.jsonl"
    path.write_bytes(b'{"trajectory_steps": [{"thought": "half a line\n' + path.read_bytes())
    client = client_of(folder)
    assert "1</b> damaged" in page(client, "/")
    assert "line 1" in page(client, "/attempts?q=status:damaged")
    text = page(client, "/runs/solo/1")
    assert "not JSON" in text
    assert "half a line" in text


def test_page_of_a_line_that_changed_meanwhile(tmp_path: Path) -> None:
    """What was indexed is not shown as something else."""
    folder = write_run(tmp_path / "solo", mixed(1))
    client = client_of(folder)
    path = folder / "trajectories.jsonl"
    path.write_bytes(path.read_bytes().replace(b"Thought 0", b"Changed 0"))
    assert "not what was indexed any more" in page(client, "/runs/solo/1")


def test_running_run_says_so(tmp_path: Path) -> None:
    """While its lock is held it asks for more by itself; a run that was stopped tells how far it came."""
    folder = write_run(tmp_path / "solo", mixed(1), planned=8)
    (folder / "journal").mkdir()
    client = client_of(folder)
    assert "stopped after 4 of 8 attempts" in page(client, "/")
    with (folder / "journal" / "lock").open("w") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        # a process does not see its own locks: another one asks
        script = "import sys\nfrom pathlib import Path\nfrom r2egym.viewer import find_sources\nprint(find_sources([Path(sys.argv[1])])[0].is_running())"
        import subprocess
        import sys

        done = subprocess.run(
            [sys.executable, "-c", script, folder], capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == "True"
    fragment = page(client, "/live/solo")
    assert fragment.lstrip().startswith("<")
    assert "<html" not in fragment


def test_growing_run_is_followed(tmp_path: Path) -> None:
    """What a fragment says changes when lines come."""
    folder = write_run(tmp_path / "solo", mixed(1), planned=5)
    catalogue = Catalogue.open(find_sources([folder]), tmp_path)
    catalogue.build()
    client = create_app(catalogue).test_client()
    before = page(client, "/live/solo")
    with (folder / "trajectories.jsonl").open("ab") as stream:
        stream.write(lines([trajectory("larder__late", 7)]))
    catalogue.refresh(1)
    assert "larder__late #7" not in before
    assert "larder__late #7" in page(client, "/live/solo")


def test_run_without_attempts(tmp_path: Path) -> None:
    """A run that has just begun is a page."""
    client = opened(tmp_path, [], planned=5)
    assert "No attempt has ended yet" in page(client, "/runs/solo")
    assert "No attempt has ended yet" in page(client, "/attempts")
    assert page(client, "/problems")


def test_every_tab_has_its_template(client: FlaskClient) -> None:
    """No tab is without a page, in whatever state an attempt is."""
    for line in range(1, 5):
        for tab in TABS:
            address = f"/runs/coder/{line}" + (f"/{tab}" if tab != "steps" else "")
            assert f'aria-current="page">{TABS[tab]}' in page(client, address)


def test_only_reading(client: FlaskClient) -> None:
    """There is nothing to send here."""
    for method in ("post", "put", "delete", "patch"):
        assert getattr(client, method)("/").status_code == 405
    assert client.head("/").status_code == 200
