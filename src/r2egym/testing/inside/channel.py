# mypy: ignore-errors - Python 2.7 has no annotations
"""The way out: one JSON object a line on a private copy of standard output.

The functions used are bound when this module is loaded, before any code of the task runs, and only the process that
opened the channel may write: a fork of it stays silent. What is said here is believed by nobody without a check.
"""

import json
import os

TEXT = type(b"".decode())
"""``str``, on Python 2 ``unicode``."""


def open_channel(nonce):
    """Keep descriptor 1 for us, point 0 at nothing and 1 at 2; return ``emit(kind, **fields)``."""
    out = os.dup(1)
    if out < 64:  # out of the way of code that closes low numbers
        import fcntl

        high = fcntl.fcntl(out, fcntl.F_DUPFD, 64)
        os.close(out)
        out = high
    _close_on_exec(out)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    owner = os.getpid()
    write, getpid, dumps = os.write, os.getpid, json.JSONEncoder(ensure_ascii=True, sort_keys=True).encode

    def emit(kind, **fields):
        if getpid() != owner:
            return
        fields["n"], fields["t"] = nonce, kind
        data = (dumps(fields) + "\n").encode("ascii")
        while data:
            data = data[write(out, data) :]

    return emit


def _close_on_exec(descriptor):
    import fcntl

    flags = fcntl.fcntl(descriptor, fcntl.F_GETFD)
    fcntl.fcntl(descriptor, fcntl.F_SETFD, flags | fcntl.FD_CLOEXEC)


def native(value):
    """Plain data with all its text as ``str``: for Python 2, where JSON gives ``unicode`` and much takes ``str`` only."""
    if isinstance(value, dict):
        return {native(key): native(part) for key, part in value.items()}
    if isinstance(value, list):
        return [native(part) for part in value]
    return value.encode("utf-8") if str is bytes and isinstance(value, TEXT) else value


def text_of(value, limit=8000):
    """``value`` as text, its first and last parts when it is longer than ``limit`` characters."""
    try:
        text = value if isinstance(value, TEXT) else str(value)
        if isinstance(text, bytes):
            text = text.decode("utf-8", "replace")
    except Exception as error:
        text = "<%s while describing a failure>" % type(error).__name__
    if len(text) > limit:
        half = limit * 7 // 16
        text = text[:half] + "\n[...]\n" + text[-half:]
    return text
