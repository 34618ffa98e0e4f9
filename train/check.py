"""LLaMA-Factory reads configurations and rows by itself, before anybody rents a machine for them. Runs where it is installed.

    python train/check.py train/*.yaml                        # every key is one that it knows, every value one that it takes
    python train/check.py train/train_tiny_cpu_agent.yaml --rows DIR --model DIR     # and every row becomes tokens to learn

Prints a line of JSON for each. On a machine without a GPU, bf16 and DeepSpeed are left out of what is parsed, and said so.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from pathlib import Path
from typing import Any

import torch
import yaml
from llamafactory.data import get_dataset, get_template_and_fix_tokenizer
from llamafactory.hparams import get_train_args
from llamafactory.model import load_tokenizer

IGNORED = -100
"""The label of tokens that are not learned."""


def parse(path: Path, changes: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    """What a configuration amounts to, by LLaMA-Factory's own parser."""
    given = {**yaml.safe_load(path.read_text(encoding="utf-8")), **changes}
    left_out = []
    if not torch.cuda.is_available():
        left_out = [name for name in ("deepspeed", "bf16") if given.pop(name, None)]
        given |= {"bf16": False, "use_cpu": True}
    parsed = get_train_args(given)
    _, data, training, finetuning, _ = parsed
    told = {
        "config": path.name,
        "dataset": ",".join(data.dataset or []),
        "template": data.template,
        "cutoff_len": data.cutoff_len,
        "finetuning": finetuning.finetuning_type,
        "lora_rank": finetuning.lora_rank if finetuning.finetuning_type == "lora" else None,
        "epochs": training.num_train_epochs,
        "learning_rate": training.learning_rate,
        "scheduler": str(training.lr_scheduler_type.value),
        "rows_a_step_and_device": training.per_device_train_batch_size * training.gradient_accumulation_steps,
        "not_parsed_here": left_out,
    }
    return told, parsed


def read_rows(parsed: Any) -> dict[str, Any]:
    """How the rows come out of its template: how many there are, and how much of them is learned."""
    model, data, training, _, _ = parsed
    module = load_tokenizer(model)
    template = get_template_and_fix_tokenizer(module["tokenizer"], data)
    rows = get_dataset(template, model, data, training, stage="sft", **module)["train_dataset"]
    lengths = [len(row["input_ids"]) for row in rows]
    learned = [sum(label != IGNORED for label in row["labels"]) for row in rows]
    return {
        "rows": len(rows),
        "tokens": sum(lengths),
        "longest": max(lengths),
        "learned": sum(learned),
        "without_anything_to_learn": sum(not count for count in learned),
        "cut": sum(length >= data.cutoff_len for length in lengths),
    }


def main() -> None:
    """Check what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("configs", type=Path, nargs="+")
    parser.add_argument("--rows", type=Path, help="a folder that `r2egym export` wrote")
    parser.add_argument("--model", type=Path, help="a model's folder, for its tokenizer")
    given = parser.parse_args()
    for path in given.configs:
        changes: dict[str, Any] = {}
        if given.rows:
            changes |= {"dataset_dir": str(given.rows), "preprocessing_num_workers": None}
        if given.model:
            changes["model_name_or_path"] = str(given.model)
        with contextlib.redirect_stdout(sys.stderr):  # the trainer tells a lot
            told, parsed = parse(path, changes)
            if given.rows:
                told["read"] = read_rows(parsed)
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
