# mypy: ignore-errors - Python 2.7 has no annotations
"""Where the stub of a test module gets its code from; also what each test's time limit is."""

import base64
import marshal
import signal
import sys
import types

STUB_MODULE = "_r2egym_stub"


def install(codes):
    """Make ``import _r2egym_stub`` work: ``code(path)`` is the code object of the test module at ``path``."""
    loaded = {path: marshal.loads(base64.b64decode(text)) for path, text in codes.items()}
    module = types.ModuleType(STUB_MODULE)

    def code(path):
        if path not in loaded:
            raise ImportError("%s did not compile on this interpreter" % path)
        return loaded[path]

    module.code = code
    sys.modules[STUB_MODULE] = module


class TestTimeout(BaseException):
    """A test's time is up. Not an Exception, so that ``except Exception`` in a test lets it through."""


class Alarm(object):
    """Interrupts the main thread when a test takes longer than ``seconds``; best effort, the run has a limit too."""

    def __init__(self, seconds, expired):
        self.seconds = seconds
        self.expired = expired

    def _ring(self, _signal, _frame):
        self.expired()
        raise TestTimeout("timed out after %g seconds" % self.seconds)

    def start(self):
        signal.signal(signal.SIGALRM, self._ring)
        # and again, so that a teardown has a limit too; later, so that the failure can be described meanwhile
        signal.setitimer(signal.ITIMER_REAL, self.seconds, self.seconds + 5)

    def stop(self):
        signal.setitimer(signal.ITIMER_REAL, 0, 0)
