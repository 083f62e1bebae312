"""Growths at equal budgets, from a table whose best growth is known."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ablate.errors import InputError
from ablate.study.toml_file import read_toml
from ablate.tables.file import TableFile, read_table_file
from ablate.tables.rows import Rows, read_rows
from ablate.tables.shape_verdict import called, judge, verdict_of
from ablate.tables.shapes import find_shapes

BEST = 1.6
FILE = """
kind = "table"
question = "At equal MACs, is doubling the best growth?"
network = [16, 32, 64]
[source]
file = "made.csv"
[columns]
outcome = { made = "accuracy" }
unit = "accuracy %"
widths = ["c0", "c1", "c2"]
budget = { macs = "macs" }
[match]
budget = "macs"
at = [3e4]
tolerance = 0.2
[hypotheses.best_is_two]
says = "Doubling is best."
answers = "yes"
optimum = 2.0
[hypotheses.growing_beats_shrinking]
says = "Growing is better than shrinking."
higher = [1.6, 0.7]
[hypotheses.a_little_more_ties]
says = "1.5 and 1.6 tie."
equal = [1.5, 1.6]
"""


def made(best: float = BEST, noise: float = 0.2) -> pd.DataFrame:
    """All widths of 8 to 64 in steps of 8: accuracy has its top at one growth, bends cost."""
    rng = np.random.default_rng(0)
    grid = np.arange(8, 65, 8)
    c0, c1, c2 = (one.ravel() for one in np.meshgrid(grid, grid, grid, indexing="ij"))
    macs = 16 * c0**2 / 2 + 4 * (c0 * c1 + c1**2) + (c1 * c2 + c2**2)
    growth = np.log2(c2 / c0) / 2
    bend = np.log2(c1) - np.log2(c0 * c2) / 2
    accuracy = 60 + 3 * np.log2(macs / 3e4) - 3 * (growth - math.log2(best)) ** 2 - bend**2
    accuracy += rng.normal(0, noise, len(macs))
    return pd.DataFrame({"c0": c0, "c1": c1, "c2": c2, "macs": macs, "accuracy": accuracy})


def study(tmp_path: Path, text: str = FILE) -> TableFile:
    path = tmp_path / "made_study.toml"
    path.write_text(text, encoding="utf-8")
    return read_table_file(read_toml(path))


def rows_of(tmp_path: Path, frame: pd.DataFrame, file: TableFile) -> Rows:
    path = tmp_path / "made.csv"
    frame.to_csv(path, index=False)
    return read_rows(file, path)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("shapes")
    file = study(folder)
    rows = rows_of(folder, made(), file)
    return file, rows, find_shapes(file, rows, rows)


def test_the_best_growth_is_found(found) -> None:
    _, _, shapes = found
    (row,) = shapes.best.to_dict("records")
    assert row["low"] <= BEST <= row["high"]
    assert not row["edge"]
    assert row["high"] < 2.0
    assert row["lost"] == pytest.approx(3 * math.log2(2 / BEST) ** 2, abs=0.1)
    assert row["least"] < 0.7
    assert row["most"] > 2.0


def test_a_difference_is_what_was_made_and_the_bins_agree(found) -> None:
    _, _, shapes = found
    row = shapes.contrasts.set_index("hypothesis").loc["growing_beats_shrinking"]
    right = 3 * math.log2(BEST / 0.7) ** 2
    assert row["low"] <= right <= row["high"]
    assert row["low"] <= row["near_low"] <= row["near_high"] <= row["high"]
    assert row["n_first"] >= 4
    assert row["agrees"]


def test_the_surface_explains_what_is_smooth(found) -> None:
    _, _, shapes = found
    (row,) = shapes.fits.to_dict("records")
    assert row["n"] == 512
    assert row["r2"] > 0.99
    assert row["error"] == pytest.approx(0.2, rel=0.2)


def test_predictions_and_verdict(found) -> None:
    file, _, shapes = found
    judged = judge(file, shapes)
    verdicts = judged.set_index("name")["verdict"]
    assert verdicts.to_dict() == {
        "best_is_two": "refuted",
        "growing_beats_shrinking": "supported",
        "a_little_more_ties": "supported",
    }
    verdict = verdict_of(file, shapes, judged)
    assert verdict.word == "no"
    assert verdict.sentence.startswith("At equal MACs, the best growth was 1.")
    assert len(verdict.sentence.split()) <= 25
    assert verdict.n == 512
    assert verdict.unit == "network"
    assert "once" in verdict.caveat


def test_where_a_network_stands_is_counted(found) -> None:
    _, _, shapes = found
    (row,) = shapes.standing.to_dict("records")
    frame = made()
    own = frame[(frame["c0"] == 16) & (frame["c1"] == 32) & (frame["c2"] == 64)].iloc[0]
    near = frame[(frame["macs"] / own["macs"] - 1).abs() <= 0.2]
    assert row["n"] == len(near) - 1
    assert row["better"] == (near["accuracy"] > own["accuracy"]).sum()
    assert row["best_value"] == near["accuracy"].max()


def test_less_is_better_turns_everything_round(tmp_path: Path, found) -> None:
    text = FILE.replace("accuracy %", "error %")
    file = study(tmp_path, text)
    frame = made()
    rows = rows_of(tmp_path, frame.assign(accuracy=100 - frame["accuracy"]), file)
    shapes = find_shapes(file, rows, rows)
    assert shapes.best["best"].iloc[0] == pytest.approx(found[2].best["best"].iloc[0], rel=0.02)
    verdicts = judge(file, shapes)["verdict"].tolist()
    assert verdicts == ["refuted", "supported", "supported"]


def test_growths_that_no_network_lies_around_are_not_told(tmp_path: Path) -> None:
    file = study(tmp_path, FILE.replace("higher = [1.6, 0.7]", "higher = [8.0, 1.0]"))
    rows = rows_of(tmp_path, made(), file)
    shapes = find_shapes(file, rows, rows)
    row = shapes.contrasts.set_index("hypothesis").loc["growing_beats_shrinking"]
    assert math.isnan(row["estimate"])
    assert judge(file, shapes).set_index("name").loc["growing_beats_shrinking"]["verdict"] == (
        "open"
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("at = [3e4]", "at = [3e9]"), "no networks lie around any of these budgets"),
        (("network = [16, 32, 64]", "network = [17, 32, 64]"), "no row of"),
        (('widths = ["c0", "c1", "c2"]', 'widths = ["c0", "c1", "c9"]'), "no column 'c9'"),
        (('unit = "accuracy %"', 'unit = "accuracy"'), "are no fractions"),
    ],
)
def test_what_cannot_be_is_one_line(tmp_path: Path, change: tuple[str, str], says: str) -> None:
    def judged() -> None:
        file = study(tmp_path, FILE.replace(*change))
        rows = rows_of(tmp_path, made(), file)
        find_shapes(file, rows, rows)

    with pytest.raises(InputError, match=says) as error:
        judged()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('budget = "macs"\nat', 'budget = "flops"\nat'), "match.budget.*expected one of macs"),
        (("optimum = 2.0", "optimum = 2.0\nhigher = [2.0, 1.0]"), "expected one of higher"),
        (("higher = [1.6, 0.7]", 'higher = ["a", "b"]'), "two growths, as numbers"),
        (('kind = "table"', 'kind = "table"\nbaseline = "a"'), "growths have none"),
        (("[match]\n", "[match]\nto = 1\n"), "match.to: unknown key"),
        (("higher = [1.6, 0.7]", "higher = [1.6, 1.6]"), "expected two that differ"),
        (
            ('widths = ["c0", "c1", "c2"]', 'widths = { column = "c0", skp = 1 }'),
            "skp: unknown key .did you mean skip",
        ),
        (("[match]\n", "[where]\nc0 = { abov = 1 }\n[match]\n"), "abov: unknown key"),
    ],
)
def test_a_file_that_cannot_be_meant_is_one_line(
    tmp_path: Path, change: tuple[str, str], says: str
) -> None:
    with pytest.raises(InputError, match=says) as error:
        study(tmp_path, FILE.replace(*change))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda frame: pd.concat([frame, frame[:3]]), "comes twice"),
        (lambda frame: frame.assign(accuracy=60.0), "is 60 in every row"),
        (lambda frame: frame.assign(c0=16, c1=32, c2=64), "hardly differ in growth"),
        (
            lambda frame: frame.assign(
                accuracy=frame["accuracy"].where(frame.index > 4, frame["accuracy"] / 100)
            ),
            "looks like a fraction beside",
        ),
    ],
)
def test_a_table_that_cannot_be_meant_is_one_line(tmp_path: Path, change, says: str) -> None:
    file = study(tmp_path)

    def judged() -> None:
        rows = rows_of(tmp_path, change(made()), file)
        find_shapes(file, rows, rows)

    with pytest.raises(InputError, match=says) as error:
        judged()
    assert "\n" not in str(error.value)


def test_the_size_that_is_told_is_of_budgets_where_it_is_clear(tmp_path: Path, found) -> None:
    _, _, shapes = found
    other = shapes.contrasts.assign(at=6e4, estimate=0.0, low=-0.5, high=0.5)
    two = replace(shapes, contrasts=pd.concat([shapes.contrasts, other]))
    file = study(
        tmp_path,
        FILE.replace('answers = "yes"\n', "")
        .replace("[hypotheses.growing", "[hypotheses.growing")
        .replace(
            'says = "Growing is better than shrinking."',
            'says = "Growing is better than shrinking."\nanswers = "yes"',
        ),
    )
    verdict = verdict_of(file, two, judge(file, two))
    assert "by 4." in verdict.sentence
    assert "0.0" not in verdict.sentence
    assert "(at 1 of 2 budgets)" in verdict.sentence


def test_another_table_than_the_one_that_is_meant_is_refused(tmp_path: Path) -> None:
    file = study(
        tmp_path, FILE.replace('file = "made.csv"', f'file = "made.csv"\nsha256 = "{"0" * 64}"')
    )
    with pytest.raises(InputError, match="another table"):
        rows_of(tmp_path, made(), file)


@pytest.mark.parametrize(
    ("growth", "words"),
    [
        (1.0, "constant width"),
        (2.0, "doubling"),
        (2.5, "growing 2.5 times"),
        (0.75, "shrinking to 0.75"),
    ],
)
def test_growths_in_words(growth: float, words: str) -> None:
    assert called(growth) == words
