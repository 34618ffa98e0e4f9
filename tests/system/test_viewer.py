"""The viewer in a real browser: Debian's chromium, driven by Playwright, against ``r2egym view`` as a user starts it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.viewer.corpus import CALLS, a_task, lines, mixed, step, trajectory, write_run
from tests.viewer.test_hostile import PAYLOADS

from r2egym.records import ToolCall
from r2egym.tasks import write_dataset

pytestmark = [
    pytest.mark.system,
    pytest.mark.filterwarnings(
        "ignore::pytest.PytestUnraisableExceptionWarning"
    ),  # Playwright's own loop at its end
]
playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright (the group dev)")

TASK = "larder__000000000000"
SERVE = "import sys; from r2egym.cli import main; main(['view', '--port', '0', '--json', *sys.argv[1:]])"
PAGES = {
    "runs": "/",
    "run": "/runs/coder",
    "attempts": "/attempts?q=thought",
    "problems": "/problems",
    "steps": "/runs/coder/2?q=thought",
    "patch": "/runs/coder/2/patch",
    "tests": "/runs/coder/3/tests",
    "task tab": "/runs/coder/2/task",
    "verdicts": "/runs/coder/2/verdicts",
    "limits": "/runs/coder/2/limits",
    "raw": "/runs/coder/2/raw",
    "damaged": "/runs/coder/13",
    "compare": f"/compare?task={TASK}",
    "dataset": "/datasets/larder",
    "task": f"/datasets/larder/{TASK}",
    "nothing": "/runs/nothing",
}


def _chromium() -> str:
    """Debian's browser, installed when root asks for these tests and it is missing."""
    if (found := shutil.which("chromium")) is None and os.geteuid() == 0 and shutil.which("apt-get"):
        for words in (["update"], ["install", "--yes", "--no-install-recommends", "chromium"]):
            environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
            subprocess.run(
                ["apt-get", "--quiet=2", *words],
                env=environment,
                capture_output=True,
                timeout=600,
                check=False,
            )
        found = shutil.which("chromium")
    if found is None:
        pytest.skip("needs chromium (apt-get install chromium)")
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs and a dataset: one of every status, one long, one that grows, one hostile."""
    folder = tmp_path_factory.mktemp("viewer")
    coder = write_run(folder / "coder", mixed(3))
    with (coder / "trajectories.jsonl").open("ab") as stream:
        stream.write(b'{"trajectory_steps": [{"thought": "half a line\n')
    said = {"instance_id": TASK, "verifier": "execution-free", "note": "logprobs"}
    (coder / "verdicts.jsonl").write_text(
        "".join(json.dumps({**said, "attempt": n, "score": n / 4}) + "\n" for n in range(4))
    )
    write_run(
        folder / "long", [trajectory("long__1", 0, steps=[step(n, CALLS[n % 3]) for n in range(10_000)])]
    )
    growing = write_run(folder / "growing", mixed(1), planned=8)
    (growing / "journal").mkdir()
    (growing / "journal" / "lock").touch()
    bad = [text.encode("utf-8", "replace").decode() for text in PAYLOADS.values()]
    steps = [
        step(n, ToolCall(name="execute_bash", arguments={"cmd": text}), thought=text, observation=text)
        for n, text in enumerate(bad)
    ]
    write_run(
        folder / "hostile",
        [
            trajectory(
                "".join(bad[:3]), 0, steps=steps, output_patch="".join(bad), problem_statement="\n".join(bad)
            )
        ],
    )
    write_dataset(folder / "larder", [a_task()])
    return folder


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    """Where ``r2egym view`` shows all of it."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVE, str(folder)], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        yield json.loads(server.stdout.readline())["address"].rstrip("/")
        server.terminate()
        assert server.wait(timeout=30) in {0, 143}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One browser for all."""
    path = _chromium()
    with playwright.sync_playwright() as started:
        launched = started.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield launched
        launched.close()


@dataclass
class Tab:
    """A page of the browser, and what went wrong on it."""

    page: Any
    address: str
    faults: list[str] = field(default_factory=list)
    """Errors on the console, exceptions, dialogs, requests to elsewhere."""

    def __post_init__(self) -> None:
        self.page.set_default_timeout(60_000)
        self.page.on("console", lambda said: self._fault(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self._fault(str(error)))
        self.page.on("dialog", lambda dialog: (self._fault("dialog"), dialog.dismiss()))
        self.page.on("request", self._look)

    def _fault(self, text: str) -> None:
        if "404" not in text:  # a page that is not there is one of those looked at
            self.faults.append(text)

    def _look(self, request: Any) -> None:
        if not request.url.startswith((self.address, "file:")):
            self.faults.append(request.url)

    def go(self, path: str) -> Any:
        """Open a page."""
        self.page.goto(path if ":" in path.partition("/")[0] else self.address + path)
        return self.page

    def press(self, *keys: str) -> None:
        """Type."""
        for key in keys:
            self.page.keyboard.press(key)


@contextlib.contextmanager
def new_tab(browser: Any, address: str, **options: Any) -> Iterator[Tab]:
    """A tab of a fresh profile; nothing may go wrong on it."""
    context = browser.new_context(**options)
    tab = Tab(context.new_page(), address)
    yield tab
    context.close()
    assert tab.faults == []


@pytest.fixture
def tab(browser: Any, address: str) -> Iterator[Tab]:
    """A tab, light and wide."""
    with new_tab(browser, address, color_scheme="light") as made:
        yield made


def until(page: Any, expression: str) -> None:
    """Wait for something to be so; asked from outside, since the policy lets nothing on the page be evaluated."""
    for _ in range(300):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(200)
    pytest.fail(f"never so: {expression}")


def serious(page: Any) -> list[str]:
    """What axe finds on a page that keeps people from using it."""
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="needs axe-playwright-python (the group dev)"
    )
    found = axe.Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:200]}"
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]


@pytest.mark.long
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_accessibility(browser: Any, address: str, theme: str) -> None:
    """On every page, in both themes, with the folded parts open: no serious finding."""
    with new_tab(browser, address, color_scheme=theme) as tab:
        for name, path in PAGES.items():
            page = tab.go(path)
            page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
            assert serious(page) == [], (name, theme)


@pytest.mark.long
def test_narrow(browser: Any, address: str) -> None:
    """On a phone no page is wider than its window: what is wide scrolls by itself, and can be reached by keyboard."""
    with new_tab(browser, address, viewport={"width": 360, "height": 740}) as tab:
        for name, path in PAGES.items():
            page = tab.go(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= 360, name
            assert page.evaluate(
                "[...document.querySelectorAll('.scroll')].every(one => one.tabIndex === 0)"
            ), name


def test_keyboard_on_an_attempt(tab: Tab) -> None:
    """Keys j and k walk over steps, o and e fold, digits open parts, n and p follow the search, u goes up."""
    page = tab.go("/attempts?q=exit:token_limit")
    tab.press("j", "Enter")
    page.wait_for_url(re.compile(r"/runs/coder/2\?"))
    assert page.evaluate("document.activeElement.tagName") in {"BODY", "MAIN"}
    tab.press("j", "j")
    assert page.evaluate("[location.hash, document.activeElement.id]") == ["#step-2", "step-2"]
    tab.press("k")
    assert page.evaluate("location.hash") == "#step-1"
    tab.press("e")
    assert page.evaluate("[...document.querySelectorAll('main details')].every(one => one.open)")
    tab.press("n")
    page.wait_for_url(re.compile(r"/runs/coder/6\?"))
    tab.press("p")
    page.wait_for_url(re.compile(r"/runs/coder/2\?"))
    for key, part in (("2", "patch"), ("3", "tests"), ("7", "raw"), ("1", r"2\?")):
        tab.press(key)
        page.wait_for_url(re.compile(part))
    tab.press("u")
    page.wait_for_url(re.compile(r"/attempts\?q=exit"))


@pytest.mark.long
def test_keyboard_everywhere(tab: Tab) -> None:
    """/ searches, ? helps, Escape leaves, t turns the light off and it stays off; Tab begins with a way to the content."""
    page = tab.go("/")
    tab.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    tab.press("Enter")
    assert page.evaluate("location.hash") == "#main"
    tab.press("/")
    assert page.evaluate("document.activeElement.id") == "find"
    page.keyboard.type("j?t")  # letters in the box are letters
    assert page.input_value("#find") == "j?t"
    tab.press("Escape", "?")
    assert page.locator("dialog[open]").count() == 1
    tab.press("Escape")
    assert page.locator("dialog[open]").count() == 0
    tab.press("t")
    tab.go("/problems")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_dark(browser: Any, address: str) -> None:
    """The page is dark where the system is, unless one says otherwise."""
    look = "getComputedStyle(document.body).backgroundColor"
    with new_tab(browser, address, color_scheme="dark") as tab:
        page = tab.go("/")
        dark = page.evaluate(look)
        page.click("#theme")
        light = page.evaluate(look)
        assert sum(map(int, re.findall(r"\d+", dark))) < 150
        assert sum(map(int, re.findall(r"\d+", light))) > 700


@pytest.mark.long
def test_search(tab: Tab) -> None:
    """Typed into the box of any page; a result opens at the words, marked."""
    page = tab.go("/runs/coder")
    page.fill("#find", 'status:failed "output 1"')
    tab.press("Enter")
    page.wait_for_url(re.compile("/attempts"))
    assert "4 attempts found" in page.inner_text("[role=status]")
    page.click(".attempts .main a >> nth=0")
    assert page.locator("mark", has_text="output 1").count() >= 1
    page.go_back()
    page.select_option("#sort", "newest")
    page.wait_for_url(re.compile("sort=newest"))


@pytest.mark.long
def test_live(browser: Any, address: str, folder: Path) -> None:
    """While a run is under way its page changes by itself, without being loaded again, and says when it has ended."""
    run = folder / "growing"
    holder = subprocess.Popen(
        [sys.executable, "-c", "import fcntl, sys; f = open(sys.argv[1], 'r+'); fcntl.lockf(f, fcntl.LOCK_EX); print('held', flush=True); input()",
         run / "journal" / "lock"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert holder.stdout is not None
    assert holder.stdout.readline()
    with new_tab(browser, address) as tab:
        page = tab.go("/runs/growing")
        page.evaluate("window.same = true")
        assert "running: 4 of 8" in page.inner_text(".state")
        with (run / "trajectories.jsonl").open("ab") as stream:
            stream.write(lines([trajectory("larder__late", 7)]))
        until(page, "document.querySelector('.state').textContent.includes('5 of 8')")
        assert page.locator("text=larder__late #7").count() == 1
        holder.communicate(b"\n")
        until(page, "document.querySelector('.state').textContent.includes('stopped after 5 of 8')")
        assert page.evaluate("window.same")


@pytest.mark.long
def test_ten_thousand_steps(tab: Tab) -> None:
    """A long attempt opens at any step, and no page of it is heavy."""
    page = tab.go("/runs/long/1?start=5001#step-5050")
    until(page, "Math.abs(document.getElementById('step-5050').getBoundingClientRect().top) < 200")
    assert page.evaluate("document.querySelectorAll('*').length") < 6_000
    tab.press("j")
    assert page.evaluate("location.hash") == "#step-5051"
    page.click(".outline .windows a:last-of-type")
    page.wait_for_url(re.compile("start=9901"))
    assert page.locator("#step-10000").count() == 1


def test_hostile(tab: Tab) -> None:
    """What agents write never runs, loads or asks: a browser has nothing to complain of, so the policy stopped nothing either."""
    for part in ("", "/patch", "/tests", "/task", "/raw"):
        page = tab.go(f"/runs/hostile/1{part}")
        assert (
            page.evaluate("document.querySelectorAll('main script, main img, main iframe, main form').length")
            == 0
        )
    tab.go("/runs/hostile")
    tab.go("/attempts?q=" + "%22%3E%3Cimg src=x onerror=alert(1)%3E")


@pytest.mark.long
def test_without_script(browser: Any, address: str) -> None:
    """Links and forms are enough to find and read."""
    with new_tab(browser, address, java_script_enabled=False) as tab:
        page = tab.go("/attempts")
        page.fill("#q", "exit:token_limit")
        page.click(".filters button")
        assert "4 attempts found" in page.inner_text("[role=status]")
        page.click(".attempts .main a >> nth=0")
        assert "Failed." in page.inner_text(".verdict")


@pytest.mark.long
def test_exported_file(browser: Any, address: str, folder: Path, tmp_path: Path) -> None:
    """One file, opened from the disk: nothing is asked of anybody, it reads well, axe is content."""
    words = ["view", str(folder / "coder"), "--export", str(tmp_path / "one.html"), "--attempt", f"{TASK}#1"]
    script = "import sys; from r2egym.cli import main; main(sys.argv[1:])"
    subprocess.run([sys.executable, "-c", script, *words], check=True, capture_output=True)
    with new_tab(browser, address) as tab:
        page = tab.go((tmp_path / "one.html").as_uri())
        assert "1 of 1 test to mend still fails" in page.inner_text(".verdict")
        assert page.evaluate("getComputedStyle(document.body).margin") == "0px"  # the style is there
        page.click("a[href='#step-2'] >> nth=0")
        assert serious(page) == []
