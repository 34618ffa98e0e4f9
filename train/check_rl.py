"""Rows for reinforcement learning, read by the model that said them: its log probabilities must be those in the rows.

    python train/check_rl.py ROWS/r2egym_rl.parquet --model DIR

They are equal up to rounding only where prompt, answer, mask and layout are, token by token, what the server had. Prints a line of JSON;
exit code 1 when a difference is larger than rounding explains. Runs where transformers is.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import torch
from transformers import AutoModelForCausalLM

ROUNDING = 0.05
"""Of a log probability: two programs for the same model, in float32."""


def differences(model: Any, row: dict[str, Any]) -> list[float]:
    """Of each token that the model said in a row, and for which the row has a log probability."""
    ids = torch.tensor([[*row["prompt_ids"], *row["response_ids"]]])
    first = len(row["prompt_ids"])
    with torch.inference_mode():
        logits = model(ids).logits[0, first - 1 : -1].float()
    said = torch.log_softmax(logits, dim=-1).gather(1, ids[0, first:, None])[:, 0].tolist()
    told = zip(said, row["logprobs"], row["response_mask"], strict=True)
    return [abs(now - then) for now, then, own in told if own]


def main() -> None:
    """Check a file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("rows", type=Path)
    parser.add_argument("--most", type=int, help="read so many rows (default: all)")
    parser.add_argument("--model", type=Path, required=True, help="the folder of the model that was served")
    given = parser.parse_args()
    rows = pq.read_table(given.rows).to_pylist()
    exact = [row for row in rows if row["exact"] and row["logprobs"]]
    read = exact[: given.most]
    model = AutoModelForCausalLM.from_pretrained(given.model, dtype=torch.float32).eval()
    found = [one for row in read for one in differences(model, row)]
    told = {
        "rows": len(rows),
        "exact": len(exact),
        "read": len(read),
        "tokens": len(found),
        "largest_difference": max(found, default=None),
        "mean_difference": sum(found) / len(found) if found else None,
    }
    print(json.dumps(told))
    raise SystemExit(0 if found and max(found) < ROUNDING else 1)


if __name__ == "__main__":
    main()
