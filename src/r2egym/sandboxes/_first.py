"""The first process of a sandbox: what every backend brings, and what the rest of this room needs of it.

It is ``bash`` as process 1 of a PID namespace, which nothing inside can kill or stop. It is told what to do through a descriptor
and answers through another (or the same); :class:`r2egym.sandboxes._server.Server` does the talking.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from r2egym.sandboxes._limits import shell_limits
from r2egym.sandboxes._mounts import IO_FOLDER
from r2egym.sandboxes._talk import Channel
from r2egym.sandboxes.base import Limits

_SCRIPT = """\
exec </dev/null >/dev/null 2>&1
set -m
unset OLDPWD SHLVL _
{limits}
p='printf "S %s\\n" $t >&{say}
( exec {ask}<&- {say}>&-; set +m; {yields} eval "unset c i line p t; $c" ) <$i >{io}/$t.out 2>{io}/$t.err
printf "E %s %d\\n" $t $? >&{say}'
printf 'R\\n' >&{say}
while IFS= read -r -u {ask} line; do eval "$line"; done
"""
"""The command server. ``p`` runs code ``c`` as command ``t`` with input ``i``; it stands there once, because ``read`` takes a
system call for each byte of a request."""
READY_SECONDS = 60.0
YIELD = "echo 500 >/proc/self/oom_score_adj;"
"""Shell code: when memory runs out, end this and what comes of it before the server."""


class First(Protocol):
    """A running first process."""

    init: int
    """Its process id on the host."""
    parent: int
    """Its parent's, on the host: the kernel may give ``init`` to another process, and the parent tells."""
    namespace: str
    """Name of its PID namespace: what is signalled must live there, whatever its process id was before."""
    channel: Channel
    say: int
    """The descriptor, inside, through which it answers."""
    owner: int | None
    """The user, on the host, to whom files made for the sandbox must belong; None: they do already."""
    held: Mapping[str, str]
    """By limit that the kernel holds for it, what holds it."""

    def is_alive(self) -> bool:
        """Whether it runs."""
        ...

    def kill(self) -> None:
        """End every process in its namespace; returns when they are gone. Twice is safe."""
        ...

    def ran_out_of_memory(self) -> bool:
        """Whether the kernel has ended a process for want of memory since the last call."""
        ...

    def close(self) -> None:
        """Let go of what it was held by; its processes are gone. Twice is safe."""
        ...


def server_script(limits: Limits, held: Mapping[str, str], *, ask: int, say: int) -> str:
    """What the first process runs: it reads requests from descriptor ``ask`` and answers through ``say``."""
    return _SCRIPT.format(
        ask=ask, say=say, io=IO_FOLDER, yields=YIELD, limits=shell_limits(limits, dict(held))
    )
