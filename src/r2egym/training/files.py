"""What an export writes: into a folder beside the one that is asked for, and into that one when all of it has been checked.

A folder may hold several exports; ``dataset_info.json`` then names all of them. Files of other names are left alone.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from r2egym.errors import UsageError
from r2egym.training.options import ExportOptions
from r2egym.training.rows import Row

INFO = "dataset_info.json"
_TAGS = {
    "role_tag": "role",
    "content_tag": "content",
    "user_tag": "user",
    "assistant_tag": "assistant",
    "system_tag": "system",
}


def name_of(options: ExportOptions) -> str:
    """What a trainer calls the rows."""
    variant = "" if options.log == "whole" else f"_{options.log.replace('-', '_')}"
    return f"r2egym_{options.purpose}{variant if options.purpose == 'verifier' else ''}"


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """A folder to write to; when the block ends well its files replace those of the same names in ``folder``.

    Raises:
        UsageError: ``folder`` is a file, or its ``dataset_info.json`` is none.
        OSError: it cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: a file; --out takes a folder")
    existed = folder.exists()
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        yield aside
        merged = _merged(folder / INFO, aside / INFO)
        folder.mkdir(exist_ok=True)
        for path in sorted(aside.iterdir(), key=lambda path: path.name == INFO):
            if path.name == INFO:
                path.write_text(merged, encoding="utf-8")
            path.replace(folder / path.name)
    except BaseException:
        if not existed and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def write_conversations(folder: Path, rows: Sequence[Row], options: ExportOptions) -> list[Path]:
    """Conversations as JSONL, and what LLaMA-Factory needs to know of them."""
    name = name_of(options)
    path = write_lines(folder / f"{name}.jsonl", [row.value for row in rows])
    info = {
        name: {
            "file_name": path.name,
            "formatting": "sharegpt",
            "columns": {"messages": "messages"},
            "tags": _TAGS,
        }
    }
    (folder / INFO).write_text(json.dumps(info, indent=2) + "\n", encoding="utf-8")
    return [path, folder / INFO]


def write_lines(path: Path, values: Sequence[Any]) -> Path:
    """JSON, a line each."""
    with path.open("wb") as stream:
        for value in values:
            text = json.dumps(value, ensure_ascii=False)
            stream.write(text.encode("utf-8", "backslashreplace") + b"\n")
    return path


def write_tokens(folder: Path, rows: Sequence[Row], tokenizer: str) -> list[Path]:
    """Token rows as parquet; the file tells which tokenizer made them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    whole = {"attempt", "f2p_passed", "f2p_total", "p2p_passed", "p2p_total"}
    flags = {"masked", "policy_could_cause", "tampering", "exact"}
    kinds = {
        "prompt_ids": pa.list_(pa.int32()),
        "response_ids": pa.list_(pa.int32()),
        "response_mask": pa.list_(pa.int8()),
        "logprobs": pa.list_(pa.float32()),
        "reward": pa.float32(),
        **dict.fromkeys(whole, pa.int32()),
        **dict.fromkeys(flags, pa.bool_()),
    }
    names = list(rows[0].value)
    schema = pa.schema(
        [(name, kinds.get(name, pa.string())) for name in names],
        metadata={"tokenizer": tokenizer, "layout": "chatml"},
    )
    table = pa.Table.from_pylist([row.value for row in rows], schema=schema)
    path = folder / "r2egym_rl.parquet"
    with path.open("wb") as stream:
        pq.write_table(table, stream, compression="zstd")
    return [path]


def _merged(old: Path, new: Path) -> str:
    """The entries of both, those of the new one first."""
    if not new.exists():
        return ""
    known: dict[str, Any] = {}
    if old.exists():
        try:
            known = dict(json.loads(old.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise UsageError(f"{old}: cannot be read, so nothing was written ({error})") from None
    return json.dumps({**known, **json.loads(new.read_text(encoding="utf-8"))}, indent=2) + "\n"
