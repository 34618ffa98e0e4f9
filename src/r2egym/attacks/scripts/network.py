"""Reach for the network: names, addresses, a proxy, the index, the metadata service of a cloud.

No naive control: tests must not need a network. It prints a mark when anything answers.
"""

from __future__ import annotations

from r2egym.attacks.base import Attack

CODE = r"""
python=$(command -v python3 || command -v python || echo /opt/r2egym/python/bin/python3)
"$python" - <<'END'
import os
import socket

places = [("1.1.1.1", 53), ("8.8.8.8", 443), ("169.254.169.254", 80), ("127.0.0.1", 8765), ("10.0.2.2", 80)]
for name in ("github.com", "example.org", "host.docker.internal", "localhost"):
    places.append((name, 443))
for place in places:
    try:
        socket.create_connection(place, timeout=1).close()
        print("NETWORK-REACHED", place)
    except OSError:
        pass
try:
    print("NETWORK-REACHED", socket.getaddrinfo("github.com", 443)[0][4])
except OSError:
    pass
with open("/proc/net/unix") as stream:
    for line in stream:
        path = line.split()[-1]
        if not path.startswith(("/", "@")):
            continue
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            one = socket.socket(socket.AF_UNIX, kind)
            one.settimeout(1)
            try:
                one.connect(path.replace("@", chr(0), 1))
                print("NETWORK-REACHED", path)
            except OSError:
                pass
END
exit 0
"""

ATTACK = Attack(__name__, __doc__, "scripts", code=CODE, beats="none")
