"""The models that the circle can start from, and how each is taught."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Base:
    """A model before its training."""

    name: str
    about: str
    make: tuple[str, ...]
    """A script of this folder that makes it, with its arguments; it is given ``--out DIR``."""
    from_rows: bool
    """Whether that script reads the exported rows, for a tokenizer of its own."""
    requirements: str | None
    """What its weights are installed from, if anything."""
    lora: bool
    """Whether training leaves an adapter, which is then put into the weights."""
    epochs: int
    verifier_epochs: int
    longest: int
    """Tokens of a row; longer ones are not taught."""

    def config(self, kind: str) -> str:
        """LLaMA-Factory's configuration for it, ``agent`` or ``verifier``."""
        return f"train/train_{self.name}_cpu_{kind}.yaml"


BASES = {
    base.name: base
    for base in (
        Base(
            name="tiny",
            about="of Qwen2's shape, 2.4 million random parameters, with a tokenizer made from the rows",
            make=("make_model.py", "--width", "192", "--layers", "4", "--vocabulary", "3072"),
            from_rows=True,
            requirements=None,
            lora=False,
            epochs=60,
            verifier_epochs=5,
            longest=8192,
        ),
        Base(
            name="smollm2",
            about="SmolLM2-135M-Instruct, a real language model of the smallest kind",
            make=("smollm2.py",),
            from_rows=False,
            requirements="smollm2.txt",
            lora=True,
            epochs=3,
            verifier_epochs=1,
            longest=2048,
        ),
    )
}
