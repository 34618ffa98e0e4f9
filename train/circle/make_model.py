"""A small model and its tokenizer, made from nothing but a configuration and some text. Runs where transformers is.

    python train/circle/make_model.py TEXT.jsonl... --out DIR [--width 256] [--layers 4]

The tokenizer is a byte-level BPE trained on the messages of exported rows, with ChatML's marks, and YES and NO as whole tokens,
so that a verifier's answer is decided in one place. The model has Qwen2's shape and random weights. It knows nothing.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

MARKS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def texts(paths: list[Path]) -> Iterator[str]:
    """Every message of every row."""
    for path in paths:
        for line in path.read_text(encoding="utf-8").splitlines():
            for message in json.loads(line)["messages"]:
                yield message["content"]


def make_tokenizer(paths: list[Path], vocabulary: int, context: int) -> PreTrainedTokenizerFast:
    """A tokenizer trained on the rows."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - 2,
        special_tokens=MARKS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator(texts(paths), trainer)
    made.add_tokens([AddedToken(word, single_word=True, normalized=False) for word in ("YES", "NO")])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=made,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        model_max_length=context,
    )
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def main() -> None:
    """Make both and save them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("rows", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--vocabulary", type=int, default=4096)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--context", type=int, default=8192)
    given = parser.parse_args()
    torch.manual_seed(0)
    tokenizer = make_tokenizer(given.rows, given.vocabulary, given.context)
    model = Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=given.vocabulary,
            hidden_size=given.width,
            intermediate_size=3 * given.width,
            num_hidden_layers=given.layers,
            num_attention_heads=given.width // 32,
            num_key_value_heads=given.width // 64,
            max_position_embeddings=given.context,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=tokenizer.convert_tokens_to_ids("<|im_end|>"),
            pad_token_id=tokenizer.convert_tokens_to_ids("<|endoftext|>"),
        )
    )
    tokenizer.save_pretrained(given.out)
    model.to(torch.float32).save_pretrained(given.out)
    count = sum(parameter.numel() for parameter in model.parameters())
    print(json.dumps({"parameters": count, "vocabulary": len(tokenizer), "model": str(given.out)}))


if __name__ == "__main__":
    main()
