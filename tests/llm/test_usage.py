"""Counting tokens: by the model's tokenizer where there is one, by bytes otherwise."""

import threading
import time
from pathlib import Path

import pytest

from r2egym.errors import UsageError
from r2egym.llm import count_tokens, total
from r2egym.records import Message, ToolCall, Usage

CONVERSATION = (
    Message(role="user", content="one two three"),
    Message(role="assistant", content="four", calls=(ToolCall(name="look"),)),
)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer that counts words."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    made = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    made.enable_truncation(2)  # as some files have it; a count must not stop there
    folder = tmp_path_factory.mktemp("tokenizer")
    made.save(str(folder / "tokenizer.json"))
    return folder


def test_estimate_says_so():
    """Without a tokenizer, the count is by bytes, and the record tells it."""
    assert count_tokens([Message(role="user", content="x" * 35)]).model_dump() == {
        "tokens": 14,
        "estimated": True,
    }
    assert count_tokens([Message(role="user", content="ä\udc80")], model="nobody/has-this").estimated


def test_tokenizer_by_path(tokenizer: Path):
    """A tokenizer that is named counts exactly, from its folder or its file, and by the folder as a model's name."""
    counts = [
        count_tokens(CONVERSATION, tokenizer=tokenizer),
        count_tokens(CONVERSATION, tokenizer=tokenizer / "tokenizer.json"),
        count_tokens(CONVERSATION, model=f"vllm/{tokenizer}"),
    ]
    # Three words, then "fourlook{}", and four for each message.
    assert [count.model_dump() for count in counts] == [{"tokens": 12, "estimated": False}] * 3
    with_tools = count_tokens(CONVERSATION, [{"type": "function", "function": {}}], tokenizer=tokenizer)
    assert with_tools.tokens == 12 + 4


def test_tokenizer_from_the_cache(tokenizer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A tokenizer in the Hugging Face cache is found by the model's name, offline."""
    from huggingface_hub import constants

    repository = tmp_path / "models--org--cached"
    snapshot = repository / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot / "tokenizer.json").write_bytes((tokenizer / "tokenizer.json").read_bytes())
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("abc")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    assert not count_tokens(CONVERSATION, model="vllm/org/cached").estimated
    assert count_tokens(CONVERSATION, model="vllm/org/not-cached").estimated


def test_no_tokenizer_there(tmp_path: Path):
    """A path without a tokenizer, or with a damaged one, is refused in one line."""
    with pytest.raises(UsageError, match=r"no tokenizer\.json there"):
        count_tokens(CONVERSATION, tokenizer=tmp_path)
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(UsageError, match="no tokenizer"):
        count_tokens(CONVERSATION, tokenizer=tmp_path)
    assert count_tokens(CONVERSATION, model=str(tmp_path)).estimated


def test_growing_conversation_is_counted_once(tokenizer: Path):
    """A hundred threads count a long conversation at every step, at the price of its newest turn."""
    turns = [Message(role="user", content=f"{number} " * 2000) for number in range(50)]
    expected = [2004 * upto for upto in range(1, 51)]
    found: list[list[int]] = []

    def count() -> None:
        found.append([count_tokens(turns[:upto], tokenizer=tokenizer).tokens for upto in range(1, 51)])

    threads = [threading.Thread(target=count) for _ in range(100)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 100
    assert time.monotonic() - began < 60  # without the memory it takes several minutes


def test_total():
    """Sums are sums; one unknown cost makes the sum unknown, one estimate makes it estimated."""
    one = Usage(prompt=1, completion=2, cached=1, cost=0.5)
    assert total([one, one]) == Usage(prompt=2, completion=4, cached=2, cost=1.0)
    assert total([one, Usage(prompt=1, estimated=True)]) == Usage(
        prompt=2, completion=2, cached=1, cost=None, estimated=True
    )
    assert total([]) == Usage(cost=0.0)
