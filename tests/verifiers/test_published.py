"""Reading predictions of the published shape, and the command on them."""

import json
import math
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from r2egym import settings
from r2egym.bench import bestk
from r2egym.errors import DatasetError
from r2egym.verifiers import best_of_k, load_scores
from r2egym.verifiers.published import COLUMNS, numbers

TASKS, ATTEMPTS = 12, 26


def rows() -> list[dict]:
    """Tasks whose curves are known: right attempts are those below ``number``, and each score tells right from wrong."""
    out = []
    for number in range(TASKS):
        right = [attempt < number for attempt in range(ATTEMPTS)]
        out.append({
            "docker_image": f"image-{number}",
            "gt_rewards": str([int(value) for value in right]),
            "regression_rates": str([1.0 if value else 0.5 for value in right]),
            "mean_predicted_rewards": str([0.75 if value else 0.25 for value in right]).replace("0.25", "nan", 1),
            "avg_yes_prob": "[" + ", ".join("0.9" if value else "None" for value in right) + "]",
            "step_counts": str([30] * ATTEMPTS),
        })  # fmt: skip
    return out


def expected(k: int) -> float:
    """Pass@K of these tasks, which is Best@K of any selector that tells right from wrong."""
    return sum(1 - math.comb(ATTEMPTS - n, k) / math.comb(ATTEMPTS, k) for n in range(TASKS)) / TASKS


def write(folder: Path, kind: str) -> Path:
    """The rows as a file, or as what ``datasets`` saves."""
    if kind == "jsonl":
        path = folder / "predictions.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows()))
        return path
    path = folder / "data" / "predictions-00000-of-00001.parquet"
    path.parent.mkdir()
    pq.write_table(pa.Table.from_pylist(rows()), path)
    if kind == "saved":
        import datasets

        datasets.DatasetDict({"predictions": datasets.Dataset.from_list(rows())}).save_to_disk(
            folder / "saved"
        )
        return folder / "saved"
    return path if kind == "parquet" else folder


@pytest.mark.parametrize("kind", ["jsonl", "parquet", "folder", "saved"])
def test_the_known_curve_comes_out(tmp_path: Path, kind: str):
    """From every form in which the rows may lie on the disk."""
    found = best_of_k(load_scores(write(tmp_path, kind)), ks=(1, 5, 26), resamples=0)
    known = [expected(k) for k in found.k]
    for name in ("oracle", "execution", "execution-free", "hybrid"):
        assert found.curves[name].mean == pytest.approx(known), name
    assert found.curves["random"].mean == pytest.approx([known[0]] * 3)


def test_texts_are_taken_apart_and_never_run():
    """Lists as Python, JSON or numpy print them; unknown is unknown; code is no number."""
    assert numbers("[1, 0.5, nan, None, null, True, False]", "x") == [1.0, 0.5, None, None, None, 1.0, 0.0]
    assert numbers("[0.  1. \n 1e-3]", "x") == [0.0, 1.0, 0.001]
    assert numbers("[np.float64(0.5), 1]", "x") == [0.5, 1.0]
    assert numbers([1, None, math.nan], "x") == [1.0, None, None]
    assert numbers("[]", "x") == []
    for bad in ("[__import__('os')]", "[1_0]", "[inf]", "(1, 2)", "[[1], [2]]", "", 7, None, {"a": 1}):
        with pytest.raises(DatasetError, match="column y"):
            numbers(bad, "column y")


def test_wrong_data_is_one_line(tmp_path: Path, r2egym):
    """A column that is missing, lists of different lengths, no file: exit code 2 and where it is."""
    path = tmp_path / "p.jsonl"
    row = rows()[0]
    for change, word in (
        ({"avg_yes_prob": "[1.0]"}, "row 1: lists of different lengths"),
        ({"gt_rewards": "os.system('x')"}, "row 1, gt_rewards: expected a list"),
    ):
        path.write_text(json.dumps({**row, **change}) + "\n")
        done = r2egym("bestk", path)
        assert done.returncode == 2
        (line,) = done.stderr.splitlines()
        assert word in line
    path.write_text('{"instance_id": "x"}\n')
    with pytest.raises(DatasetError, match="no such column"):
        load_scores(path)
    path.write_text("")
    with pytest.raises(DatasetError, match="no row"):
        load_scores(path)
    with pytest.raises(DatasetError, match="no such file"):
        load_scores(tmp_path / "nothing")


def test_the_bench_measures_both_ways(tmp_path: Path):
    """On a few predictions: the exact way costs less than the sampling, which agrees with it."""
    source = tmp_path / "few.jsonl"
    few = [{**row, **{name: str(numbers(row[name], "")[:4]) for name in COLUMNS}} for row in rows()[:3]]
    source.write_text("".join(json.dumps(row) + "\n" for row in few))
    speed, agreement = bestk.run(settings.load(), str(source))
    assert speed.ratio < 0.5
    assert agreement.ours < agreement.reference


def test_bestk_prints_the_published_keys_and_draws(tmp_path: Path, r2egym):
    """JSON ends with k and the curves in percent; the picture is a PNG of some size; its name's end is looked at."""
    source = write(tmp_path, "parquet")
    done = r2egym("bestk", source, "--json", "--plot", tmp_path / "curves.png")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert list(found)[-6:] == ["k", "pass", "execution", "execution_free", "hybrid", "random"]
    assert found["k"] == list(range(1, ATTEMPTS + 1))
    assert found["hybrid"] == pytest.approx([100 * expected(k) for k in found["k"]])
    assert (
        found["intervals"]["hybrid"]["low"][0] < found["hybrid"][0] < found["intervals"]["hybrid"]["high"][0]
    )
    picture = (tmp_path / "curves.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 20_000
    wrong = r2egym("bestk", source, "--plot", tmp_path / "curves.docx")
    assert wrong.returncode == 2
    assert "ends in .png, .pdf, .svg" in wrong.stderr
    table = r2egym("bestk", source, "--table", "-k", "1", "-k", "26")
    assert "Pass@K" in table.stdout
