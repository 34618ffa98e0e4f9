"""Doing one small thing inside a sandbox's namespaces, by a helper that ends at once.

Whoever made a user namespace may enter it, so this asks for no privilege; a container in the user namespace of the host
asks for the privilege of the host's user 0.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence

_NS_GET_USERNS = 0xB701
_ENTER = """\
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
own = os.stat("/proc/self/ns/user")
for handle, kind in ((int(sys.argv[1]), 0x10000000), (int(sys.argv[2]), 0)):
    is_own = os.path.samestat(os.fstat(handle), own)  # no process may enter the user namespace that it is in
    if not is_own and libc.setns(handle, kind):
        sys.exit(os.strerror(ctypes.get_errno()))
"""
_KILL_ALL = """\
import signal
child = os.fork()
if child:
    os.waitpid(child, 0)
else:
    os.kill(-1, signal.SIGKILL)
    os._exit(0)
"""


def enter(init: int, kind: str, code: str, words: Sequence[str] = (), *, pass_fds: Sequence[int] = ()) -> str:
    """Run Python ``code`` inside a namespace (``net``, ``pid``) of process ``init``; what went wrong, or nothing.

    The words are ``sys.argv[3:]``. Raises OSError when the namespace cannot be reached.
    """
    with _handles(init, kind) as handles:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _ENTER + code, *map(str, handles), *words],
            pass_fds=(*handles, *pass_fds),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            env={},
        )
    said = done.stderr.decode(errors="replace").strip().splitlines()
    return (said[-1] if said else f"exit code {done.returncode}") if done.returncode else ""


@contextlib.contextmanager
def _handles(init: int, kind: str) -> Iterator[tuple[int, int]]:
    space = os.open(f"/proc/{init}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        owner = fcntl.ioctl(space, _NS_GET_USERNS)
        try:
            yield owner, space
        finally:
            os.close(owner)
    finally:
        os.close(space)


def kill_all(init: int) -> None:
    """End everything in a PID namespace but its first process, in one step that no fork can outrun."""
    with contextlib.suppress(OSError):
        enter(init, "pid", _KILL_ALL)
