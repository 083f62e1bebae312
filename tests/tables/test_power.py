"""Run times made from a known law: its growth is found, judged and told; faults get one line."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ablate.cli.main import main
from ablate.errors import InputError
from ablate.study.toml_file import read_toml
from ablate.tables.file import TableFile, read_table_file
from ablate.tables.power import Powers, find_powers
from ablate.tables.power_verdict import judge, verdict_of
from ablate.tables.rows import read_rows

PUBLISHED = Path(__file__).parents[3] / "shared" / "data" / "published" / "timm_throughput.csv"
STUDIES = Path(__file__).parents[2] / "studies"
STUDY = """
kind = "table"
question = "Does it take more than doubling to keep a layer's run time on a GPU?"
margin = 0.2
[source]
file = "times.csv"
[columns]
outcome = { rate = "rate" }
unit = "higher"
arm = "model"
cluster = "family"
group = ["device", "mode"]
budget = { macs = "gmacs", activations = "macts" }
fixed_by = ["model", "size"]
[where]
gmacs = { above = 0 }
[power]
kinds = { CPUs = ["cpu"], GPUs = ["gpu", "new-gpu"] }
marks = { RegNet = 2.5 }
[hypotheses.more]
says = "On a GPU it takes more than doubling."
answers = "yes"
of = "GPUs"
above = 2.0
[hypotheses.less]
says = "On every device it is below 2.5."
below = 2.5
[hypotheses.doubling]
says = "On a CPU it is doubling."
of = "CPUs"
near = 2.0
"""
POWERS = {"cpu": (1.0, 0.0), "gpu": (0.3, 0.7), "new-gpu": (0.3, 0.7)}


def made(noise: float = 0.05) -> pd.DataFrame:
    """48 models of 8 families, at two sizes, on three devices."""
    rng = np.random.default_rng(0)
    frames = []
    macs = np.exp(rng.normal(1.5, 1, 48))
    macts = 5 * macs**0.6 * np.exp(rng.normal(0, 0.5, 48))
    for device, (a, b) in POWERS.items():
        for size, scale in ((224, 1.0), (288, 1.65)):
            times = (scale * macs) ** a * (scale * macts) ** b / 1000
            frames.append(
                pd.DataFrame(
                    {
                        "device": device,
                        "mode": "infer",
                        "model": [f"net{place}" for place in range(48)],
                        "family": [f"family{place % 8}" for place in range(48)],
                        "size": size,
                        "rate": 1 / (times * np.exp(rng.normal(0, noise, 48))),
                        "gmacs": scale * macs,
                        "macts": scale * macts,
                    }
                )
            )
    return pd.concat(frames, ignore_index=True)


def found(folder: Path, frame: pd.DataFrame, study: str = STUDY) -> tuple[TableFile, Powers]:
    table, toml = folder / "times.csv", folder / "timed.toml"
    frame.to_csv(table, index=False)
    toml.write_text(study)
    file = read_table_file(read_toml(toml))
    return file, find_powers(file, read_rows(file, table))


def test_the_growth_of_each_device_is_found_and_judged(tmp_path: Path) -> None:
    file, powers = found(tmp_path, made())
    table = powers.table
    assert list(table["group"]) == ["cpu, infer", "gpu, infer", "new-gpu, infer"]
    assert list(table["kind"]) == ["CPUs", "GPUs", "GPUs"]
    for row in table.to_dict("records"):
        a, b = POWERS[row["group"].split(",")[0]]
        growth = 2 ** (2 * (a + b) / (2 * a + b))
        assert row["all_low"] < row["low"] < growth < row["high"] < row["all_high"]
        assert row["within"] == pytest.approx(growth, rel=0.05)
        assert row["macs_low"] < a < row["macs_high"]
        assert row["activations_low"] < b < row["activations_high"]
        assert row["cv_error"] == pytest.approx(0.05, rel=0.3)
        assert (row["rows"], row["networks"], row["families"]) == (96, 48, 8)
    assert powers.networks == {None: 48, "CPUs": 48, "GPUs": 48}
    judged = judge(file, powers)
    assert list(judged["verdict"]) == ["supported", "refuted", "supported"]
    assert list(judged["groups"]) == [2, 3, 1]
    verdict = verdict_of(file, powers, judged)
    assert verdict.word == "yes"
    assert "on CPUs" in verdict.sentence
    assert len(verdict.sentence.split()) <= 25


def test_a_model_is_drawn_with_all_of_its_rows(tmp_path: Path) -> None:
    """A network timed over and over says no more than one that was timed once."""
    once = made(noise=0.2)
    _, few = found(tmp_path, once)
    _, many = found(tmp_path, pd.concat([once] * 5))
    for name in ("growth", "low", "high", "families_low", "families_high"):
        assert list(many.table[name]) == pytest.approx(list(few.table[name]))


def test_where_the_fits_disagree_nothing_is_judged(tmp_path: Path) -> None:
    file, powers = found(tmp_path, made())
    table = powers.table.assign(sum_growth=[2.0, 1.9, 1.9])
    other = Powers(table=table, networks=powers.networks, few=())
    assert list(judge(file, other)["verdict"]) == ["open", "open", "supported"]


def test_a_time_is_read_as_a_rate_is(tmp_path: Path) -> None:
    frame = made()
    _, rates = found(tmp_path, frame)
    times = STUDY.replace('unit = "higher"', 'unit = "lower"')
    _, same = found(tmp_path, frame.assign(rate=1 / frame["rate"]), times)
    assert list(same.table["growth"]) == pytest.approx(list(rates.table["growth"]))


def test_costs_that_a_file_lacks_are_those_of_the_same_model(tmp_path: Path) -> None:
    frame = made()
    lacking = frame.copy()
    lacking.loc[lacking["device"] == "gpu", ["gmacs", "macts"]] = np.nan
    _, whole = found(tmp_path, frame)
    _, filled = found(tmp_path, lacking)
    pd.testing.assert_frame_equal(whole.table, filled.table)
    lacking.loc[lacking["model"] == "net3", ["gmacs", "macts"]] = np.nan
    _, without = found(tmp_path, lacking)
    assert set(without.table["networks"]) == {47}


def test_groups_with_few_networks_are_left_out_and_named(tmp_path: Path) -> None:
    frame = made()
    small = frame[(frame["device"] != "cpu") | (frame["model"].str[3:].astype(int) < 39)]
    file, powers = found(tmp_path, small)
    assert powers.few == ("cpu, infer",)
    assert set(powers.table["kind"]) == {"GPUs"}
    judged = judge(file, powers).set_index("name")
    assert judged.loc["doubling", "verdict"] == "open"
    said = {
        one.name: one.sentence for one in verdict_of(file, powers, judge(file, powers)).predictions
    }
    assert said["doubling"] == "No group of CPUs has the 40 networks that a fit needs."


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('macs = "gmacs"', 'mac = "gmacs"', "power.macs: 'macs' (did you mean mac?): expected"),
        ('of = "CPUs"', 'of = "CPU"', "hypotheses.doubling.of: 'CPU': expected one of CPUs, GPUs"),
        ("near = 2.0", "optimum = 2.0", "hypotheses.doubling.optimum: expected above, below, near"),
        ('cluster = "family"', "", "columns.cluster: expected the column of the networks' fam"),
        ('unit = "higher"', 'unit = "accuracy %"', 'columns.unit: expected "lower" for a time'),
        ('"new-gpu"]', '"tpu"]', "power.kinds: 'new-gpu' of column 'device' is of no kind"),
        ('CPUs = ["cpu"]', 'CPUs = ["tpu"]', "power.kinds.CPUs: no row is of these"),
        ('["model", "size"]', '["family"]', "rows that are alike in family differ in it"),
        ('macs = "gmacs"', 'macs = "macts"', "MACs and activations go together in every row"),
        ('"family"', '"mode"', "cpu, infer has a single family in column 'mode'"),
    ],
)
def test_faults_get_one_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(InputError) as error:
        found(tmp_path, made(), STUDY.replace(old, new, 1))
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_rate_of_zero_is_refused(tmp_path: Path) -> None:
    frame = made()
    frame.loc[4, "rate"] = 0
    with pytest.raises(InputError, match="0 is no time or rate"):
        found(tmp_path, frame)


def test_keys_of_run_times_need_power(tmp_path: Path) -> None:
    study = STUDY.replace("[power]\n", "[match]\nbudget = 'macs'\nat = [1]\n")
    study = "\n".join(line for line in study.splitlines() if not line.startswith(("kinds", "mark")))
    with pytest.raises(InputError):
        found(tmp_path, made(), study)


def test_the_command_writes_every_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found(tmp_path, made())
    study, table = tmp_path / "timed.toml", tmp_path / "times.csv"
    run = ["run", "--study", str(study), "--table", str(table), "--out", str(tmp_path / "out")]
    assert main(run) == 0
    assert capsys.readouterr().out.startswith("Yes: The growth that keeps a layer's run time")
    folder = tmp_path / "out" / "timed" / "times"
    names = {path.name for path in folder.iterdir()}
    tables = {
        "source.csv",
        "powers.csv",
        "kinds.csv",
        "hypotheses.csv",
        "verdict.csv",
        "growth.csv",
    }
    assert names == {*tables, "summary.md", "report.html", "growth.png", "growth.svg", "study.toml"}
    page = (folder / "report.html").read_text()
    assert "Whole networks were timed" in page or "whole networks were timed" in page
    again = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert main(run) == 0
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == again


@pytest.mark.skipif(not PUBLISHED.is_file(), reason=f"no {PUBLISHED.name} beside the project")
def test_devices_that_others_timed() -> None:
    file = read_table_file(read_toml(STUDIES / "timm_run_time.toml"))
    powers = find_powers(file, read_rows(file, PUBLISHED))
    table = powers.table.set_index("kind")
    assert len(table) == 16
    assert table.loc["CPUs", "growth"].between(1.9, 2.2).all()
    assert table.loc["GPUs", "growth"].between(2.6, 3.3).all()
    assert (table["macs_cv_error"] > table["cv_error"])["GPUs"].all()
    judged = judge(file, powers).set_index("name")
    assert judged.loc["gpus_above_doubling", "verdict"] == "supported"


def test_a_rate_that_is_taken_for_a_time_is_one_line(tmp_path: Path) -> None:
    study = STUDY.replace('unit = "higher"', 'unit = "lower"')
    assert study != STUDY
    with pytest.raises(InputError, match="time does not rise with these costs") as error:
        found(tmp_path, made(), study)
    assert "\n" not in str(error.value)
