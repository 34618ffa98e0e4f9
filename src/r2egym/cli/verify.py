"""``r2egym verify``: what can be said of a run's attempts without the hidden tests."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from r2egym.cli.console import Json, answer_no, note, print_json, print_text, progress
from r2egym.cli.home import ready_home
from r2egym.cli.options import BaseUrl, Index, Sandbox
from r2egym.errors import UsageError

if TYPE_CHECKING:
    from r2egym.environment import Facilities
    from r2egym.records import Verdict
    from r2egym.rollouts import AgentSpec
    from r2egym.tasks import Dataset
    from r2egym.verifiers import CaseVerifier, Diagnosis
    from r2egym.verifiers.suite import TestFile

app = typer.Typer(add_completion=False, rich_markup_mode=None)

Run = Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder.")]


@app.command()
def verify(
    run: Run,
    verifier: Annotated[
        str,
        typer.Option(
            "--verifier", help="execution, execution-free, hybrid (both), or module:function of your own."
        ),
    ],
    model: Annotated[
        str, typer.Option("--model", metavar="NAME", help="Who judges; with execution: who writes the tests.")
    ] = "",
    base_url: BaseUrl = None,
    tests: Annotated[
        Path | None,
        typer.Option(
            "--tests", metavar="FILE|RUN", help="Generated tests: JSONL, or the run of a testing agent."
        ),
    ] = None,
    test_rollouts: Annotated[
        int, typer.Option("--test-rollouts", min=1, help="Without --tests: how often the model writes tests.")
    ] = 7,
    regression: Annotated[
        bool, typer.Option("--regression/--no-regression", help="Whether the repository's own tests are run.")
    ] = True,
    dataset: Annotated[
        str, typer.Option("--dataset", help="The dataset, where it is not where the run found it.")
    ] = "",
    layout: Annotated[
        Literal["plain", "published"],
        typer.Option("--layout", help="Of the judge's prompt; published: for the published verifier model."),
    ] = "plain",
    prompt: Annotated[
        Path | None, typer.Option("--prompt", metavar="YAML", help="The judge's own words: system, question.")
    ] = None,
    log: Annotated[
        Literal["whole", "no-thoughts", "patch-only"],
        typer.Option("--log", help="What of the interaction the judge is shown."),
    ] = "whole",
    budget: Annotated[
        int, typer.Option("--budget", min=500, help="Tokens a question may take; longer logs are condensed.")
    ] = 30_000,
    votes: Annotated[
        int, typer.Option("--votes", min=0, help="Answers sampled where a server gives no log probabilities.")
    ] = 5,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Attempts or tasks worked on at once.")] = 2,
    record: Annotated[
        Path | None, typer.Option("--record", metavar="FILE", help="Write the judge's answers to FILE.")
    ] = None,
    replay: Annotated[
        Path | None, typer.Option("--replay", metavar="FILE", help="Take the judge's answers from FILE.")
    ] = None,
    sandbox: Sandbox = "bubblewrap",
    index: Index = None,
    as_json: Json = False,
) -> None:
    """Score every attempt of a run; verdicts are appended to RUN/verdicts.jsonl, and what is there is not done again.

    Where rewards are known, the end tells how well the scores agree with them; no verifier sees them. Exits 1 when the
    machinery kept an attempt from having a verdict.
    """
    from r2egym.verifiers import JudgeOptions, JudgeVerifier, find_verifier, read_prompt, verify_run
    from r2egym.verifiers.runs import read_configuration

    read_configuration(run)
    failed = 0
    with ExitStack() as stack:
        chosen: list[CaseVerifier] = []
        if verifier in {"execution-free", "hybrid"}:
            from r2egym.llm import open_model

            if not model and replay is None:
                raise UsageError(
                    f"--verifier {verifier} needs --model (gpt-4o, vllm/ORG/MODEL, openai/NAME with --base-url)"
                )
            judge = open_model(model, base_url=base_url, record=record, replay=replay)
            stack.callback(judge.close)
            words = read_prompt(prompt) if prompt else None
            options = JudgeOptions(layout=layout, prompt=words, log=log, budget=budget, votes=votes)
            chosen.append(JudgeVerifier(judge, options))
        if verifier in {"execution", "hybrid"}:
            from r2egym.environment import Facilities
            from r2egym.sandboxes import open_backend
            from r2egym.verifiers import ExecutionOptions, ExecutionVerifier, read_tests

            rows, home = _dataset(run, dataset), ready_home()
            facilities = stack.enter_context(Facilities(home, open_backend(sandbox, home), index=index))
            if tests is not None:
                files = read_tests(tests)
            elif model:
                files = _written(run, rows, facilities, _tester(model, base_url), test_rollouts, jobs)
            else:
                files = {}
                note("no generated tests (--tests FILE or --model): regression tests alone are run")
            chosen.append(ExecutionVerifier(facilities, rows, files, ExecutionOptions(regression=regression)))
        if verifier not in {"execution", "execution-free", "hybrid"}:
            chosen.append(find_verifier(verifier))
        advance = stack.enter_context(progress())
        for one in chosen:
            for verdict in verify_run(
                run, one, jobs=jobs, report=lambda done, total: advance("verifying", done, total)
            ):
                failed += verdict.failure is not None
                print_json(verdict) if as_json else print_text(_text(verdict))
    _end(run, as_json=as_json)
    if failed:
        note(
            f"{failed} attempts have no verdict, since the machinery failed; the same command tries them again"
        )
        answer_no()


def _dataset(run: Path, named: str) -> Dataset:
    from r2egym.tasks import load_dataset
    from r2egym.verifiers.runs import read_configuration

    source = named or str(read_configuration(run).get("dataset") or "")
    if not source:
        raise UsageError(f"{run} does not say which dataset it ran on; give it with --dataset")
    return load_dataset(source)


def _tester(model: str, base_url: str | None) -> AgentSpec:
    """The testing agent."""
    from r2egym.rollouts import agent_spec
    from r2egym.rollouts.spec import native_by_name

    mode = "function_calling" if native_by_name(model) else "xml"
    return agent_spec("test", model=model, base_url=base_url, mode=mode)


def _written(
    run: Path, rows: Dataset, facilities: Facilities, spec: AgentSpec, rollouts: int, jobs: int
) -> dict[str, tuple[TestFile, ...]]:
    """Tests that a testing agent writes, in a run within the run."""
    from r2egym.rollouts import RunOptions
    from r2egym.verifiers.testers import FOLDER, write_tests

    options = RunOptions(attempts=rollouts, jobs=jobs)
    with progress() as advance:
        return write_tests(
            run / FOLDER, rows, spec, options, facilities,
            report=lambda now: advance("writing tests", now.done, now.total),
        )  # fmt: skip


def _text(verdict: Verdict) -> str:
    said = f"{verdict.instance_id} #{verdict.attempt}  {verdict.verifier}"
    if verdict.failure is not None:
        return f"{said}  no verdict: {verdict.failure.boundary}: {verdict.failure.cause}"
    if verdict.verifier == "execution":
        parts = [
            f"{name} {passed}/{total}"
            for name, passed, total in (
                ("regression", verdict.regression, verdict.regression_total),
                ("generated", verdict.tests, verdict.tests_total),
            )
            if passed is not None
        ]
        score = "  ".join(parts) or "no tests"
    else:
        score = "unknown" if verdict.score is None else f"{verdict.score:.3f}"
    return "  ".join(part for part in (said, score, verdict.how, verdict.note) if part)


def _end(run: Path, *, as_json: bool) -> None:
    """How well verdicts agree with rewards, where there are any."""
    from r2egym.verifiers import diagnose, read_scores, read_verdicts

    found = diagnose(read_scores(run), read_verdicts(run).values())
    if as_json:
        print_json({"diagnosis": found.model_dump(mode="json")})
    else:
        print_text(_told(found))


def _told(found: Diagnosis) -> str:
    if not found.tasks:
        return "no task has both a right and a wrong attempt, so agreement with rewards cannot be told"

    def percent(value: float | None) -> str:
        return "-" if value is None else f"{100 * value:.0f}%"

    agreement = ", ".join(f"{name} {percent(value)}" for name, value in found.agreement.items())
    lines = [
        f"{found.tasks} tasks have right and wrong attempts; the right one scores higher: {agreement or 'no scores'}"
    ]
    if found.generated:
        lines.append(
            f"of {found.generated} generated tests {percent(found.distinguishing)} distinguish, "
            f"{percent(found.toxic)} are toxic, {percent(found.pass_to_pass)} pass before and after"
        )
    return "\n".join(lines)
