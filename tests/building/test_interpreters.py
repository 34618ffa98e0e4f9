"""Interpreters as layers."""

import re

from r2egym.building.assembly import Assembly
from r2egym.building.interpreters import Interpreter, interpreter_layer
from r2egym.sandboxes.base import Backend, SandboxConfig


def test_nothing_is_compiled_at_start(backend: Backend, assembly: Assembly, interpreter: Interpreter):
    """A module of the standard library comes from byte code, whether the check of the copy imported it or not."""
    config = SandboxConfig(layers=(interpreter_layer(assembly.store, interpreter),))
    modules = "import json, re, enum, threading, subprocess, hashlib, email.message, argparse"
    done = backend.run(
        config, ["/opt/r2egym/python/bin/python3", "-s", "-B", "-v", "-c", modules], timeout=60
    )
    assert done.exit_code == 0
    assert re.findall(r"code object from '?(\S+\.pyc)", done.stderr)
    assert re.findall(r"code object from '?(\S+\.py)\b(?!c)", done.stderr) == []
