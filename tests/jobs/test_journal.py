"""The journal: what is appended stays, whatever happens to the writer."""

import errno
import os
import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from r2egym.errors import UsageError
from r2egym.jobs import Journal

WRITER = """
import sys
from pathlib import Path
from r2egym.jobs import Journal
with Journal(Path(sys.argv[1])) as journal:
    for number in range(1_000_000):
        journal.append({"number": number})
        print(number, flush=True)
"""


def test_records_come_back_in_order(tmp_path: Path):
    """What was appended is read back, in order, after reopening."""
    with Journal(tmp_path) as journal:
        for number in range(5):
            journal.append({"number": number, "text": "ä\n"})
    with Journal(tmp_path) as journal:
        assert [record["number"] for record in journal.records()] == list(range(5))
        assert journal.cut == 0


@pytest.mark.parametrize("lost", [1, 5, 17, 18, 25])
def test_torn_tail_is_cut(tmp_path: Path, lost: int):
    """A record that was cut short is dropped; the ones before it stay, and new ones follow them."""
    with Journal(tmp_path) as journal:
        journal.append("kept")
        journal.append("torn apart")
    log = tmp_path / "journal.log"
    os.truncate(log, log.stat().st_size - lost)
    with Journal(tmp_path) as journal:
        assert journal.cut > 0
        journal.append("new")
        assert list(journal.records()) == ["kept", "new"]


def test_flipped_bit_is_noticed(tmp_path: Path):
    """A record whose checksum does not hold is dropped with what follows."""
    with Journal(tmp_path) as journal:
        journal.append("aaaa")
        journal.append("bbbb")
        journal.append("cccc")
    log = tmp_path / "journal.log"
    log.write_bytes(log.read_bytes().replace(b"bbbb", b"bbbx"))
    with Journal(tmp_path) as journal:
        assert list(journal.records()) == ["aaaa"]


def test_second_writer_gets_one_line(tmp_path: Path):
    """A second controller of the same folder is told who has it, in this process or another."""
    with Journal(tmp_path):
        with pytest.raises(UsageError, match="this process"):
            Journal(tmp_path)
        code = "import sys; from pathlib import Path; from r2egym.jobs import Journal; Journal(Path(sys.argv[1]))"
        other = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False
        )
        assert f"in use by process {os.getpid()}" in other.stderr
    Journal(tmp_path).close()


def test_killed_writer_loses_nothing_it_reported(tmp_path: Path):
    """After kill -9 every record whose append had returned is there, and the lock is free."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        for line in writer.stdout:
            if int(line) >= 20:
                break
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read()
    last = int(rest.split("\n")[-2]) if rest.strip() else 20
    with Journal(tmp_path) as journal:
        numbers = [record["number"] for record in journal.records()]
    assert numbers == list(range(len(numbers)))
    assert numbers[-1] >= last


def test_threads_share_a_sync(tmp_path: Path):
    """Many threads may append at once; nothing is lost or mixed."""
    with Journal(tmp_path) as journal:

        def work(name: int) -> None:
            for number in range(20):
                journal.append([name, number])

        threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        records = list(journal.records())
    assert sorted(records) == [[name, number] for name in range(8) for number in range(20)]


def test_full_disk_is_an_error_and_keeps_what_was_there(tmp_path: Path):
    """When the disk takes no more, append raises and earlier records stay readable."""
    with Journal(tmp_path) as journal:
        journal.append("first")
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
        try:
            with pytest.raises(OSError, match=os.strerror(errno.EFBIG)):
                journal.append("x" * 2000)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            signal.signal(signal.SIGXFSZ, previous)
    with Journal(tmp_path) as journal:
        assert list(journal.records()) == ["first"]
