"""The one door of a sandbox whose network is ``index``: its ``127.0.0.1:8765`` leads to a Unix socket of the host.

The listening socket is made inside the sandbox's network namespace by a short-lived helper that hands it out, and is accepted
on the host. So nothing runs inside for it, it is there before the first command, and no other address leads anywhere.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from pathlib import Path

from r2egym.errors import SandboxStartError
from r2egym.sandboxes._enter import enter

PORT = 8765
_CONNECTIONS = 128
_CHUNK = 1 << 16
_OPEN_DOOR = """\
import socket
out, port = map(int, sys.argv[3:])
door = socket.socket()
door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
door.bind(("127.0.0.1", port))
door.listen(64)
socket.send_fds(socket.socket(fileno=out), [b"."], [door.fileno()])
"""


class Relay:
    """Takes connections of one sandbox to the Unix socket at ``target`` until it is closed.

    Args:
        init: process id, on the host, of a process inside.
        target: path of the Unix socket.
    """

    def __init__(self, init: int, target: str) -> None:
        self._target = Path(target).absolute()
        self._door = _open_door(init)
        self._places = threading.BoundedSemaphore(_CONNECTIONS)
        threading.Thread(target=self._accept, name="r2egym-relay", daemon=True).start()

    def close(self) -> None:
        """Take no more connections; those under way end with the sandbox."""
        with contextlib.suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()

    def _accept(self) -> None:
        while True:
            self._places.acquire()
            try:
                inner, _ = self._door.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(inner,), name="r2egym-relay", daemon=True).start()

    def _serve(self, inner: socket.socket) -> None:
        try:
            with inner, _connect(self._target) as outer:
                back = threading.Thread(target=_pump, args=(outer, inner), name="r2egym-relay", daemon=True)
                back.start()
                _pump(inner, outer)
                back.join()
        except OSError:
            return
        finally:
            self._places.release()


def _connect(path: Path) -> socket.socket:
    """Connect to a Unix socket, also when its path is longer than such an address may be (108 bytes)."""
    outer = socket.socket(socket.AF_UNIX)
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        outer.connect(f"/proc/self/fd/{folder}/{path.name}")
    except BaseException:
        outer.close()
        raise
    finally:
        os.close(folder)
    return outer


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(_CHUNK):
            target.sendall(chunk)
    for end, how in ((target, socket.SHUT_WR), (source, socket.SHUT_RD)):
        with contextlib.suppress(OSError):
            end.shutdown(how)


def _open_door(init: int) -> socket.socket:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        words = [str(theirs.fileno()), str(PORT)]
        try:
            trouble = enter(init, "net", _OPEN_DOOR, words, pass_fds=[theirs.fileno()])
        except OSError as error:
            raise SandboxStartError(f"the sandbox's network cannot be reached: {error.strerror}") from error
        if trouble:
            raise SandboxStartError(f"the sandbox's door to the index cannot be made: {trouble}")
        _, handles, _, _ = socket.recv_fds(ours, 1, 1)
    return socket.socket(fileno=handles[0])
