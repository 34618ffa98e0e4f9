"""The guide shows commands that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_guide_names_options_and_files_that_exist():
    """Every command in docs/verifiers.md is one, with options that its help lists; every file of ours is there."""
    guide = (ROOT / "docs" / "verifiers.md").read_text(encoding="utf-8")
    pages = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8").split("## r2egym ")
    helps = {page.split("\n")[0]: page for page in pages[1:]}
    commands = re.findall(r"(?:^|`)(?:PYTHONPATH=\. )?r2egym ([a-z]+)([^`\n#]*)", guide, re.MULTILINE)
    assert len(commands) > 8
    for verb, rest in commands:
        options = re.findall(r"--[a-z-]+|-k\b", rest)
        assert not [option for option in options if option not in helps[verb]], f"r2egym {verb}{rest}"
    files = re.findall(r"\b(?:examples|src)/[\w/]+\.\w+", guide)
    assert files
    assert not [name for name in files if not (ROOT / name).exists()]
