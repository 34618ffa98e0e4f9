"""A small dataset to measure on, made of the bundled repository."""

from __future__ import annotations

import os
from pathlib import Path

from r2egym.curation import CurateConfig, Options, curate
from r2egym.demo import unpack
from r2egym.mining import MiningConfig
from r2egym.settings import Settings


def make_dataset(folder: Path, settings: Settings, limit: int) -> None:
    """Make a dataset of the newest candidates of the bundled repository, tried no harder than needed.

    Args:
        folder: where it goes; the repository is unpacked beside it.
        settings: where layers are kept.
        limit: candidates.
    """
    bundled = unpack(folder.parent / "bundled")
    config = CurateConfig(
        source=str(bundled.repository),
        mining=MiningConfig(limit=limit),
        options=Options(runs=1, attacks=False),
        index=bundled.index,
    )
    curate(config, folder, settings.home, jobs=len(os.sched_getaffinity(0)))
