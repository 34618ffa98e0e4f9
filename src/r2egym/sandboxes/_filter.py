"""A filter of system calls that no program under test needs, and that have opened kernels before.

A small program for the kernel's packet filter, as ``bwrap --seccomp`` takes it. Each call in it fails with EPERM, as on a machine where an
administrator has forbidden it. Where the processor is another than those known here there is no filter.
"""

from __future__ import annotations

import errno
import platform
import struct

_X86_64 = {
    "add_key": 248, "request_key": 249, "keyctl": 250, "bpf": 321, "perf_event_open": 298, "userfaultfd": 323,
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "open_by_handle_at": 304,
    "kexec_load": 246, "kexec_file_load": 320, "init_module": 175, "finit_module": 313, "delete_module": 176,
    "move_pages": 279, "vmsplice": 278, "lookup_dcookie": 212, "quotactl": 179, "acct": 163, "syslog": 103,
    "mount": 165, "umount2": 166, "pivot_root": 155, "setns": 308, "unshare": 272, "fsopen": 430, "open_tree": 428,
    "move_mount": 429, "mount_setattr": 442, "fanotify_init": 300, "iopl": 172, "ioperm": 173, "modify_ldt": 154,
}  # fmt: skip
_AARCH64 = {
    "add_key": 217, "request_key": 218, "keyctl": 219, "bpf": 280, "perf_event_open": 241, "userfaultfd": 282,
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "open_by_handle_at": 265,
    "kexec_load": 104, "kexec_file_load": 294, "init_module": 105, "finit_module": 273, "delete_module": 106,
    "move_pages": 239, "vmsplice": 75, "lookup_dcookie": 18, "quotactl": 60, "acct": 89, "syslog": 116,
    "mount": 40, "umount2": 39, "pivot_root": 41, "setns": 268, "unshare": 97, "fsopen": 430, "open_tree": 428,
    "move_mount": 429, "mount_setattr": 442, "fanotify_init": 262,
}  # fmt: skip
_MACHINES = {"x86_64": (0xC000003E, _X86_64), "aarch64": (0xC00000B7, _AARCH64)}
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER_AT, _MACHINE_AT = 0, 4
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000
_OTHER_ABI = 0x40000000
"""Numbers from here are the x32 way of calling, which would go round the list."""


def program() -> bytes | None:
    """The filter for this machine; None when its processor is not known here."""
    known = _MACHINES.get(platform.machine())
    if known is None:
        return None
    machine, calls = known
    refused = sorted(set(calls.values()))
    count = len(refused)
    steps = [
        (_LOAD, 0, 0, _MACHINE_AT),
        (_EQUAL, 1, 0, machine),
        (_RETURN, 0, 0, _FAIL | errno.ENOSYS),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_AT_LEAST, count + 1, 0, _OTHER_ABI),
        *((_EQUAL, count - place, 0, number) for place, number in enumerate(refused)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _FAIL | errno.EPERM),
    ]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)
