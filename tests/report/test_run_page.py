"""Reports made again from tables: of one run, of several, and the index of all."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import html5lib
import pandas as pd
import pytest

from ablate.analysis import findings, wording
from ablate.analysis.across import comparison, pooled
from ablate.analysis.verdicts.verdict import verdict_of
from ablate.cli.report import main
from ablate.errors import InputError
from ablate.report import comparison_page, index_page, run_page, run_sections, write
from ablate.report.figures import of_run
from ablate.report.verdict_file import read_verdict
from ablate.results import names as results_names
from ablate.results.csv import read_table, read_trials, write_table
from ablate.study.file import read_study_file
from support import PUBLISHED

TABLES = ("trials.csv", "epochs.csv", "stages.csv", "study.toml")

pytestmark = pytest.mark.usefixtures("undrawn")


def copied(study: str, root: Path) -> Path:
    """The tables alone of a committed run."""
    folder = root / study / "digits"
    folder.mkdir(parents=True)
    for name in TABLES:
        shutil.copy(PUBLISHED / study / "digits" / name, folder)
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return copied("width_doubling", tmp_path)


def edited(folder: Path, change) -> None:
    """Write the trials of a run again after a change."""
    trials = read_trials(folder / results_names.TRIALS)
    change(trials)
    write_table(trials, folder / results_names.TRIALS)


def words(path: Path) -> str:
    """The text of a page, spaces joined."""
    document = html5lib.HTMLParser(strict=True).parse(path.read_text(encoding="utf-8"))
    return " ".join(" ".join(document.itertext()).split())


@pytest.mark.drawn
def test_a_run_is_reported_from_its_tables_alone(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(run)]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == str(run / "report.html")
    made = {path.name for path in run.iterdir()}
    files = {"verdict.csv", "summary.csv", "summary.md", "hypotheses.csv", "report.html"}
    assert files <= made
    assert {path.removesuffix(".svg") + ".csv" for path in made if path.endswith(".svg")} <= made
    text = words(run / "report.html")
    found = findings.find(run)
    assert found.file.question in text
    verdict = verdict_of(found)
    assert verdict.lines() == out.splitlines()[:-1]
    for part in (verdict.label, verdict.sentence, verdict.numbers, verdict.caveat, verdict.settle):
        assert part in text
    said = {one.name: one for one in verdict.predictions}
    for row in found.hypotheses.to_dict("records"):
        assert f"{row['says']} {said[row['name']].sentence} {row['sentence']}" in text
    headings = (
        *("What was predicted", "The arms, with 95% intervals", "Figures", "The networks"),
        *("What was fixed", "Trials that did not complete", "Machine and versions"),
        *("Reproduce", "Cite"),
    )
    places = [text.rindex(heading) for heading in headings]
    assert places == sorted(places)
    assert text.index(verdict.sentence) < min(text.index(heading) for heading in headings)


@pytest.mark.drawn
def test_the_report_is_the_same_each_time_and_small(run: Path) -> None:
    write.write_findings(run)
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    write.write_findings(run)
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before
    assert max(map(len, before.values())) < 500 * 1024


def test_what_is_fixed_is_listed_and_what_varies_is_not(run: Path) -> None:
    text = words(_reported(run))
    fixed = text.rpartition("What was fixed")[2].rpartition("Trials that did not")[0]
    assert "depths 2, 2, 2;" in fixed
    assert "epochs 20;" in fixed
    assert "; widths" not in fixed
    assert "Nothing is held equal between arms" in text


def test_one_comparison_is_no_family(tmp_path: Path) -> None:
    folder = copied("shortcut_type", tmp_path)
    found = findings.find(folder)
    assert "The one comparison of this page" not in words(_reported(folder))
    alone = replace(found, summary=replace(found.summary, together=1))
    notes = [table.note for table in run_page._arms(alone).tables]
    assert "The one comparison of this page: its p-value" in notes[1]
    assert "comparisons" not in notes[1]


def test_the_networks_say_all_that_differs_between_them(run: Path) -> None:
    trials = read_trials(run / results_names.TRIALS)
    plain = run_sections.networks(trials).tables[0].frame
    assert list(plain.columns)[:6] == ["arm", "widths", "blocks", "strides", "shortcut", "params"]
    assert plain["widths"].tolist()[0] == "4, 4, 4"
    changes = {"block": "bottleneck", "expansion": 2, "activation": "silu", "preact": True}

    def changed(text: str, more: dict[str, object]) -> str:
        spec = json.loads(text)
        return json.dumps(spec | {"net": spec["net"] | more})

    first = trials["cell"] == "constant"
    trials.loc[first, "spec"] = [changed(text, changes) for text in trials.loc[first, "spec"]]
    other = trials["cell"] == "tripling"
    trials.loc[other, "spec"] = [
        changed(text, {"head_width": 64}) for text in trials.loc[other, "spec"]
    ]
    frame = run_sections.networks(trials).tables[0].frame.set_index("arm")
    differing = frame.loc[:, "shortcut":"params"].iloc[:, 1:-1]  # type: ignore[misc]
    assert differing.T.to_dict() == {
        "constant": {
            "output widths": "8, 8, 8", "block": "bottleneck", "preact": "yes", "expansion": "2",
            "head width": "-", "activation": "silu",
        },
        "doubling": {
            "output widths": "4, 8, 16", "block": "basic", "preact": "no", "expansion": "1",
            "head width": "-", "activation": "relu",
        },
        "tripling": {
            "output widths": "4, 12, 36", "block": "basic", "preact": "no", "expansion": "1",
            "head width": "64", "activation": "relu",
        },
    }  # fmt: skip


def _reported(folder: Path) -> Path:
    write.write_findings(folder)
    return folder / results_names.REPORT


def test_failed_trials_are_shown_with_their_reason(run: Path) -> None:
    def fail(trials: pd.DataFrame) -> None:
        trials.loc[3, ["state", "failure", "test_accuracy"]] = ["failed", "it <broke>", pd.NA]

    edited(run, fail)
    text = words(_reported(run))
    assert "1 of 30 trials have no accuracy" in text
    assert "failed it <broke>" in text
    assert "1 of 10 trials of" in text
    assert "have no accuracy, and are not counted." in text


def test_uncommitted_changes_are_said(run: Path) -> None:
    def touch(trials: pd.DataFrame) -> None:
        trials.loc[4, "dirty"] = True

    assert "with uncommitted changes" not in words(_reported(run))
    edited(run, touch)
    assert "with uncommitted changes" in words(_reported(run))


def test_an_arm_may_be_called_none(run: Path) -> None:
    def rename(trials: pd.DataFrame) -> None:
        for column in ("cell", "axis_growth"):
            trials[column] = trials[column].replace("tripling", "None")

    edited(run, rename)
    for table in ("epochs.csv", "stages.csv", "study.toml"):
        path = run / table
        path.write_text(path.read_text().replace("tripling", "None"))
    write.write_findings(run)
    assert "None" in (run / "stage_shares.csv").read_text()
    assert (run / "curves.csv").read_text().count("None,") == 40


def test_hostile_names_stay_text(run: Path) -> None:
    name = "<script>alert(1)</script>"

    def rename(trials: pd.DataFrame) -> None:
        for column in ("cell", "axis_growth"):
            trials[column] = trials[column].replace("tripling", name)

    edited(run, rename)
    for table in ("epochs.csv", "stages.csv"):
        path = run / table
        path.write_text(path.read_text().replace("tripling", name))
    study = run / "study.toml"
    quoted = json.dumps(name)
    text = study.read_text().replace("tripling = {", f"{quoted} = {{").replace('"tripling"]', '"]')
    study.write_text(re.sub(r"\n\[hypotheses.*", "", text, flags=re.DOTALL))
    page = _reported(run).read_text()
    assert name not in page
    assert "&lt;script&gt;alert(1)" in page
    index = index_page.write_index(run.parent.parent).read_text()
    assert name not in index


def test_the_command_to_reproduce_names_what_was_run(run: Path) -> None:
    found = findings.find(run)
    assert run_page.command(found) == (
        "ablate run --study width_doubling --seeds 10 --epochs 20 --layout "
        + found.trials["memory_format"][0]
    )
    measured = replace(found, mechanism=pd.DataFrame())
    assert run_page.command(measured).endswith(" --mechanism")
    found.trials["dataset"] = "folder:mine"
    assert "--dataset folder:PATH --seeds" in run_page.command(found)


def test_a_missing_or_foreign_table_is_one_line(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / "trials.csv").write_text("a,b\n1,2\n")
    assert main([str(run)]) == 2
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1
    assert str(run / "trials.csv") in err
    assert main([str(tmp_path / "nowhere")]) == 2
    assert "no such study file" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stop:
        main([])
    assert stop.value.code == 2


@pytest.mark.drawn
def test_several_runs_are_compared(run: Path, tmp_path: Path) -> None:
    other = copied("shortcut_type", tmp_path)
    out = tmp_path / "comparison"
    assert main([str(run), str(other), "--out", str(out), "--index", str(tmp_path)]) == 0
    table = pd.read_csv(out / "comparison.csv")
    assert list(table["run"].unique()) == ["width_doubling on digits", "shortcut_type on digits"]
    text = words(out / "report.html")
    for folder in (run, other):
        assert verdict_of(findings.find(folder)).said in text
    assert "The order of the arms" not in text  # they share none
    assert "Open They share no prediction." in text
    index = words(tmp_path / "index.html")
    assert "digits Open in part" in index
    assert "comparison 2 runs Open" in index
    assert "predictions: 1 inconclusive, 1 supported" in index


def test_runs_with_the_same_arms_are_compared_by_their_order(run: Path, tmp_path: Path) -> None:
    """As two schedules of one study are; here the other has the arms the other way round."""
    other = copied("width_doubling", tmp_path / "there")

    for folder, means in ((run, (0.7, 0.8, 0.9)), (other, (0.9, 0.8, 0.7))):
        given = dict(zip(("constant", "doubling", "tripling"), means, strict=True))
        edited(
            folder,
            lambda trials, given=given: trials.update(
                {"test_accuracy": trials["cell"].map(given) + trials["seed"] / 1000}
            ),
        )
    text = words(comparison_page.write_comparison([run, other], tmp_path / "both"))
    assert "No 2 of the 2 predictions that they share came out supported in one run and" in text
    (row,) = pd.read_csv(tmp_path / "both" / "order.csv").to_dict("records")
    assert (row["arms"], row["n"], row["n_other"], row["rank_correlation"]) == (3, 10, 10, -1)
    assert (row["best"], row["best_other"]) == ("tripling", "constant")


@pytest.mark.drawn
def test_effects_are_pooled_over_three_data_sets_and_not_over_two(tmp_path: Path) -> None:
    names = ("digits", "fashion_mnist", "folder-cifar10-jpeg")
    folders = [PUBLISHED / "width_iso_macs" / name for name in names]
    out = tmp_path / "all"
    text = words(comparison_page.write_comparison(folders, out))
    table = read_table(out / "pooled.csv")
    effects = pooled.pool_runs({folder.name: findings.find(folder) for folder in folders})
    assert list(table["cell"]) == list(effects.table["cell"])
    for _, row in effects.table.iterrows():
        assert pooled.heterogeneity(row, effects.effects) in text
    assert "Not the same in all runs, so a part of how the effect differs: batch_size, " in text
    assert text.count("digits (n = 30), ") == 6
    assert (out / "forest.svg").exists()
    text = words(comparison_page.write_comparison(folders[:2], out))
    assert "Effects are not pooled: no difference from a baseline is in more than 2 data" in text
    assert not (out / "pooled.csv").exists()
    assert "mean over them" not in text


def test_timings_of_two_machines_are_refused_and_it_says_why(run: Path, tmp_path: Path) -> None:
    other = copied("width_doubling", tmp_path / "there")
    runs = {"here": findings.find(run), "there": findings.find(other)}
    assert comparison.why_not_timed(runs) == ""

    def move(trials: pd.DataFrame) -> None:
        trials["device"] = "cuda: Another GPU"

    edited(other, move)
    runs["there"] = findings.find(other)
    why = comparison.why_not_timed(runs)
    assert why.startswith("Images/s are not compared, for the runs differ in device (here: cpu: ")
    assert "there: cuda: Another GPU" in why
    page = comparison_page.write_comparison([run, other], tmp_path / "both")
    assert "training step, images/s" not in words(page)
    assert "differ in device" in words(page)


def test_runs_of_one_name_are_told_apart(run: Path, tmp_path: Path) -> None:
    other = copied("width_doubling", tmp_path / "there")
    comparison_page.write_comparison([run, other, other], tmp_path / "all")
    names = pd.read_csv(tmp_path / "all" / "comparison.csv")["run"].unique()
    assert len(names) == 3
    assert names[0] == f"width_doubling on digits ({tmp_path.name})"
    assert names[1] == "width_doubling on digits (there), 2"


def test_timings_with_a_control_that_is_off_are_refused(run: Path, tmp_path: Path) -> None:
    def distrust(trials: pd.DataFrame) -> None:
        trials["throughput_control_off"] = True

    edited(run, distrust)
    runs = {"here": findings.find(run)}
    assert comparison.why_not_timed(runs).endswith("was not equal in here.")


def test_timings_of_one_machine_are_compared(run: Path, tmp_path: Path) -> None:
    other = copied("stride_placement", tmp_path)
    text = words(comparison_page.write_comparison([run, other], tmp_path / "both"))
    rate = findings.find(run).summary.table.iloc[0]["train_images_per_s"]
    assert wording.si(rate) in text.partition("Throughput on the one machine")[2]


def test_the_index_lists_a_run_that_cannot_be_read(run: Path) -> None:
    text = words(index_page.write_index(run.parent.parent))
    assert "It cannot be read." in text
    assert f"verdict.csv: cannot be read; ablate report {run}" in text


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\xff", b"\0"])
def test_the_index_lists_a_run_whose_verdict_is_damaged(run: Path, content: bytes) -> None:
    (run / "verdict.csv").write_bytes(content)
    text = words(index_page.write_index(run.parent.parent))
    assert "It cannot be read." in text
    assert f"ablate report {run} makes it anew" in text


def test_the_index_takes_no_word_but_yes_no_and_open(run: Path) -> None:
    write.write_findings(run)
    path = run / "verdict.csv"
    path.write_text(path.read_text().replace(",open,", ",perhaps,"))
    text = words(index_page.write_index(run.parent.parent))
    assert "word = 'perhaps': expected yes, no or open" in text


def test_the_index_says_what_the_runs_have_said_and_works_nothing_out(run: Path) -> None:
    found, verdict = write.write_findings(run)
    said = read_verdict(run)
    assert said["question"] == found.file.question
    assert (said["label"], said["sentence"]) == (verdict.label, verdict.sentence)
    assert (said["effect"], said["n"]) == (verdict.effect, "10")
    facts = said["facts"].split(" | ")
    assert facts[:2] == [
        "3 arms, 10 seeds, 30 trials",
        "predictions: 1 inconclusive, 1 supported",
    ]
    assert facts[2].endswith("; 20 epochs, batch 64")
    for table in run.glob("*.csv"):
        if table.name not in ("verdict.csv", "trials.csv"):
            table.write_text("gone")
    text = words(index_page.write_index(run.parent.parent))
    assert verdict.sentence in text
    assert facts[1] in text
    assert "+2.3 points [+1.4, +3.2]" in text


def test_a_page_links_to_the_index_and_its_neighbours_in_reading_order(tmp_path: Path) -> None:
    folders = [copied(name, tmp_path) for name in ("shortcut_type", "stride_placement")]
    own = copied("width_doubling", tmp_path)
    shutil.move(own.parent, tmp_path / "mine")  # a study of one's own comes first
    for folder in folders:
        write.write_findings(folder, tmp_path)
    first = (tmp_path / "stride_placement" / "digits" / "report.html").read_text()
    assert 'href="./../../index.html"' in first
    assert 'href="./../../mine/digits/report.html"' in first
    assert 'href="./../../shortcut_type/digits/report.html"' in first
    last = (tmp_path / "shortcut_type" / "digits" / "report.html").read_text()
    assert "stride_placement on digits" in last
    assert "mine on digits" not in last
    write.write_findings(folders[0])  # no index is there, and none is asked for
    assert "index.html" not in (folders[0] / "report.html").read_text()


def test_what_is_published_is_not_listed_among_the_own(run: Path) -> None:
    root = run.parent.parent
    shutil.copytree(run, root / "published" / "elsewhere" / "digits")
    (root / "published" / "side_by_side").mkdir()
    (root / "published" / "side_by_side" / "report.html").write_text("")
    text = words(index_page.write_index(root))
    assert "elsewhere" not in text
    assert "side_by_side" not in text


def test_an_empty_folder_has_an_index(tmp_path: Path) -> None:
    assert "Studies and what they show" in words(index_page.write_index(tmp_path))


def test_stale_verdicts_and_figures_are_taken_away(run: Path) -> None:
    write.write_findings(run)
    for suffix in ("csv", "png", "svg"):
        (run / f"edf.{suffix}").write_text("of more trials than there are now")
    study = run / "study.toml"
    study.write_text(re.sub(r"\n\[hypotheses.*", "", study.read_text(), flags=re.DOTALL))
    assert read_study_file(study).hypotheses == {}
    write.write_findings(run)
    assert not (run / "hypotheses.csv").exists()
    assert list(run.glob("edf.*")) == []
    assert {path.stem for path in run.glob("*.svg")} < set(of_run.NAMES)
    assert "What was predicted" not in words(run / "report.html")


def test_a_study_file_that_no_longer_fits_its_table_is_an_input_error(run: Path) -> None:
    study = run / "study.toml"
    study.write_text(study.read_text().replace('"doubling"\n', '"quadrupling"\n', 1))
    with pytest.raises(InputError, match="expected one of constant, doubling, tripling"):
        findings.find(run)
