"""One command in a sandbox of its own: the command is what ``bwrap`` runs, and its exit code comes from ``bwrap``."""

from __future__ import annotations

import contextlib
import os
import posixpath
import select
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from r2egym.errors import SandboxError, SandboxStartError, UsageError
from r2egym.records import ExecResult
from r2egym.sandboxes._launch import Jail, isolation, launch
from r2egym.sandboxes._mounts import default_env, plan
from r2egym.sandboxes._output import Stream
from r2egym.sandboxes._shell import Channel, socket_pair
from r2egym.sandboxes._workspace import Workspace
from r2egym.sandboxes.base import TIMEOUT_EXIT_CODE, SandboxConfig

_GATE = """\
fd=$1; shift
{setup}
printf 'R\\n' >&$fd
IFS= read -r -u $fd go || exit 125
eval "exec $fd>&-"
unset fd go OLDPWD SHLVL _
cd -- "$1" || exit 126
shift
exec -- "$@"
"""
_READY_SECONDS = 60.0
_CHUNK = 1 << 16


def run(
    config: SandboxConfig,
    command: Sequence[str],
    workspace: Workspace,
    home: Path,
    timeout: float | None,
    stdin: bytes | None,
    output_limit: int,
) -> ExecResult:
    """Run ``command``; see :meth:`r2egym.sandboxes.base.Backend.run`."""
    words = list(command)
    if not words or any("\0" in word for word in words):
        raise UsageError("a command needs at least one word, and no word can hold a NUL character")
    mounts = plan(config, workspace, home, stacked={})
    ours, theirs = socket_pair()
    pipes = [os.pipe2(os.O_CLOEXEC) for _ in range(3)]
    (source, feed), (out, out_write), (err, err_write) = pipes
    with contextlib.ExitStack() as stack:
        stack.callback(ours.close)
        for descriptor in (feed, out, err):
            os.set_blocking(descriptor, False)
        mine = {feed: True}
        stack.callback(lambda: [os.close(descriptor) for descriptor in (out, err, *mine)])
        environment = [part for pair in default_env(config).items() for part in ("--setenv", *pair)]
        fd = theirs.fileno()
        try:
            jail = launch(
                [*isolation(config), *environment, *mounts.arguments, "--chdir", "/"],
                [
                    "/bin/bash",
                    "--norc",
                    "--noprofile",
                    "-c",
                    _GATE.format(setup="ulimit -c 0"),
                    "gate",
                    str(fd),
                ]
                + [posixpath.join("/", config.cwd), *words],
                pass_fds=(fd,),
                stdin=source,
                stdout=out_write,
                stderr=err_write,
            )
        finally:
            theirs.close()
            for descriptor in (source, out_write, err_write):
                os.close(descriptor)
        stack.callback(jail.kill)
        channel = Channel(ours.fileno(), ours.fileno())
        try:
            channel.wait("R", _READY_SECONDS)
        except SandboxError as error:
            jail.kill()
            with contextlib.suppress(BlockingIOError):
                reason = os.read(err, 1 << 16).decode(errors="replace").strip().splitlines()
                raise SandboxStartError(
                    f"the sandbox did not start: {reason[-1] if reason else error}"
                ) from error
            raise
        started = time.monotonic()
        channel.tell(b"go\n")
        streams = (
            Stream(out, output_limit, None),
            Stream(err, output_limit, None),
        )
        timed_out = _pump(jail, streams, mine, stdin or b"", timeout)
        status = jail.process.wait()
        duration = time.monotonic() - started
    text, _ = streams[0].finish()
    errors, _ = streams[1].finish()
    return ExecResult(
        exit_code=TIMEOUT_EXIT_CODE if timed_out else status if status >= 0 else 128 - status,
        stdout=text,
        stderr=errors,
        timed_out=timed_out,
        duration=duration,
        truncated=streams[0].truncated or streams[1].truncated,
    )


def _pump(
    jail: Jail, streams: tuple[Stream, Stream], feed: dict[int, bool], stdin: bytes, timeout: float | None
) -> bool:
    """Feed and drain until ``bwrap`` has ended; whether the time limit ended it."""
    deadline = None if timeout is None else time.monotonic() + timeout
    process = os.pidfd_open(jail.process.pid)
    poll = select.poll()
    poll.register(process, select.POLLIN)
    by_descriptor = {stream.descriptor: stream for stream in streams}
    for descriptor in by_descriptor:
        poll.register(descriptor, select.POLLIN)
    (writer,) = feed
    rest = memoryview(stdin)
    poll.register(writer, select.POLLOUT)
    timed_out = False
    try:
        while True:
            now = time.monotonic()
            if deadline is not None and now >= deadline:
                timed_out, deadline = True, None
                jail.kill()
            events = poll.poll(None if deadline is None else max(0.0, deadline - now) * 1000 + 1)
            for descriptor, _ in events:
                if descriptor in by_descriptor:
                    if not by_descriptor[descriptor].read():
                        poll.unregister(descriptor)
                elif descriptor == writer:
                    try:
                        rest = rest[os.write(writer, rest[:_CHUNK]) :] if rest else rest
                    except BrokenPipeError:
                        rest = rest[:0]
                    if not rest:
                        poll.unregister(writer)
                        os.close(writer)
                        feed.clear()
            if any(descriptor == process for descriptor, _ in events):
                break
    finally:
        os.close(process)
    for stream in streams:
        stream.drain()
    return timed_out
