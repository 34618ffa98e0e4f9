"""Conversations as tokens: how long one is, and which tokens a model wrote.

A conversation is laid out as ChatML, which the models of the published training (Qwen2.5) and LLaMA-Factory's template
``qwen`` use: ``<|im_start|>ROLE``, newline, content, ``<|im_end|>``, newline. Each piece is encoded by itself, and text between
the marks never becomes a mark. What a model writes in a turn is the content and ``<|im_end|>``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from r2egym.errors import UsageError
from r2egym.records import Message

START, END = "<|im_start|>", "<|im_end|>"
_BYTES_PER_TOKEN = 3.5
_HUB_PARTS = 2


class Piece(NamedTuple):
    """A stretch of tokens."""

    ids: list[int]
    """Token ids."""
    own: bool
    """Whether a model wrote them."""


class Tokens:
    """Counts and encodes by one tokenizer, or estimates by bytes.

    Args:
        tokenizer: of the library ``tokenizers``; None: lengths are estimated, and nothing can be encoded.
        name: what people call it.
    """

    def __init__(self, tokenizer: Any = None, name: str = "") -> None:
        self._tokenizer = tokenizer
        self.name = name
        self.estimated = tokenizer is None

    def count(self, messages: Sequence[Message]) -> int:
        """Tokens of a conversation."""
        if self.estimated:
            size = sum(len(message.content.encode("utf-8", "replace")) for message in messages)
            return int(size / _BYTES_PER_TOKEN) + 5 * len(messages)
        return sum(len(piece.ids) for piece in self.pieces(messages))

    def pieces(self, messages: Sequence[Message]) -> list[Piece]:
        """The tokens of a conversation, those that a model wrote apart.

        Raises:
            UsageError: there is no tokenizer, or it has no ChatML marks.
        """
        found: list[Piece] = []
        for message in messages:
            head = [self._mark(START), *self.encode(f"{message.role}\n")]
            found += [
                Piece(head, own=False),
                Piece([*self.encode(message.content), self._mark(END)], own=message.role == "assistant"),
                Piece(self.encode("\n"), own=False),
            ]
        return found

    def encode(self, text: str) -> list[int]:
        """Token ids of plain text."""
        if self._tokenizer is None:
            raise UsageError(
                "token ids need --tokenizer: a folder with tokenizer.json, or a model's cached name"
            )
        whole = text.encode("utf-8", "replace").decode()
        return list(self._tokenizer.encode(whole, add_special_tokens=False).ids)

    def texts(self, ids: Sequence[int]) -> list[str]:
        """Each token by itself, decoded."""
        return [self._tokenizer.decode([one], skip_special_tokens=False) for one in ids]

    def decode(self, ids: Sequence[int]) -> str:
        """Text of token ids, marks included."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=False))

    def _mark(self, text: str) -> int:
        found = self._tokenizer.token_to_id(text) if self._tokenizer else None
        if found is None:
            raise UsageError(f"the tokenizer {self.name} has no token {text}; it is none of a ChatML model")
        return int(found)


def open_tokens(name: str | None) -> Tokens:
    """The tokenizer of that name; None: estimates.

    Args:
        name: a folder with ``tokenizer.json``, such a file, or a model's name in the local cache of the hub.

    Raises:
        UsageError: there is none, or it cannot be read.
    """
    if name is None:
        return Tokens()
    path = _find(name)
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # noqa: BLE001 -- the library raises plain Exception for a file that it cannot read
        raise UsageError(f"{path}: no tokenizer ({error})") from None
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True
    return Tokens(tokenizer, name)


def folder_of(name: str | None) -> str:
    """The folder of a tokenizer, as :func:`r2egym.llm.count_tokens` takes it for a model's name; empty: there is none."""
    return "" if name is None else str(_find(name).parent.absolute())


def _find(name: str) -> Path:
    path = Path(name).expanduser()
    for place in (path / "tokenizer.json", path):
        if place.is_file():
            return place
    if not path.exists() and len(name.split("/")) == _HUB_PARTS and not name.startswith((".", "~", "/")):
        from huggingface_hub import try_to_load_from_cache

        try:
            found = try_to_load_from_cache(name, "tokenizer.json")
        except ValueError:
            found = None
        if isinstance(found, str):
            return Path(found)
    raise UsageError(
        f"{name}: no tokenizer there: give a folder with tokenizer.json, the file, or a model whose tokenizer is in this "
        "machine's cache of the hub"
    )
