"""``r2egym images``: the Docker images of a dataset's tasks. Only what carries our label is ever touched."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from r2egym.cli.console import Json, answer_no, print_json, print_text, progress
from r2egym.cli.home import ready_home
from r2egym.cli.options import Index

if TYPE_CHECKING:
    from r2egym.environment.images import TaskImage, TaskImages
    from r2egym.records import Task

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_Dataset = Annotated[str, typer.Argument(metavar="DATASET", help="A dataset's folder, file, or hub id.")]
_Limit = Annotated[int | None, typer.Option("--limit", min=1, help="Most tasks, in their order.")]
_Chosen = Annotated[list[str] | None, typer.Option("--task", metavar="ID", help="A task; may be repeated.")]
_Base = Annotated[
    str | None,
    typer.Option("--base", metavar="IMAGE", help="The system to stand on; default: $R2EGYM_DOCKER_BASE."),
]
_Registry = Annotated[str, typer.Option("--registry", metavar="HOST/NAME", help="Where images are kept.")]


@app.callback(invoke_without_command=True)
def images(context: typer.Context) -> None:
    """Build, push, pull or remove the Docker images of tasks."""
    if context.invoked_subcommand is None:
        print_text(context.get_help())


@app.command()
def build(
    dataset: _Dataset,
    task: _Chosen = None,
    limit: _Limit = None,
    base: _Base = None,
    index: Index = None,
    as_json: Json = False,
) -> None:
    """Make the images that the engine has not; layers that tasks share are made once."""
    _each(dataset, task, limit, base, "", index, lambda all_: all_.build, as_json=as_json)


@app.command()
def push(
    dataset: _Dataset,
    registry: _Registry,
    task: _Chosen = None,
    limit: _Limit = None,
    base: _Base = None,
    index: Index = None,
    as_json: Json = False,
) -> None:
    """Make the images, and send them to a registry."""
    _each(dataset, task, limit, base, registry, index, lambda all_: all_.push, as_json=as_json)


@app.command()
def pull(
    dataset: _Dataset,
    registry: _Registry,
    task: _Chosen = None,
    limit: _Limit = None,
    base: _Base = None,
    index: Index = None,
    as_json: Json = False,
) -> None:
    """Bring the images that the engine has not from a registry, and check that they are the ones."""
    _each(dataset, task, limit, base, registry, index, lambda all_: all_.pull, as_json=as_json)


@app.command()
def prune(
    dataset: _Dataset,
    task: _Chosen = None,
    limit: _Limit = None,
    base: _Base = None,
    index: Index = None,
    as_json: Json = False,
) -> None:
    """Remove the images of a dataset's tasks, and nothing else; exits 1 when some are in use."""
    _each(dataset, task, limit, base, "", index, lambda all_: all_.prune, as_json=as_json)


def _each(
    dataset: str,
    wanted: list[str] | None,
    limit: int | None,
    base: str | None,
    registry: str,
    index: Path | None,
    verb: Callable[[TaskImages], Callable[[Iterable[Task]], Iterator[TaskImage]]],
    *,
    as_json: bool,
) -> None:
    from r2egym import settings
    from r2egym.environment import Facilities
    from r2egym.environment.images import TaskImages
    from r2egym.sandboxes.docker import DockerBackend
    from r2egym.tasks import load_dataset

    rows = load_dataset(dataset)
    tasks = tuple(rows.find(one) for one in wanted) if wanted else rows.tasks
    tasks = tasks[:limit]
    home = ready_home()
    backend = DockerBackend(home, base=settings.load().docker_base if base is None else base)
    busy = False
    with Facilities(home, backend, index=index) as facilities, progress() as advance:
        found = verb(TaskImages(facilities, rows.root, registry))(tasks)
        for number, image in enumerate(found, 1):
            advance("images", number, len(tasks))
            busy = busy or image.state == "in use"
            if as_json:
                print_json(image)
            else:
                size = "" if image.bytes is None else f"  {image.bytes / 1e6:.1f} MB"
                print_text(f"{image.instance_id}  {image.image}  {image.state}{size}")
    if busy:
        answer_no()
