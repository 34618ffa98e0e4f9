"""Generated and regression tests on real patches in real sandboxes, and the choice that follows from them."""

import json
import math
from pathlib import Path

import pytest
from tests.environment.ground import make_task
from tests.grading.workbench import Workbench
from tests.verifiers.conftest import lines, trajectory

from r2egym.environment import Facilities
from r2egym.errors import DatasetError, SandboxError, UsageError
from r2egym.llm import ScriptedModel, ScriptedServer
from r2egym.records import Answer, Task, TokenLogprob, ToolCall, content_hash
from r2egym.rollouts import RunOptions, agent_spec
from r2egym.sandboxes.base import SandboxConfig
from r2egym.tasks import Dataset
from r2egym.tools import render
from r2egym.verifiers import (
    ExecutionVerifier,
    TestFile,
    best_of_k,
    diagnose,
    read_scores,
    read_tests,
    read_verdicts,
    select_run,
    verify_and_select,
    verify_run,
    write_predictions,
)
from r2egym.verifiers.suite import style_of
from r2egym.verifiers.testers import write_tests
from r2egym.verifiers.trial import Forks, Ground

PRINTED = """\
from larder.shelf import count, label


def test_count():
    print("Issue resolved" if count(["plum"]) == 1 else "Issue reproduced")


def test_label():
    try:
        assert label("plum") == "jar of plum"
        print("Issue resolved")
    except AssertionError:
        print("Issue reproduced")
        raise


def test_broken_itself():
    nonsense


def test_says_two_things():
    print("Issue resolved")
    print("Other issues")


for one in (test_count, test_label, test_broken_itself):
    one()
"""
WRITTEN = """\
import pytest

from larder.shelf import full, take


@pytest.mark.parametrize("number", [0, 3])
def test_full(number):
    assert full(["jar"] * number) == (number > 2)


def test_take():
    with pytest.raises(KeyError):
        take([], "nails")


def test_needs_what_is_not_there():
    from larder.shelf import nothing
"""
FILES = (
    TestFile(name="0", source=PRINTED, style=style_of(PRINTED)),
    TestFile(name="1", source=WRITTEN, style=style_of(WRITTEN)),
)
CHEAT = """\
diff --git a/conftest.py b/conftest.py
new file mode 100644
--- /dev/null
+++ b/conftest.py
@@ -0,0 +1,2 @@
+import os
+os._exit(0)
"""


@pytest.fixture(scope="module")
def attempts(task: Task, ground: Path) -> dict[str, tuple[str, float | None]]:
    """Patches, and the reward that each has."""
    bench = Workbench(ground / "larder")
    broken = bench.base["larder/shelf.py"].replace("return left + right", "return left")
    return {
        "empty": ("", 0.0),
        "right": (task.patch, 1.0),
        "cheat": (CHEAT, 0.0),
        "broken": (bench.patch({"larder/shelf.py": broken}), 0.0),
        "same": (task.patch + CHEAT, 1.0),
        "garbage": ("not a patch", 0.0),
        "lost": ("", None),
    }


class Counted:
    """A backend that counts what is started."""

    def __init__(self, facilities: Facilities) -> None:
        self._backend = facilities.backend
        self.name = self._backend.name
        self.opened = 0

    def open(self, config: SandboxConfig):
        """A sandbox."""
        self.opened += 1
        return self._backend.open(config)

    def run(self, *arguments, **options):
        """A run, which is none that is kept."""
        return self._backend.run(*arguments, **options)


@pytest.fixture(scope="module")
def verified(task, facilities, attempts, tmp_path_factory):
    """A run of seven attempts, verified by execution; what was started meanwhile."""
    from r2egym.rollouts import Ledger

    folder = tmp_path_factory.mktemp("verified") / "run"
    with Ledger(folder, {"dataset": "", "terms": {}}) as ledger:
        for number, (patch, reward) in enumerate(attempts.values()):
            one = trajectory(task.instance_id, number, patch, reward, task_hash=content_hash(task))
            lease, _ = ledger.claim(one.identity)
            ledger.finish(one, lease)
    verifier = ExecutionVerifier(facilities, Dataset((task,)), {task.instance_id: FILES})
    counted = Counted(facilities)
    kept, facilities.backend = facilities.backend, counted
    try:
        verdicts = list(verify_run(folder, verifier))
    finally:
        facilities.backend = kept
    return (
        folder,
        verifier,
        {list(attempts)[verdict.attempt]: verdict for verdict in verdicts},
        counted.opened,
    )


def test_scores_are_what_tests_say(verified):
    """RS counts the repository's own tests, TS the generated ones; a test that is broken itself is dropped."""
    _, _, verdicts, _ = verified
    told = {name: (verdict.regression, verdict.tests) for name, verdict in verdicts.items()}
    assert told == {
        "empty": (1, 1),
        "right": (1, 5),
        "cheat": (1, 1),
        "broken": (0, 1),
        "same": (1, 5),
        "garbage": (0, 0),
    }
    right = verdicts["right"]
    assert (right.regression_total, right.tests_total) == (1, 5)
    assert set(right.outcomes) == {
        "0::test_count",
        "0::test_label",
        "1::test_full[0]",
        "1::test_full[3]",
        "1::test_take",
    }
    assert verdicts["empty"].outcomes["0::test_label"] == "reproduced"
    assert verdicts["broken"].broken == ("tests/test_shelf.py::test_join",)
    assert verdicts["garbage"].note == "the patch does not apply"


def test_an_attempts_own_tests_and_control_files_do_not_count(verified):
    """A planted conftest.py is not there when tests run; beside a right patch it changes nothing, and that patch is run once."""
    _, _, verdicts, _ = verified
    assert verdicts["cheat"].patch == verdicts["empty"].patch
    assert verdicts["same"].patch == verdicts["right"].patch
    assert verdicts["cheat"].failure is None


def test_one_sandbox_is_started_for_all(verified):
    """Seven attempts and two files of tests: one start, and forks of it."""
    *_, opened = verified
    assert opened == 1


def test_an_attempt_without_a_patch_is_none(verified):
    """What the machinery left without a patch gets no verdict, and can be chosen by nobody."""
    folder, _, verdicts, _ = verified
    assert "lost" not in verdicts
    assert {choice.attempts for choice in select_run(folder, "random")} == {6}


def test_verdicts_are_kept_and_not_made_again(verified):
    """A second call on the same terms does nothing; other tests are other terms."""
    folder, verifier, verdicts, _ = verified
    before = (folder / "verdicts.jsonl").read_bytes()
    assert list(verify_run(folder, verifier)) == []
    assert (folder / "verdicts.jsonl").read_bytes() == before
    assert len(read_verdicts(folder)) == len(verdicts)
    assert verifier.terms(next(iter(verdicts.values())).instance_id) == next(iter(verdicts.values())).terms


def test_execution_chooses_a_right_patch(verified, tmp_path):
    """By execution one of the right attempts is chosen, written as a prediction, whatever settles the tie."""
    folder, _, _, _ = verified
    for seed in range(5):
        (choice,) = select_run(folder, "execution", seed=seed)
        assert choice.attempt in {1, 4}
        assert choice.execution == 5
    write_predictions([choice], tmp_path / "out.jsonl")
    (line,) = lines(tmp_path / "out.jsonl")
    assert line["model_patch"] == choice.patch
    assert set(line) >= {"instance_id", "model_name_or_path", "model_patch"}
    with pytest.raises(UsageError, match="no verdicts to choose by"):
        select_run(folder, "hybrid")


def test_best_of_k_of_the_run(verified):
    """Execution comes to Pass@K on this run; the masked attempt is in neither."""
    folder, _, _, _ = verified
    found = best_of_k(read_scores(folder), resamples=0)
    assert (found.k, found.masked) == (tuple(range(1, 7)), 1)
    assert found.curves["execution"].mean == pytest.approx(found.curves["oracle"].mean)
    assert found.curves["random"].mean[0] == pytest.approx(2 / 6)
    assert found.curves["hybrid"].mean[0] is None


def test_a_model_writes_the_tests(task, facilities, tmp_path):
    """The testing agent's rollout, over a real connection: what it writes is what is run on candidates."""
    create = ToolCall(
        name="file_editor",
        arguments={"command": "create", "path": "/testbed/test_issue.py", "file_text": PRINTED},
    )
    turns = [render(create), render(ToolCall(name="finish", arguments={"command": "submit"}))]
    with ScriptedServer(turns) as server:
        spec = agent_spec("test", model="openai/tester", base_url=server.base_url)
        files = write_tests(tmp_path / "testing", Dataset((task,)), spec, RunOptions(), facilities)
    (file,) = files[task.instance_id]
    assert (file.source, file.style) == (PRINTED, "print")


def test_diagnosis(verified):
    """Four of five generated tests tell right from wrong; one passes before and after."""
    folder, _, verdicts, _ = verified
    found = diagnose(read_scores(folder), verdicts.values())
    assert (found.tasks, found.generated) == (1, 5)
    assert (found.distinguishing, found.toxic, found.pass_to_pass) == (0.8, 0.0, 0.2)
    assert found.agreement["execution"] == 1.0


def test_what_a_test_leaves_behind_no_other_sees(task, facilities):
    """Each run of modules is in a fork: files of one are gone in the next, and in the origin."""
    with Ground(facilities, task, None) as ground, ground.patched("") as sandbox:
        files = {"test_generated_x.py": "def test_x():\n    open('left', 'x').close()\n"}
        for _ in range(2):
            run = ground.run(sandbox, list(files), timeout=60, test_timeout=10, files=files)
            assert list(run.statuses.values()) == ["PASSED"]
        assert sandbox.exec(["ls", "/testbed/left"]).exit_code != 0
        with pytest.raises(SandboxError):
            Forks(sandbox).open(SandboxConfig())


def test_hidden_tests_are_not_there(task, facilities):
    """Regression tests are the base commit's; nothing of the hidden ones is in the sandbox."""
    with Ground(facilities, task, None) as ground:
        assert ground.test_modules == ("tests/test_shelf.py",)
        with ground.patched("") as sandbox:
            text = sandbox.read_file("/testbed/tests/test_shelf.py").decode()
            assert "test_label" not in text
            assert sandbox.exec(["ls", "/testbed/tests/helpers.py"]).exit_code != 0


def test_another_dataset_is_refused(verified, facilities, tmp_path):
    """Verifying with a task that is not the one that was attempted is one line, before anything is written."""
    folder, _, _, _ = verified
    other = make_task(tmp_path / "other").model_copy(update={"problem_statement": "something else"})
    with pytest.raises(DatasetError, match="another version of this task"):
        list(verify_run(folder, ExecutionVerifier(facilities, Dataset((other,)), {})))
    with pytest.raises(DatasetError, match="not in the dataset"):
        list(verify_run(folder, ExecutionVerifier(facilities, Dataset(()), {})))


def test_reading_generated_tests(tmp_path, make_run):
    """From JSONL, and from a testing agent's run; styles are told apart; nonsense is one line."""
    path = tmp_path / "tests.jsonl"
    tests = [PRINTED, {"name": "edge cases!", "source": WRITTEN}, {"source": PRINTED, "style": "pytest"}]
    path.write_text(json.dumps({"instance_id": "t", "tests": tests}) + "\n")
    files = read_tests(path)["t"]
    assert [(file.name, file.style) for file in files] == [
        ("0", "print"),
        ("1_edge_cases", "pytest"),
        ("2", "pytest"),
    ]
    body = "".join(f"+{line}\n" for line in WRITTEN.splitlines())
    count = len(WRITTEN.splitlines())
    patch = (
        "diff --git a/test_issue.py b/test_issue.py\nnew file mode 100644\n--- /dev/null\n+++ b/test_issue.py\n"
        f"@@ -0,0 +1,{count} @@\n{body}"
    )
    run = make_run([trajectory("t", 0, patch, 0.0), trajectory("t", 1, "", 0.0)], name="testing")
    assert [file.source for file in read_tests(run)["t"]] == [WRITTEN]
    for text, word in (
        ("{}", "expected an object"),
        ('{"instance_id": "t", "tests": [1]}', "test 0"),
        ("x", "not JSON"),
    ):
        path.write_text(text + "\n")
        with pytest.raises(DatasetError, match=word):
            read_tests(path)
    with pytest.raises(UsageError, match="no such file"):
        read_tests(tmp_path / "nothing")


def test_hybrid_of_a_judge_and_of_tests(verified, task, facilities, tmp_path):
    """A judge that likes cheats is outvoted by tests among the top it leaves; what was run before is not run again."""
    folder, _, _, _ = verified

    def liking(request) -> Answer:
        change = request.messages[-1].content.rpartition("=== the final change")[2]
        chance = 0.9 if "conftest" in change else 0.6 if "+++" in change else 0.1
        word = "YES" if chance > 0.5 else "NO"
        top = {"YES": math.log(chance), "NO": math.log(1 - chance)}
        return Answer(text=word, logprobs=(TokenLogprob(token=word, logprob=top[word], top=top),))

    before = len(lines(folder / "verdicts.jsonl"))
    (choice,) = verify_and_select(
        folder, Dataset((task,)), facilities, tmp_path / "out.jsonl",
        tests={task.instance_id: FILES}, judge=ScriptedModel(liking),
    )  # fmt: skip
    assert len(lines(folder / "verdicts.jsonl")) == before + 6
    (alone,) = select_run(folder, "execution-free")
    assert alone.attempt in {2, 4}
    assert choice.attempt == 4
    assert [line["attempt"] for line in lines(tmp_path / "out.jsonl")] == [4]
    found = best_of_k(read_scores(folder), resamples=0)
    assert found.curves["hybrid"].mean[-1] == 1.0
    assert found.curves["execution-free"].mean[-1] == 0.5
