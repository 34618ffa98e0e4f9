"""The published package's loggers, for code that imports them from here. Modules of this package use :mod:`logging` itself."""

from __future__ import annotations

import logging
from logging import CRITICAL, DEBUG, ERROR, INFO, WARNING
from pathlib import Path

__all__ = ["CRITICAL", "DEBUG", "ERROR", "INFO", "WARNING", "setup_logging"]


def setup_logging(
    name: str = "r2e",
    level: int = WARNING,
    log_file: str | Path | None = None,
    console: bool = True,  # noqa: FBT001, FBT002 - the published signature
) -> logging.Logger:
    """A logger of its own, which passes nothing on to others.

    Args:
        name: of the logger; what it was set up with before is forgotten.
        level: what it lets through.
        log_file: where its lines are appended, with their times; its folder is made.
        console: whether they go to standard error.
    """
    logger = logging.getLogger(name)
    for old in tuple(logger.handlers):
        logger.removeHandler(old)
        old.close()
    logger.setLevel(level)
    logger.propagate = False
    handlers: list[logging.Handler] = [logging.StreamHandler()] if console else []
    if log_file:
        path = Path(log_file)
        path.parent.mkdir(parents=True, exist_ok=True)
        handlers.append(logging.FileHandler(path, encoding="utf-8"))
    for handler in handlers:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        logger.addHandler(handler)
    return logger
