"""Servers of a trained model, in OpenAI's protocol, on loopback: the light one that lies here, or vLLM."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

HERE = Path(__file__).resolve().parent
_PATIENCE = 300
"""Seconds until a server has to answer."""

_VLLM = {"VLLM_CPU_KVCACHE_SPACE": "1"}
_LIGHT = {"OMP_NUM_THREADS": "1"}
"""Threads that wait for each other at every token of a small model take longer than one alone."""


@dataclass(frozen=True)
class Server:
    """What serves models.

    Args:
        python: the interpreter of the environment that it is installed in.
        vllm: whether it is vLLM; else the light one.
    """

    python: Path
    vllm: bool = False

    @contextmanager
    def of(self, model: Path, log: Path) -> Iterator[str]:
        """The address of a server of a model, while the block runs. Raises SystemExit: it did not start."""
        port = _free_port()
        address = f"http://127.0.0.1:{port}/v1"
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [str(self.python), *self._words(model, port)],
                env={**os.environ, "HF_HUB_OFFLINE": "1", **(_VLLM if self.vllm else _LIGHT)},
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )
            try:
                _wait(process, address, log)
                yield address
            finally:
                process.terminate()
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def _words(self, model: Path, port: int) -> list[str]:
        if not self.vllm:
            return [str(HERE / "serve.py"), str(model), "--port", str(port)]
        return [
            "-m", "vllm.entrypoints.openai.api_server", "--model", str(model), "--served-model-name", model.name,
            "--host", "127.0.0.1", "--port", str(port), "--dtype", "float32", "--enforce-eager", "--max-logprobs", "20",
        ]  # fmt: skip


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    """Until it tells of its models."""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            with urlopen(f"{address}/models", timeout=5) as answer:  # noqa: S310 - an address of our own
                json.load(answer)
                return
        except (URLError, OSError, ValueError):
            time.sleep(0.2)
    raise SystemExit(f"circle: a server did not start; see {log}")
