"""The root of a sandbox on the host's ``/usr``: a small read-only tree with an ``/etc`` of our own.

Nothing of the host's ``/etc`` comes in but what programs of ``/usr`` cannot do without (the loader's cache, alternatives,
certificates, the clock's zone) and what everyone may read. No passwords, no host name, no addresses.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import threading
from pathlib import Path

from r2egym.sandboxes._trees import remove_tree

_COPIED = (
    "alternatives",
    "ca-certificates.conf",
    "debian_version",
    "fonts",
    "inputrc",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "magic",
    "mime.types",
    "os-release",
    "pki/ca-trust/extracted",
    "pki/tls/certs",
    "protocols",
    "python3",
    "services",
    "ssl/certs",
    "ssl/openssl.cnf",
    "terminfo",
    "timezone",
)
_FOLDERS = (
    *("dev", "etc", "home", "mnt", "opt", "proc", "root", "run/r2egym", "srv", "testbed", "tmp", "usr"),
    *("var/cache", "var/lib", "var/log", "var/tmp"),
)
_LINKS = ("bin", "lib", "lib32", "lib64", "libx32", "sbin")
_lock = threading.Lock()


def skeleton(folder: Path, uid: int) -> Path:
    """The skeleton for user ``uid``, made under ``folder`` when it is not there yet. Safe among many processes."""
    with _lock:
        place = folder / _key(uid)
        if not place.is_dir():
            _build(folder, place, uid)
        return place


@functools.cache
def _key(uid: int) -> str:
    facts = [str(uid), "5", *_FOLDERS]
    for name in (*_COPIED, *(f"../{link}" for link in _LINKS)):
        path = Path("/etc") / name
        if path.exists():
            info = path.stat()
            facts.append(f"{name} {info.st_mtime_ns} {info.st_size}")
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]


def _build(folder: Path, place: Path, uid: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / f".{place.name}.{os.getpid()}"
    remove_tree(aside)
    for name in _FOLDERS:
        (aside / name).mkdir(parents=True)
    for link in _LINKS:
        if (Path("/") / link).exists():
            (aside / link).symlink_to(f"usr/{link}")
    for name in _COPIED:
        _copy(Path("/etc") / name, aside / "etc" / name)
    for name, text in etc_texts(uid).items():
        (aside / "etc" / name).write_text(text)
    (aside / "etc/mtab").symlink_to("/proc/self/mounts")
    (aside / "var/run").symlink_to("/run")
    for name in ("tmp", "var/tmp"):
        (aside / name).chmod(0o1777)
    try:
        aside.rename(place)
    except OSError:  # another process was quicker
        remove_tree(aside)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        if source.is_dir():
            # links into /usr stay links; links within /etc/ssl/certs to other parts of /etc are read
            shutil.copytree(
                source, target, symlinks=source.name == "alternatives", ignore_dangling_symlinks=True
            )
        elif source.is_file():
            shutil.copyfile(source, target)
    except (OSError, shutil.Error):  # what this user may not read, sandboxes do without
        return


def etc_texts(uid: int) -> dict[str, str]:
    """Files of ``/etc`` that are ours, by name."""
    return {
        "passwd": (
            f"user:x:{uid}:{uid}:user:/root:/bin/bash\n"
            f"{'' if uid == 0 else 'root:x:0:0:root:/root:/bin/bash'}\n"
            "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
        ).replace("\n\n", "\n"),
        "group": f"user:x:{uid}:\n{'' if uid == 0 else 'root:x:0:'}\nnogroup:x:65534:\n".replace(
            "\n\n", "\n"
        ),
        "hostname": "sandbox\n",
        "hosts": "127.0.0.1 localhost sandbox\n::1 localhost\n",
        "host.conf": "multi on\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\nprotocols: files\nservices: files\n",
        "resolv.conf": "",
        "shells": "/bin/sh\n/bin/bash\n",
    }
