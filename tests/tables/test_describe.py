"""A number described by group: what is known of each, what is not, and what predictions come to."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ablate.cli.main import main
from ablate.errors import InputError
from ablate.statistics.intervals import mean_interval
from ablate.study.toml_file import read_toml
from ablate.tables.describe import Described, describe
from ablate.tables.describe_verdict import form_of, judge, verdict_of
from ablate.tables.file import TableFile, read_table_file
from ablate.tables.rows import read_rows

STUDY = """
kind = "table"
question = "Do they more than double?"
margin = 0.2
[source]
file = "zoo.csv"
[columns]
outcome = { growth = "growth", multiplier = "wm" }
unit = "number"
arm = "model"
[describe]
separator = "-"
marks = { doubling = 2.0 }
chosen = "somebody chose them"
[hypotheses.more]
says = "Those that were searched do."
answers = "yes"
of = "Reg"
above = 2.0
[hypotheses.less]
says = "All are below 2."
below = 2.0
[hypotheses.same]
says = "Those by hand are at 2."
of = "Res"
near = 2.0
"""
GROWTHS = {"Reg": [2.4, 2.6, 2.5, 2.45, 2.7, 2.55, 2.3, 2.5], "Res": [2.0] * 5}
GROWTHS |= {"Few": [1.0, 3.0], "Eff": [np.nan] * 3}


def zoo() -> pd.DataFrame:
    """Eight of one group, five alike of another, two of a third, and three without the number."""
    rows = [
        {"model": f"{group}-{place}", "growth": value, "wm": value if group == "Reg" else np.nan}
        for group, values in GROWTHS.items()
        for place, value in enumerate(values)
    ]
    return pd.DataFrame(rows)


def found(folder: Path, frame: pd.DataFrame, study: str = STUDY) -> tuple[TableFile, Described]:
    table, toml = folder / "zoo.csv", folder / "zoo_growth.toml"
    frame.to_csv(table, index=False)
    toml.write_text(study)
    file = read_table_file(read_toml(toml))
    return file, describe(file, read_rows(file, table))


def test_each_group_has_its_mean_interval_and_quartiles(tmp_path: Path) -> None:
    _, zoo_ = found(tmp_path, zoo())
    row = zoo_.table.iloc[0]
    values = GROWTHS["Reg"]
    assert (row["outcome"], row["group"], row["networks"]) == ("growth", "Reg", 8)
    assert (row["least"], row["median"], row["greatest"]) == (2.3, 2.5, 2.7)
    assert [row["lower"], row["upper"]] == pytest.approx(np.quantile(values, [0.25, 0.75]))
    one = mean_interval(values)
    assert [row["mean"], row["low"], row["high"]] == [one.mean, one.low, one.high]
    assert row["all_low"] < row["low"] < row["high"] < row["all_high"]


def test_what_has_no_interval_says_why(tmp_path: Path) -> None:
    _, zoo_ = found(tmp_path, zoo())
    table = zoo_.table[zoo_.table["outcome"] == "growth"].set_index("group")
    assert table["why"].to_dict() == {
        "Reg": "",
        "Res": "all alike",
        "Few": "too few networks",
        "Eff": "none has it",
    }
    assert table.loc[["Res", "Few", "Eff"], ["low", "all_high"]].isna().all(axis=None)
    assert table.loc["Res", "mean"] == 2
    assert (table.loc["Eff", "networks"], table.loc["Eff", "without"]) == (0, 3)


def test_predictions_are_judged_by_limits_that_hold_for_all_means(tmp_path: Path) -> None:
    file, zoo_ = found(tmp_path, zoo())
    judged = judge(file, zoo_).set_index("name")
    assert list(judged["verdict"]) == ["supported", "refuted", "open"]
    assert judged.loc["more", ["groups", "held", "against", "n"]].tolist() == [2, 2, 0, 8]
    assert judged.loc["less", ["groups", "held", "against", "n"]].tolist() == [4, 0, 2, 15]
    verdict = verdict_of(file, zoo_, judge(file, zoo_))
    assert (verdict.word, verdict.n, verdict.unit) == ("yes", 8, "network")
    assert verdict.sentence == "Growth averaged 2.50 in Reg, 2.00 in Res and Few."
    assert verdict.caveat == ("It says what people use, not what is best: somebody chose them.")
    said = {one.name: one.sentence for one in verdict.predictions}
    assert "(all 5 alike, so without an interval)" in said["same"]
    assert "(n = 2 of at least 4, so without an interval)" in said["less"]


@pytest.mark.parametrize("many", [1, 8, 40])
def test_the_interval_for_all_is_wider_the_more_means_there_are(many: int, tmp_path: Path) -> None:
    values = GROWTHS["Reg"]
    frame = pd.DataFrame(
        [
            {"model": f"g{group}-{place}", "growth": value, "wm": np.nan}
            for group in range(many)
            for place, value in enumerate(values)
        ]
    )
    study = STUDY[: STUDY.index("[hypotheses")].replace(', multiplier = "wm"', "")
    _, zoo_ = found(tmp_path, frame, study)
    expected = mean_interval(values, 1 - 0.05 / many)
    assert zoo_.table["all_low"].tolist() == pytest.approx([expected.low] * many)


def test_groups_may_be_a_column(tmp_path: Path) -> None:
    frame = zoo()
    frame["family"] = frame["model"].str.split("-").str[0]
    study = STUDY.replace('separator = "-"\n', "").replace(
        'arm = "model"', 'arm = "model"\ngroup = ["family"]'
    )
    _, by_column = found(tmp_path, frame, study)
    _, by_name = found(tmp_path, zoo())
    pd.testing.assert_frame_equal(by_column.table, by_name.table)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('of = "Res"', 'of = "Ros"', "hypotheses.same.of: 'Ros' (did you mean Res?): expected"),
        ('separator = "-"', 'separator = "_"', "'Reg-0' has no '_', before which its group stands"),
        ('separator = "-"', "", "describe: expected groups: either describe.separator or"),
        ('arm = "model"', 'arm = "model"\nseed = "wm"', "columns.seed: does nothing with [desc"),
        ("margin = 0.2", 'baseline = "Reg"', "baseline: does not go with [describe]"),
        ("above = 2.0", 'higher = ["Reg", "Res"]', "more.higher: expected above, below, near"),
        ("above = 2.0", "", "hypotheses.more: expected one of above, below, near"),
        ('"growth", multiplier', '"grwth", multiplier', "no column 'grwth' (did you mean growth?)"),
        ("[describe]", "[where]\nmodel = 'Eff-0'\n[describe]", "'growth' is empty in every row"),
    ],
)
def test_faults_get_one_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in STUDY
    with pytest.raises(InputError) as error:
        found(tmp_path, zoo(), STUDY.replace(old, new, 1))
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_network_counts_once(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'Reg-3' comes twice in its group"):
        found(tmp_path, zoo().replace({"model": {"Reg-4": "Reg-3"}}))


def test_a_number_that_is_judged_needs_a_direction(tmp_path: Path) -> None:
    study = STUDY[: STUDY.index("[describe]")]
    with pytest.raises(InputError, match='"number" is of'):
        found(tmp_path, zoo(), study)


@pytest.mark.parametrize(
    ("values", "form"),
    [([2.5, 1.0], ".2f"), ([39.0], ".1f"), ([5e6], ",.0f"), ([0.012], ".4f"), ([4e9], ".3g")],
)
def test_a_mean_has_three_digits(values: list[float], form: str) -> None:
    assert form_of(values).lstrip(",") == form.lstrip(",")


def test_groups_are_called_what_they_are(tmp_path: Path) -> None:
    """Not a number, a formula, mathematics or a part of the page."""
    names = {"Reg": "01", "Res": "=1+1", "Few": "$x_1$", "Eff": "<b>"}
    frame = zoo()
    for old, new in names.items():
        frame["model"] = frame["model"].str.replace(f"{old}-", f"{new}-", regex=False)
    study = STUDY.replace('of = "Reg"', 'of = "01"').replace('of = "Res"', 'of = "=1+1"')
    found(tmp_path, frame, study)
    words = ["--study", str(tmp_path / "zoo_growth.toml"), "--table", str(tmp_path / "zoo.csv")]
    assert main(["run", *words, "--out", str(tmp_path / "out")]) == 0
    folder = tmp_path / "out" / "zoo_growth" / "zoo"
    page, figure = ((folder / name).read_text() for name in ("report.html", "means.svg"))
    for name in ("01", "=1+1", "$x_1$"):
        assert f">{name}<" in page
        assert f"{name}: 2.50" in figure or f"{name}: 2.00" in figure
    assert "'=1+1" in (folder / "groups.csv").read_text()
    assert "Without any number: &lt;b&gt; (3)." in page
    assert main(["check", str(folder)]) == 0


def test_the_command_writes_every_file_and_no_network(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found(tmp_path, zoo())
    study, table = tmp_path / "zoo_growth.toml", tmp_path / "zoo.csv"
    run = ["run", "--study", str(study), "--table", str(table), "--out", str(tmp_path / "out")]
    assert main(run) == 0
    assert capsys.readouterr().out.startswith("Yes: Growth averaged 2.50 in Reg")
    folder = tmp_path / "out" / "zoo_growth" / "zoo"
    tables = {"source.csv", "groups.csv", "hypotheses.csv", "verdict.csv", "means.csv"}
    others = {"summary.md", "report.html", "means.png", "means.svg", "study.toml"}
    assert {path.name for path in folder.iterdir()} == tables | others
    for path in folder.iterdir():
        assert b"Reg-" not in path.read_bytes()
    page = (folder / "report.html").read_text()
    assert "Without any number: Eff (3)." in page
    written = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert main(["report", str(folder)]) == 0
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == written
    assert main(["check", str(folder)]) == 0
    text = (folder / "groups.csv").read_text()
    (folder / "groups.csv").write_text(text.replace("growth,Reg,8,0,2.5", "growth,Reg,8,0,2.9"))
    assert main(["check", str(folder)]) == 1
