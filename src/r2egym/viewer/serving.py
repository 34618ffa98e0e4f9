"""Serving the pages, and keeping the indexes up to date meanwhile."""

from __future__ import annotations

import logging
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from r2egym.errors import UsageError
from r2egym.viewer.catalogue import Catalogue
from r2egym.viewer.web import create_app

_IDLE = 1.0
"""Seconds between two looks at files that nobody writes to."""


@contextmanager
def serve(catalogue: Catalogue, host: str, port: int) -> Iterator[tuple[str, Callable[[], None]]]:
    """A server, and the thread that keeps the indexes up to date; both end with the block.

    Args:
        catalogue: all that is open.
        host: to listen at.
        port: 0: any that is free.

    Yields:
        Its address, and a function that serves until it is interrupted.

    Raises:
        UsageError: the port is taken, or the host is none of this machine's.
    """
    app = create_app(catalogue, hosts=_names(host))
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    try:
        _try_port(host, port)
        server = make_server(host, port, app, threaded=True)
    except OSError as error:
        raise UsageError(
            f"cannot listen at {host}:{port} ({error.strerror}); choose another --port or --host"
        ) from None
    stopped = threading.Event()
    reader = threading.Thread(target=_keep_up, args=(catalogue, stopped), name="viewer-index", daemon=True)
    reader.start()
    try:
        name = f"[{host}]" if ":" in host else host
        yield f"http://{name}:{server.port}/", server.serve_forever
    finally:
        stopped.set()
        server.server_close()
        reader.join(timeout=10)


def _try_port(host: str, port: int) -> None:
    """Find out whether one can listen there: the server itself would end the process where one cannot."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        trial.bind((host, port))


def _names(host: str) -> frozenset[str]:
    """The names under which a server that listens at ``host`` may be called."""
    if host in {"127.0.0.1", "::1", "localhost"}:
        return frozenset()
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - what the user asked for
        return frozenset({"", socket.gethostname().lower(), socket.getfqdn().lower()})
    return frozenset({host.lower()})


def _keep_up(catalogue: Catalogue, stopped: threading.Event) -> None:
    while not stopped.is_set():
        more = False
        for run in catalogue.runs.values():
            try:
                more = run.index.refresh() or more
            except (
                OSError,
                sqlite3.Error,
            ):  # a file that is being replaced, a full disk: the next look may find it well
                continue
        stopped.wait(0.0 if more else _IDLE)
