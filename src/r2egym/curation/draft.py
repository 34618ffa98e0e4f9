"""A candidate and its trial as a task that is still to be proved."""

from __future__ import annotations

import json
import re
from typing import Any

from pydantic import JsonValue

from r2egym.building import Built
from r2egym.curation.trial import Trial
from r2egym.mining import Candidate, Patches, Repository, parsed_commit_content
from r2egym.records import HiddenTests, Task, Validation

_SURROGATE = re.compile("[\ud800-\udfff]")


def draft(
    repository: Repository,
    candidate: Candidate,
    patches: Patches,
    built: Built,
    hidden: HiddenTests,
    trial: Trial,
) -> Task:
    """The task as far as it is known before it is proved and described."""
    classes = trial.classes
    return Task(
        instance_id=f"{repository.name}__{candidate.commit.hash[:12]}",
        repo=repository.name,
        base_commit=candidate.base,
        fix_commit=candidate.commit.hash,
        tests_commit=candidate.tests_commit,
        patch=patches.source,
        test_patch=patches.tests,
        fail_to_pass=classes.fail_to_pass,
        pass_to_pass=classes.pass_to_pass,
        base_statuses=classes.base,
        gold_statuses=classes.gold,
        environment=built.environment,
        hidden_tests=hidden,
        validation=Validation(
            flaky=classes.flaky,
            flake=classes.flake,
            imports_source=trial.imports_source,
            patience=trial.patience,
            fingerprints=built.fingerprints,
        ),
        published=_published(repository, candidate, hidden, trial),
    )


def _published(
    repository: Repository, candidate: Candidate, hidden: HiddenTests, trial: Trial
) -> dict[str, JsonValue]:
    commit = candidate.commit.hash
    return {
        "docker_image": f"r2egym/{repository.name.lower()}:{commit}",
        "parsed_commit_content": _json(parsed_commit_content(repository, candidate)),
        "execution_result_content": _json(_executions(repository, commit, hidden, trial)),
        "modified_files": [file.path for file in candidate.files],
        "modified_entity_summaries": [entity.model_dump() for entity in candidate.entities],
        "num_non_test_files": candidate.num_non_test_files,
        "num_non_test_func_methods": candidate.num_non_test_func_methods,
        "num_non_test_lines": candidate.num_non_test_lines,
    }


def _executions(repository: Repository, commit: str, hidden: HiddenTests, trial: Trial) -> dict[str, Any]:
    """Both sides' runs under the published names; set-up happened in layers, so its log is empty."""
    modules = [file for file in hidden.files if file.path in hidden.modules]
    return {
        "repo_name": repository.name,
        "new_commit_hash": commit,
        "test_file_codes": [file.content for file in modules],
        "test_file_names": [file.path for file in modules],
        "setup_res_code": 0,
        "setup_res_stdout": "",
        "setup_res_stderr": "",
        "new_commit_res_code": 0,
        "new_commit_res_stdout": trial.gold_log,
        "new_commit_res_stderr": "",
        "old_commit_res_code": 1,
        "old_commit_res_stdout": trial.base_log,
        "old_commit_res_stderr": "",
    }


def _json(value: Any) -> str:
    """JSON text; stand-ins for bytes that are no UTF-8 are escaped, since a row's text must be UTF-8."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return _SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
