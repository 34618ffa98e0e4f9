"""The installer in its sandbox: what it reaches, what it does not, and how its work ends."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.building.conftest import MINOR
from tests.building.workbench import History, write_wheel

from r2egym.agents import Budget, Case, Installed, Installer, Site
from r2egym.building import Bench, Builder
from r2egym.building.assembly import read_files
from r2egym.errors import BuildError, ModelUnavailableError, RecipeError, SandboxError, TaskError
from r2egym.llm import Fault, ScriptedModel
from r2egym.mining import Repository
from r2egym.records import Answer, Recipe, Request, ToolCall, Usage
from r2egym.sandboxes import open_backend
from r2egym.sandboxes.base import Sandbox
from r2egym.settings import Settings

RECIPE = Recipe(python=MINOR, packages=("jam",))


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Builder]:
    """A builder whose index has one project."""
    home = tmp_path_factory.mktemp("home")
    index = home / "wheels"
    write_wheel(index, "spoonful", "1.0", {"spoonful.py": "SIZE = 5\n"})
    settings = Settings(home=home, path=(), pyenv_root=home / "none", user_home=home / "none")
    try:
        backend = open_backend("bubblewrap", home)
    except SandboxError as error:
        pytest.skip(f"no sandbox on this machine: {error}")
    with Builder(home, backend=backend, settings=settings, index=index) as made:
        yield made


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """One commit before the fix, and the fix."""
    history = History(tmp_path_factory.mktemp("history") / "jam.git")
    history.commit({"jam.py": "SIZE = 4\n", "README.md": "# Jam\n\nInstall by hand.\n\nTasty.\n"})
    history.commit({"jam.py": "SIZE = 5\n", "README.md": ""})
    return Repository(history.folder)


def bash(command: str) -> Answer:
    """A turn that runs a command."""
    return Answer(calls=(ToolCall(name="execute_bash", arguments={"cmd": command}, id="1"),))


def propose(text: str = "") -> Answer:
    """A turn that proposes."""
    return Answer(calls=(ToolCall(name="propose", arguments={"recipe": text}, id="1"),))


def refuse(_: str) -> Recipe:
    """No proposal counts."""
    raise RecipeError("packages: none")


@pytest.fixture
def work(builder: Builder, repository: Repository) -> Callable[..., Installed]:
    """What comes of a script: a list of turns, or a function of the request and the sandboxes that were opened."""
    base = repository.resolve("HEAD^")

    def run(
        script: list | Callable, check: Callable[[str], Recipe] = refuse, stop: Callable = int, **bounds: int
    ) -> Installed:
        opened: list[Sandbox] = []

        @contextmanager
        def bench(python: str) -> Iterator[Bench]:
            with builder.bench(repository, base, python) as made:
                opened.append(made.sandbox)
                yield made

        model = ScriptedModel((lambda request: script(request, opened)) if callable(script) else script)
        case = Case(
            name="jam", commit=base, recipe=RECIPE, reason="fix-fails", problem="nothing passes", log="", pythons=(MINOR,)
        )  # fmt: skip
        installer = Installer(model, "function_calling", Budget(**bounds))
        return installer.install(case, Site(read_files(repository, base), bench, check, stop))

    return run


def observations(installed: Installed) -> list[str]:
    """What the model was shown."""
    return [message.content for message in installed.transcript if message.role == "tool"]


def test_it_sees_the_past_and_the_index_and_nothing_else(
    work: Callable[..., Installed], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files and history before the fix, one index; no key, no file and no port of the host."""
    monkeypatch.setenv("OPENAI_API_KEY", "secret-key")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        went = work([
            bash("cat /testbed/jam.py; git -C /testbed log --all --format=%H | wc -l"),
            bash("uv pip install -q spoonful && python -c 'import spoonful; print(spoonful.SIZE, spoonful.__file__)'"),
            bash("uv pip install -q absent; env; ls -a ~ /root /home /work 2>/dev/null"),
            bash(f"(: </dev/tcp/127.0.0.1/{port}) && echo reached; (: </dev/tcp/1.1.1.1/80) && echo reached"),
            propose(),
        ], check=lambda _: RECIPE)  # fmt: skip
    assert (went.recipe, went.ending, went.proposals, went.steps) == (RECIPE, "agent", 1, 5)
    past, index, host, ports, _ = observations(went)
    assert "SIZE = 4\n1\n" in past
    assert "5 /tmp/venv/lib" in index
    assert "absent" in host
    assert "secret-key" not in host
    assert str(Path(__file__).parents[2]) not in host
    assert "reached" not in ports
    told = went.transcript[1].content
    assert "Install by hand." in told
    assert "Tasty." not in told


def test_a_sandbox_that_died_is_replaced(work: Callable[..., Installed]) -> None:
    """The call costs a step, and the next one gets a fresh sandbox; so does a call for another Python."""
    other = Answer(calls=(ToolCall(name="use_python", arguments={"version": MINOR}, id="1"),))
    turns = [
        bash("touch /tmp/one"),
        bash("ls"),
        bash("ls /tmp; touch /tmp/two"),
        other,
        bash("ls /tmp"),
        propose(),
    ]

    def answer(request: Request, opened: list[Sandbox]) -> Answer:
        turn = sum(message.role == "assistant" for message in request.messages)
        if turn == 1:
            opened[-1].close()
        return turns[turn]

    went = work(answer, check=lambda _: RECIPE)
    assert went.recipe == RECIPE
    _, broke, second, _, third, _ = observations(went)
    assert "The next call gets a new one" in broke
    assert "one" not in second.splitlines()
    assert "two" not in third.splitlines()


@pytest.mark.parametrize(
    ("script", "bounds", "ending", "complaint"),
    [
        ([propose("a"), propose("b")], {"proposals": 2}, "agent", "packages: none"),
        ([propose("a"), propose("b")], {"steps": 2}, "abs_step_limit", "packages: none"),
        ([bash("true").model_copy(update={"usage": Usage(prompt=9, completion=1)})] * 2, {"tokens": 10}, "token_limit", ""),
        ([Answer(calls=(ToolCall(name="finish", arguments={"result": "needs a database"}, id="1"),))], {}, "agent", "needs a database"),
        ([Fault(kind="overflow")], {}, "token_limit", ""),
        ([Answer(text="I do not know.")] * 3, {"steps": 3}, "abs_step_limit", ""),
    ],
)  # fmt: skip
def test_bounds(
    work: Callable[..., Installed], script: list[Answer], bounds: dict[str, int], ending: str, complaint: str
) -> None:
    """Of proposals, steps, tokens; or the model gives up. There is no recipe then."""
    went = work(script, **bounds)
    assert (went.recipe, went.ending, went.complaint) == (None, ending, complaint)


def test_what_is_nobodys_fault_is_raised(work: Callable[..., Installed]) -> None:
    """A stop, a server that fails, an index that does not answer: nothing is known of the commit then."""

    def unreachable(_: str) -> Recipe:
        raise BuildError("index-unreachable", "no answer")

    def stopped() -> None:
        raise TaskError("stopped")

    with pytest.raises(TaskError, match="stopped"):
        work([propose()], stop=stopped)
    with pytest.raises(ModelUnavailableError):
        work([Fault(kind="error", status=500)])
    with pytest.raises(BuildError, match="no answer"):
        work([propose()], check=unreachable)
