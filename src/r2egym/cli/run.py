"""``r2egym run``: an agent at every task of a dataset, K times, in parallel; a killed run goes on where it was."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from r2egym.cli.console import Json, answer_no, note, print_json, print_text
from r2egym.cli.home import ready_home
from r2egym.cli.live import live_table
from r2egym.cli.options import BaseUrl, Index, Seal

if TYPE_CHECKING:
    from r2egym.agents import Mode
    from r2egym.records import Strength
    from r2egym.rollouts import Progress, Summary
    from r2egym.tasks import Dataset

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def run(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="A dataset's folder, file, or hub id.")],
    agent: Annotated[
        str, typer.Option("--agent", help="Who acts: edit, test, oracle, noop, or script:FILE.")
    ],
    out: Annotated[
        Path, typer.Option("--out", metavar="RUN", help="The run's folder; a killed run resumes in it.")
    ],
    model: Annotated[
        str,
        typer.Option(
            "--model", metavar="NAME", help="gpt-4o, claude-…, vllm/ORG/MODEL, openai/NAME, litellm/…"
        ),
    ] = "",
    base_url: BaseUrl = None,
    attempts: Annotated[int, typer.Option("-k", "--attempts", min=1, help="Attempts a task.")] = 1,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Attempts under way at once.")] = 2,
    engine: Annotated[
        Literal["local", "ray"], typer.Option("--engine", help="What spreads the work: threads here, or Ray.")
    ] = "local",
    calls: Annotated[
        Literal["auto", "native", "xml"],
        typer.Option(
            "--calls", help="How calls are made: natively or as XML text; auto goes by the model's name."
        ),
    ] = "auto",
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="YAML", help="Your own prompts, in the published shape."),
    ] = None,
    temperature: Annotated[float, typer.Option("--temperature", min=0.0, max=2.0)] = 0.0,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Of the model; attempt N asks with this plus N.")
    ] = None,
    logprobs: Annotated[
        bool,
        typer.Option(
            "--logprobs",
            help="Keep each token's log probability, and answers letter by letter, for `export --for rl`.",
        ),
    ] = False,
    max_steps: Annotated[
        int, typer.Option("--max-steps", min=1, help="Steps after which the agent is asked to hand in.")
    ] = 40,
    max_steps_absolute: Annotated[
        int, typer.Option("--max-steps-absolute", min=1, help="Steps after which it ends.")
    ] = 50,
    max_tokens: Annotated[
        int,
        typer.Option(
            "--max-tokens", min=1, help="Tokens of one request and its answer, after which it ends."
        ),
    ] = 32_768,
    max_answer_tokens: Annotated[
        int | None,
        typer.Option(
            "--max-answer-tokens", min=1, help="Tokens of one answer (default: the server's own bound)."
        ),
    ] = None,
    max_seconds: Annotated[
        int, typer.Option("--max-seconds", min=1, help="Seconds of models and commands, after which it ends.")
    ] = 1_200,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Most tasks, in their order.")] = None,
    task: Annotated[
        list[str] | None, typer.Option("--task", metavar="ID", help="Only this task; may be given again.")
    ] = None,
    split: Annotated[str | None, typer.Option("--split", help="Split of a hub's dataset.")] = None,
    sandbox: Annotated[
        Literal["auto", "bubblewrap", "docker"],
        typer.Option("--sandbox", help="Where commands and tests run."),
    ] = "auto",
    history: Annotated[
        Literal["past", "none"], typer.Option("--history", help="What an agent's .git holds.")
    ] = "past",
    persistent_shell: Annotated[
        bool, typer.Option("--persistent-shell", help="One shell for all commands of an attempt.")
    ] = False,
    sandboxes: Annotated[
        int | None, typer.Option("--sandboxes", min=1, help="Agents' sandboxes at once (default: --jobs).")
    ] = None,
    model_calls: Annotated[
        int | None, typer.Option("--model-calls", min=1, help="Model calls at once (default: --jobs).")
    ] = None,
    seal: Seal = False,
    min_seal: Annotated[
        Literal["none", "polarity", "strong"],
        typer.Option(
            "--min-seal",
            help="Only tasks with an F2P test whose answer is withheld this strongly, as their rows say.",
        ),
    ] = "none",
    graders: Annotated[int, typer.Option("--graders", min=1, help="Grading runs at once.")] = 2,
    retries: Annotated[
        int, typer.Option("--retries", min=0, help="How often what the machinery failed is tried again.")
    ] = 2,
    retry_masked: Annotated[
        bool, typer.Option("--retry-masked", help="Run attempts again that ended without a reward.")
    ] = False,
    record: Annotated[
        Path | None, typer.Option("--record", metavar="FILE", help="Write the model's answers to FILE.")
    ] = None,
    replay: Annotated[
        Path | None, typer.Option("--replay", metavar="FILE", help="Take the model's answers from FILE.")
    ] = None,
    index: Index = None,
    as_json: Json = False,
) -> None:
    """Run an agent K times at every task; one line an attempt, as it ends.

    Exits 1 when the machinery kept an attempt from having a reward: that is no reward of 0.
    """
    from r2egym.agents import LoopOptions, Sampling, read_config
    from r2egym.environment import Facilities, WorkOptions
    from r2egym.environment.facilities import backend_for
    from r2egym.records import RolloutLimits
    from r2egym.rollouts import Run, RunOptions, agent_spec
    from r2egym.sandboxes import open_backend

    rows = _chosen(dataset, split, task, limit, min_seal)
    spec = agent_spec(
        agent,
        model=model,
        base_url=base_url,
        mode=_mode(calls, model),
        config=read_config(config) if config else None,
        record=record,
        replay=replay,
    )
    options = RunOptions(
        loop=LoopOptions(
            limits=RolloutLimits(
                max_steps=max_steps,
                max_steps_absolute=max(max_steps, max_steps_absolute),
                max_token_limit=max_tokens,
                max_total_time=max_seconds,
            ),
            sampling=Sampling(temperature=temperature, seed=seed, max_tokens=max_answer_tokens),
            logprobs=logprobs,
        ),
        work=WorkOptions(history=history, persistent_shell=persistent_shell, seal=seal),
        attempts=attempts,
        jobs=jobs,
        sandboxes=sandboxes,
        model_calls=model_calls,
        graders=graders,
        retries=retries,
    )
    home = ready_home()
    backend = open_backend(backend_for(rows, sandbox), home)
    with Facilities(home, backend, index=index) as facilities, live_table(f"{agent} at {dataset}") as report:
        started = Run(
            out,
            [(row, rows.root) for row in rows],
            spec,
            options,
            facilities,
            source=dataset,
            report=report,
            engine=engine,
            retry_masked=retry_masked,
        )
        for summary in started:
            if as_json:
                print_json(summary)
            else:
                print_text(_text(summary))
        done = started.progress
    if not as_json:
        print_text(_total(done, out))
    if done.masked:
        counted = ", ".join(f"{count} x {name}" for name, count in sorted(done.failures.items()))
        note(
            f"{done.masked} attempts have no reward, since the machinery failed ({counted}); see rewards.jsonl"
        )
        answer_no()


def _chosen(
    name: str, split: str | None, wanted: list[str] | None, limit: int | None, least: Strength
) -> Dataset:
    from r2egym.errors import UsageError
    from r2egym.tasks import Dataset, load_dataset, seal_of, sealed_at_least

    found = load_dataset(name, split=split)
    tasks = tuple(found.find(one) for one in wanted) if wanted else found.tasks
    if least != "none":
        if all(seal_of(task) is None for task in tasks):
            raise UsageError(
                f"{name}: its rows do not tell how strongly answers are withheld; curate it anew"
            )
        tasks = tuple(task for task in tasks if sealed_at_least(task, least))
        if not tasks:
            raise UsageError(f"{name}: no task is sealed as --min-seal {least} asks")
    return Dataset(tasks[:limit], found.root)


def _mode(calls: str, model: str) -> Mode:
    if calls == "auto":
        from r2egym.rollouts.spec import native_by_name

        return "function_calling" if native_by_name(model) else "xml"
    return "function_calling" if calls == "native" else "xml"


def _text(summary: Summary) -> str:
    if summary.failure is not None:
        said = f"no reward: {summary.failure['boundary']}: {summary.failure['cause']}"
    else:
        said = f"reward {summary.score:g}"
    notes = [f"tampering: {line}" for line in summary.tampering[:1]]
    return "  ".join(
        (
            f"{summary.instance_id} #{summary.attempt}",
            said,
            f"{summary.steps} steps",
            summary.exit_reason,
            *notes,
        )
    )


def _total(done: Progress, out: Path) -> str:
    mean = "none" if done.mean is None else f"{done.mean:.3f}"
    resumed = f" ({done.resumed} from before)" if done.resumed else ""
    return (
        f"{done.done} attempts{resumed}, mean reward {mean}, {done.masked} masked, "
        f"{done.tokens} tokens, {done.seconds:.1f} s; {out}"
    )
