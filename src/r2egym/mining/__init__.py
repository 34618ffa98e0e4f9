"""Git history → candidate commits: every commit comes out exactly once, kept or rejected with a reason."""

from r2egym.mining.git import Entry, Repository
from r2egym.mining.patches import FilePatch, Hunk, PatchError, parse_patch
from r2egym.mining.paths import is_test_path

__all__ = ["Entry", "FilePatch", "Hunk", "PatchError", "Repository", "is_test_path", "parse_patch"]
