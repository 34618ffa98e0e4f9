"""Search in real files."""

import pytest
from tests.tools.bench import Bench

from r2egym.records import ExecResult
from r2egym.sandboxes.base import SandboxConfig
from r2egym.sandboxes.memory import MemoryBackend
from r2egym.tools import Workplace


def test_file(real: Bench) -> None:
    """Matching lines have their numbers."""
    real.put(b"one\ntwo one\r\nthree\n")
    assert real.call("search", search_term="one", path="a.py").output == (
        "'one' in /testbed/a.py:\n1:one\n2:two one"
    )
    assert "is not in /testbed/a.py" in real.call("search", search_term="ONE", path="a.py").output


def test_folder(real: Bench) -> None:
    """Files have counts; hidden, binary and linked ones are passed over."""
    real.put(b"x.y\nx.y\nxzy\n", "b.py")
    real.put(b"x.y\xe9\n", "sub/latin.py")
    real.put(b"x.y", "sub/a: b.py")
    real.put(b"x.y", ".git/config")
    real.put(b"x.y", "sub/.hidden")
    real.put(b"x.y\0", "c.so")
    real.bash("ln -s b.py link.py")
    assert real.call("search", search_term="x.y").output == (
        "'x.y' in /testbed, 3 files:\n/testbed/b.py (2 lines)\n/testbed/sub/a: b.py (1 line)\n"
        "/testbed/sub/latin.py (1 line)"
    )
    assert "2 files" in real.call("search", search_term="x.y", path="sub/").output
    assert ".git/config (1 line)" in real.call("search", search_term="x.y", path=".git").output


@pytest.mark.parametrize("term", ["-v", "--", "$(x)", "`x`", "'", '"', "a\\b", "*", "[a", "é", " ", "\t"])
def test_terms_are_plain_text(real: Bench, term: str) -> None:
    """No shell and no pattern reads a term."""
    real.put(f"({term})\nnothing\n".encode())
    real.put(b"nothing\n", "b.py")
    assert "(1 line)" in real.call("search", search_term=f"({term})").output
    assert f"1:({term})" in real.call("search", search_term=f"{term})", path="a.py").output


def test_too_many(real: Bench) -> None:
    """More than a hundred files are not listed; the agent is asked to narrow the search."""
    real.bash("for i in $(seq 101); do echo word > f$i; done")
    result = real.call("search", search_term="word")
    assert not result.ok
    assert "101 files" in result.output
    assert "Narrow" in result.output
    real.bash("rm f1")
    assert "100 files:" in real.call("search", search_term="word").output


def test_long_lines(real: Bench) -> None:
    """Long lines and long lists are cut."""
    real.put(b"x" * 100_000 + b"\n", "a.py")
    assert len(real.call("search", search_term="xx", path="a.py").output) < 700
    real.put(b"word and more\n" * 10_000, "b.py")
    assert len(real.call("search", search_term="word", path="b.py").output) < 10_200


@pytest.mark.parametrize(
    ("term", "path", "said"),
    [
        ("", ".", "empty"),
        ("a\nb", ".", "several lines"),
        ("a\0b", ".", "NUL"),
        ("x" * 20_000, ".", "20,000 characters"),
        ("x", "nowhere", "There is no file or folder /testbed/nowhere"),
        ("x", "/dev/null", "device"),
        ("x", "~", "absolute"),
        ("nowhere to be found", ".", "is in no file of /testbed"),
    ],
)
def test_what_cannot_be_found(real: Bench, term: str, path: str, said: str) -> None:
    """The observation says why there is nothing."""
    assert said in real.call("search", search_term=term, path=path).output


def test_a_search_that_takes_too_long() -> None:
    """The agent is asked to search less."""
    slow = ExecResult(exit_code=124, stdout="", stderr="", timed_out=True)
    bench = Bench(Workplace(MemoryBackend({"grep": slow}).open(SandboxConfig(cwd="/testbed"))))
    assert "took too long" in bench.call("search", search_term="x", path="a.py").output


def test_no_grep() -> None:
    """A box without grep is told of."""
    bench = Bench(Workplace(MemoryBackend().open(SandboxConfig(cwd="/testbed"))))
    assert "could not be searched" in bench.call("search", search_term="x", path="a.py").output
