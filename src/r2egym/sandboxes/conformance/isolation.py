"""Checks of isolation: nothing of the host is inside but what was given."""

# ruff: noqa: PLR2004, S108 - the numbers are what a check asks for; the paths lie inside a sandbox

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path
from typing import Self

from r2egym.sandboxes.base import Capability
from r2egym.sandboxes.conformance.case import Case, check, expect, expect_that

_CONNECT = "exec 3<>/dev/tcp/127.0.0.1/{port} && cat <&3"


@check()
def host_files_are_hidden(case: Case) -> None:
    """A file of this machine outside every layer is not there; nor are its users' folders."""
    secret = case.folder / "secret"
    secret.write_text("host")
    with case.open() as sandbox:
        expect_that(sandbox.exec(["cat", str(secret)]).exit_code != 0, "a file of the host can be read")
        home = sandbox.exec("ls -A /home /root /mnt /srv 2>/dev/null | grep -v :").stdout.split()
        expect(home, [], "what lies in users' folders")


@check()
def host_processes_are_hidden(case: Case) -> None:
    """Only the sandbox's own processes are seen, and the host's cannot be signalled."""
    with case.open() as sandbox:
        pids = sandbox.exec("cd /proc; echo [0-9]*").stdout.split()
        expect_that(len(pids) < 8, f"{len(pids)} processes are seen")
        result = sandbox.exec(["bash", "-c", f"kill -0 {os.getpid()}"])
        expect_that(result.exit_code != 0 or str(os.getpid()) in pids, "this very process can be signalled")


@check()
def host_names_are_hidden(case: Case) -> None:
    """The host's name is not known inside."""
    with case.open() as sandbox:
        expect_that(
            sandbox.exec(["uname", "-n"]).stdout.strip() != socket.gethostname(), "the host's name is known"
        )


@check()
def no_network(case: Case) -> None:
    """A server of the host on the loopback interface cannot be reached, nor can one on a Unix socket's name."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        with case.open() as sandbox:
            result = sandbox.exec(_CONNECT.format(port=server.getsockname()[1]), timeout=10)
            expect_that(result.exit_code != 0 and not result.timed_out, "the host's loopback can be reached")
            expect(
                sandbox.exec("ls /sys/class/net /run/*.sock 2>/dev/null").stdout, "", "interfaces and sockets"
            )


@check()
def loopback_works(case: Case) -> None:
    """Programs inside can talk to each other over their own loopback interface."""
    script = (
        "import socket; s = socket.create_server(('127.0.0.1', 0)); c = socket.create_connection(s.getsockname());"
        "s.accept()[0].sendall(b'hi'); print(c.recv(9))"
    )
    with case.open() as sandbox:
        if sandbox.exec("type python3").exit_code == 0:
            expect(sandbox.exec(["python3", "-c", script], timeout=20).stdout, "b'hi'\n", "what came back")


@check(Capability.NETWORK_INDEX)
def index_is_the_only_door(case: Case) -> None:
    """With network ``index``, 127.0.0.1:8765 leads to the given Unix socket, and nothing else leads anywhere."""
    path = case.folder / ("long" * 30) / "index"
    path.parent.mkdir()
    with _Greeter(path), case.open(network="index", index=str(path)) as sandbox:
        for _ in range(3):
            expect(sandbox.exec(_CONNECT.format(port=8765), timeout=20).stdout, "hello", "what the door said")
        result = sandbox.exec(_CONNECT.format(port=8766), timeout=20)
        expect_that(result.exit_code != 0 and not result.timed_out, "another port can be reached")


class _Greeter:
    """A Unix socket that says hello to each who connects."""

    def __init__(self, path: Path) -> None:
        self._server = socket.socket(socket.AF_UNIX)
        folder = os.open(path.parent, os.O_PATH)
        self._server.bind(f"/proc/self/fd/{folder}/{path.name}")
        os.close(folder)
        self._server.listen()

    def __enter__(self) -> Self:
        threading.Thread(target=self._work, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _work(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            with client:
                client.sendall(b"hello")


@check()
def no_privileges(case: Case) -> None:
    """No capability, no way to a new one, no user namespace, and not user 0."""
    with case.open() as sandbox:
        status = sandbox.exec("grep -E '^(CapPrm|CapEff|CapBnd|NoNewPrivs)' /proc/self/status").stdout.split()
        expect(status[1::2], ["0" * 16, "0" * 16, "0" * 16, "1"], "capabilities and NoNewPrivs")
        expect(sandbox.exec(["id", "-u"]).stdout, "1000\n", "user id")
        expect_that(sandbox.exec(["unshare", "-Ur", "true"]).exit_code != 0, "a user namespace can be made")
        expect_that(
            sandbox.exec(["mount", "-t", "tmpfs", "x", "/tmp"]).exit_code != 0, "something can be mounted"
        )


@check()
def kernel_settings_are_read_only(case: Case) -> None:
    """Nothing under /proc/sys, nor any other switch of the kernel, can be written to."""
    with case.open() as sandbox:
        found = sandbox.exec("find /proc/sys /sys -writable -type f 2>/dev/null | head -3").stdout
        expect(found, "", "settings that can be written to")
        for name in ("sysrq-trigger", "kcore", "kmsg"):
            script = f"[ ! -w /proc/{name} ] || [ -c /proc/{name} ]"
            expect(sandbox.exec(script).exit_code, 0, f"a protected /proc/{name}")


@check()
def system_is_read_only(case: Case) -> None:
    """The host's programs cannot be changed from inside."""
    with case.open() as sandbox:
        script = "touch /usr/bin/planted 2>/dev/null || echo x >>/usr/bin/env 2>/dev/null || rm -f /usr/bin/env 2>/dev/null"
        expect_that(sandbox.exec(script).exit_code != 0, "the system can be written to")
        expect_that(
            Path("/usr/bin/env").exists() and not Path("/usr/bin/planted").exists(), "the host was changed"
        )


@check()
def sandboxes_are_apart(case: Case) -> None:
    """One sandbox sees nothing of another: files, processes, shared memory, abstract sockets."""
    with case.open() as one, case.open() as other:
        one.exec(
            "echo x >/tmp/mine; echo x >/dev/shm/mine; echo x >/root/mine; setsid sleep 4714 >/dev/null 2>&1 &"
        )
        expect(other.exec("ls -A /tmp /dev/shm /root | grep mine").stdout, "", "files of the other")
        expect(
            other.exec("cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -o 'sleep 4714 $'").stdout,
            "",
            "processes",
        )


@check()
def places_to_write(case: Case) -> None:
    """The usual places can be written to, devices work, and the loader finds libraries."""
    with case.open() as sandbox:
        script = "for d in /tmp /var/tmp /dev/shm /root /home ~ /run /opt /; do touch $d/x || echo $d; done; "
        script += (
            "echo a >/dev/null; head -c 3 /dev/zero | wc -c; head -c 3 /dev/urandom | wc -c; ls >/dev/stdout"
        )
        result = sandbox.exec(script)
        expect(result.stdout.split(), ["3", "3", "a.txt"], "what the script printed")
        expect(result.stderr, "", "complaints")
        expect(sandbox.exec(["bash", "-c", "echo x >/dev/file"]).exit_code, 1, "a file among the devices")


CHECKS = [
    host_files_are_hidden,
    host_processes_are_hidden,
    host_names_are_hidden,
    no_network,
    loopback_works,
    index_is_the_only_door,
    no_privileges,
    kernel_settings_are_read_only,
    system_is_read_only,
    sandboxes_are_apart,
    places_to_write,
]
