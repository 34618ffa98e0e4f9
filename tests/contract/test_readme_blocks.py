"""The code blocks of the published README's Quickstart, as they stand there."""

from pathlib import Path
from typing import Any

import datasets
import huggingface_hub
import pytest

from r2egym.agenthub.action import Action
from r2egym.agents import OracleAgent
from r2egym.environment import Facilities
from r2egym.llm import ScriptedModel
from r2egym.records import Answer, Task
from r2egym.tasks import cache_dataset
from r2egym.tasks.store import write_parquet
from r2egym.tools import parse

BLOCKS = """
from r2egym.agenthub.environment.env import EnvArgs, RepoEnv
from r2egym.agenthub.agent.agent import AgentArgs, Agent
from pathlib import Path
from datasets import load_dataset

ds = load_dataset("R2E-Gym/R2E-Gym-Lite")
split = 'train'

env_index = 100
env_args = EnvArgs(ds = ds[split][env_index])
env = RepoEnv(env_args)

agent_args = AgentArgs.from_yaml(Path('./src/r2egym/agenthub/config/edit_fn_calling.yaml'))
agent_args.llm_name = 'claude-3-5-sonnet-20241022'
agent = Agent(name="EditingAgent", args=agent_args)

output = agent.run(env, max_steps=40, use_fn_calling=True)

out = env.runtime._calculate_reward()

env_stats_dict = env.get_stats()
"""


def test_blocks(
    facilities: Facilities,
    task: Task,
    row: dict[str, Any],
    project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    """Word for word, on rows of ours under the published id; only the model and the boxes are this test's own."""
    calls = [parse(turn).call for turn in OracleAgent().turns(task)]
    answers = [
        Answer(text="I go on.", calls=(call.model_copy(update={"id": f"c{number}"}),))
        for number, call in enumerate(calls)
        if call
    ]
    model = ScriptedModel(answers)
    rows = tmp_path / "rows.parquet"
    write_parquet(rows, [row] * 101)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    cache_dataset(rows, "R2E-Gym/R2E-Gym-Lite")
    monkeypatch.setattr("r2egym.agenthub.agent.agent.open_model", lambda _name, **_: model)
    monkeypatch.setattr(Facilities, "shared", lambda **_: facilities)
    monkeypatch.chdir(project)
    names: dict[str, Any] = {}
    exec(compile(BLOCKS, "README", "exec"), names)
    output = names["output"]
    assert (output.exit_reason, output.num_steps, names["out"]) == ("agent", 3, 1.0)
    assert output.problem_statement == task.problem_statement
    assert output.output_patch.startswith("diff --git a/larder/shelf.py")
    assert output.trajectory_steps[-1].parsed_action == Action("finish", {"command": "submit"})
    assert names["env_stats_dict"]["patch"] == task.patch
    assert len(model.requests[0].tools) == 4
    assert task.problem_statement in model.requests[0].messages[1].content
    assert model.requests[0].messages[1].content.endswith("Steps Remaining: 40")
    names["env"].close()
