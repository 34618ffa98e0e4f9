"""A run and a dataset that are open, and a client that asks for pages as a browser would."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask.testing import FlaskClient
from tests.viewer.corpus import a_task, mixed, write_run

from r2egym.records import Task
from r2egym.tasks import write_dataset
from r2egym.viewer import Catalogue, find_sources
from r2egym.viewer.web import create_app


@pytest.fixture(scope="session")
def task() -> Task:
    """One of the tasks that the run attempts."""
    return a_task()


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory, task: Task) -> Path:
    """A dataset's folder with its funnel."""
    folder = tmp_path_factory.mktemp("data") / "larder"
    reasons = {"no-tests": {"count": 4, "examples": []}, "no-source": {"count": 3, "examples": []}}
    funnel = {
        "repository": "larder",
        "commits": 10,
        "candidates": 3,
        "tasks": 1,
        "stages": [
            {"stage": "mine", "seen": 10, "kept": 3, "rejected": reasons},
            {
                "stage": "build",
                "seen": 3,
                "kept": 1,
                "rejected": {"import-failed": {"count": 2, "examples": []}},
            },
        ],
    }
    write_dataset(folder, [task], funnel=funnel)
    return folder


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run's folder: three tasks, four attempts each."""
    return write_run(tmp_path_factory.mktemp("runs") / "coder", mixed())


@pytest.fixture(scope="session")
def catalogue(run: Path, dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    """Both, open and read."""
    opened = Catalogue.open(find_sources([run, dataset]), tmp_path_factory.mktemp("home"))
    opened.build()
    return opened


@pytest.fixture(scope="session")
def client(catalogue: Catalogue) -> FlaskClient:
    """Asks the application for pages."""
    return create_app(catalogue).test_client()
