"""What an agent changed, as a patch: everything in its work tree that differs from the base and is not ignored by git.

The agent's own ``.git`` is not asked: it may have committed, reset, or removed it. A read-only copy of the ``.git`` that the
environment began with is mounted beside it, index and new objects go to a folder that is removed again.

Limits: what the work tree's ``.gitignore`` ignores is left out, as ``git add`` has it. When something is not UTF-8, every file of
the patch is written in git's binary form, since a patch is text.
"""

from __future__ import annotations

from r2egym.errors import SandboxError
from r2egym.records import ExecResult
from r2egym.sandboxes.base import Sandbox

PRISTINE = "/opt/r2egym/git"
"""Where the untouched ``.git`` is mounted."""
_TIMEOUT = 120.0
_MOST = 1 << 26
_SCRIPT = f"""\
set -e
work=$(mktemp -d /tmp/.r2egym-XXXXXXXXXX)
trap 'rm -rf "$work"' EXIT
mkdir "$work/objects"
cp {PRISTINE}/index "$work/index"
export GIT_DIR={PRISTINE} GIT_WORK_TREE=/testbed GIT_INDEX_FILE="$work/index" GIT_OBJECT_DIRECTORY="$work/objects"
export GIT_ALTERNATE_OBJECT_DIRECTORIES={PRISTINE}/objects GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
export GIT_TERMINAL_PROMPT=0 LC_ALL=C
git add -A . >&2
printf '* -diff\\n' >"$work/attributes"
git ${{1:+-c "core.attributesFile=$work/attributes"}} diff --cached --binary --full-index --no-color --no-ext-diff --no-textconv \\
    --no-renames --src-prefix=a/ --dst-prefix=b/ HEAD >"$work/patch"
exec 3<"$work/patch"
cat <&3
"""


def output_patch(sandbox: Sandbox) -> str:
    """The patch of a sandbox whose work tree is ``/testbed``; empty when nothing was changed.

    Raises:
        SandboxError: git could not do it (the sandbox is full, or died).
    """
    text = _run(sandbox, "")
    return text if "\ufffd" not in text else _run(sandbox, "binary")


def _run(sandbox: Sandbox, form: str) -> str:
    command = ["/bin/bash", "-c", _SCRIPT, "patch", *([form] if form else [])]
    done = sandbox.exec(command, cwd="/testbed", timeout=_TIMEOUT, output_limit=_MOST)
    if done.exit_code or done.truncated:
        raise SandboxError(f"the agent's patch cannot be read: {_why(done)}")
    return done.stdout


def _why(done: ExecResult) -> str:
    if done.timed_out:
        return f"git took more than {_TIMEOUT:.0f} s"
    if done.truncated:
        return f"it is larger than {_MOST >> 20} MiB"
    return " ".join(done.stderr.split())[-300:] or f"exit code {done.exit_code}"
