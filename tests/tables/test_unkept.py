"""A study of arms whose rows are not ours to keep: nothing shows them, and all is made again."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ablate.cli.main import main
from ablate.report.index_page import write_index
from ablate.report.tables.check import verify_judged
from ablate.results.csv import read_table
from ablate.tables.arms.spread import FEWEST

STUDY = """
kind = "table"
question = "Is b better?"
baseline = "b"
[source]
file = "runs.csv"
cite = "Someone 2021"
licence = "MIT"
[columns]
outcome = { acc = "acc" }
arm = "arm"
seed = "seed"
budget = { macs = "macs" }
[hypotheses.better]
says = "b is better."
answers = "yes"
higher = ["b", "a"]
"""
COUNTS = {"a": 40, "b": 30, "=c": FEWEST - 1}
KEPT = ("source.json", "summary.csv", "spread.csv", "summary.md", "verdict.csv", "report.html")


def rows() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    parts = [
        pd.DataFrame(
            {"arm": arm, "seed": range(count), "acc": 70 + 2 * place + rng.normal(0, 1, count)}
        ).assign(macs=1e6 + place)
        for place, (arm, count) in enumerate(COUNTS.items())
    ]
    return pd.concat(parts, ignore_index=True)


def run(folder: Path, study: str = STUDY) -> Path:
    """The folder of a run of the study's command."""
    table, toml = folder / "runs.csv", folder / "noise.toml"
    rows().to_csv(table, index=False)
    toml.write_text(study)
    words = ["--study", str(toml), "--table", str(table), "--out", str(folder / "out")]
    assert main(["run", *words]) == 0
    return folder / "out" / "noise" / "runs"


def test_no_file_holds_a_row(tmp_path: Path) -> None:
    folder = run(tmp_path)
    assert not (folder / "rows.csv").exists()
    values = [f"{value:.9f}"[:11] for value in rows()["acc"]]
    for path in folder.iterdir():
        text = path.read_bytes().decode("utf-8", errors="replace")
        assert not [value for value in values if value in text], path.name


def test_quartiles_are_kept_and_drawn_of_arms_with_rows_enough(tmp_path: Path) -> None:
    folder = run(tmp_path)
    spread = read_table(folder / "spread.csv").set_index("arm")
    own = rows().set_index("arm").loc["a", "acc"]
    expected = np.quantile(own, [0.05, 0.25, 0.5, 0.75, 0.95])
    assert spread.loc["a"].tolist() == pytest.approx(expected)
    assert spread.loc["'=c"].isna().all()
    drawn = read_table(folder / "outcome.csv").set_index("arm")
    assert len(drawn) == 3
    assert drawn.loc["a", "p75"] == pytest.approx(expected[3])
    figure = (folder / "outcome.svg").read_text()
    assert f"a: the middle 90% {expected[0]:.1f} to {expected[4]:.1f}%" in figure
    assert "=c: the middle" not in figure


def test_all_is_made_again_from_what_is_published(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = run(tmp_path)
    said = capsys.readouterr().out
    published = tmp_path / "published" / "noise" / "runs"
    published.mkdir(parents=True)
    for name in KEPT:
        shutil.copy(folder / name, published)
    assert [line.level for line in verify_judged(published)] == ["ok", "ok"]
    assert main(["report", str(published)]) == 0
    assert capsys.readouterr().out.splitlines()[0] == said.splitlines()[0]
    for path in folder.iterdir():
        assert (published / path.name).read_bytes() == path.read_bytes(), path.name
    page = (published / "report.html").read_text()
    assert "ablate run --study noise --table runs.csv" in page
    index = write_index(tmp_path / "published").read_text()
    assert "noise/runs/report.html" in index
    assert read_table(published / "verdict.csv")["study"].tolist() == ["noise"]


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("summary.csv", "a,40,", "a,41,"),
        ("summary.csv", "\na,40,6", "\na,40,8"),
        ("summary.csv", "\nb,30,72.2", "\nb,30,72.3"),
        ("spread.csv", "\na,", "\nd,"),
        ("spread.csv", "p95", "p96"),
        ("source.json", '"n": 89', '"n": 90'),
        ("verdict.csv", "b beat a", "a beat b"),
    ],
)
def test_what_was_changed_is_a_fault(tmp_path: Path, name: str, old: str, new: str) -> None:
    folder = run(tmp_path)
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1))
    assert "FAULT" in [line.level for line in verify_judged(folder)]


def test_what_is_missing_is_a_fault(tmp_path: Path) -> None:
    folder = run(tmp_path)
    (folder / "spread.csv").unlink()
    assert [(line.level, line.check) for line in verify_judged(folder)] == [("FAULT", "spread.csv")]


def test_paired_arms_are_not_compared_again_without_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = run(tmp_path, STUDY.replace('seed = "seed"', 'seed = "seed"\npairs = true'))
    assert "known" not in json.loads((folder / "source.json").read_text())
    assert [line.level for line in verify_judged(folder)] == ["note"]
    assert main(["report", str(folder)]) == 2
    assert "keeps no rows" in capsys.readouterr().err
