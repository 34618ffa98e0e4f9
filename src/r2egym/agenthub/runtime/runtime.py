"""The runtime, where the README of the published package looks for it."""

from __future__ import annotations

from r2egym.agenthub.runtime.base import ExecutionEnvironment
from r2egym.agenthub.runtime.docker import DockerRuntime

__all__ = ["DockerRuntime", "ExecutionEnvironment"]
