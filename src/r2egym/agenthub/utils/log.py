"""Loggers, under their published name."""

from __future__ import annotations

import logging


def get_logger(name: str = "r2egym", level: int = logging.INFO) -> logging.Logger:
    """A logger of a name. Where its lines go is the program's own choice, as everywhere in Python.

    Args:
        name: of the logger.
        level: what it lets through.
    """
    logger = logging.getLogger(name)
    logger.setLevel(level)
    return logger
