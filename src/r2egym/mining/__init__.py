"""Git history → candidate commits: every commit comes out exactly once, kept or rejected with a reason."""

from r2egym.mining.candidates import Candidate, ChangedFile, Entity, EntityCounts, Rejection
from r2egym.mining.config import PRESETS, MiningConfig, Preset
from r2egym.mining.git import Entry, Repository
from r2egym.mining.mine import mine
from r2egym.mining.patches import FilePatch, Hunk, PatchError, parse_patch
from r2egym.mining.paths import is_test_path
from r2egym.mining.published import parsed_commit_content, rebuild_diff
from r2egym.mining.split import Patches, split_patch

__all__ = [
    "PRESETS",
    "Candidate",
    "ChangedFile",
    "Entity",
    "EntityCounts",
    "Entry",
    "FilePatch",
    "Hunk",
    "MiningConfig",
    "PatchError",
    "Patches",
    "Preset",
    "Rejection",
    "Repository",
    "is_test_path",
    "mine",
    "parse_patch",
    "parsed_commit_content",
    "rebuild_diff",
    "split_patch",
]
