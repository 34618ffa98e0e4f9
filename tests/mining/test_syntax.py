"""Syntax trees from many threads."""

import threading

from r2egym.mining.syntax import parse_python


def test_threads_may_parse_at_once():
    """What one thread parses does not disturb another; CPython 3.11 alone would end in a SystemError."""
    source = "x = " + "[" * 60 + "]" * 60 + "\n" + "def f(a):\n    return (a, [a, {a: (a,)}])\n" * 40
    failures: list[BaseException] = []

    def parse() -> None:
        try:
            for _ in range(40):
                parse_python(source)
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            failures.append(error)

    threads = [threading.Thread(target=parse) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
