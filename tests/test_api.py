"""`import ablate`: a dozen names, nothing heavy loaded, a study from start to end."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from matplotlib.figure import Figure

import ablate
from support import PUBLISHED, ROOT

RUN = PUBLISHED / "width_doubling" / "digits"


@pytest.fixture(scope="module")
def results() -> ablate.Results:
    return ablate.load(RUN)


def test_all_names_are_there_and_none_is_loaded_before_it_is_used() -> None:
    assert set(ablate.__all__) <= set(dir(ablate))
    assert all(getattr(ablate, name) is not None for name in ablate.__all__)
    with pytest.raises(AttributeError, match="no attribute 'everything'"):
        _ = ablate.everything
    code = (
        "import sys, json, ablate\n"
        "ablate.count(ablate.preset('resnet50')); ablate.stage_widths(16, 2, 3)\n"
        "heavy = {'torch', 'pandas', 'optuna', 'matplotlib'}\n"
        "print(json.dumps(sorted(heavy & set(sys.modules))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_a_network_is_counted_and_built() -> None:
    net = ablate.NetSpec(
        widths=ablate.stage_widths(16, "doubling", 3), depths=(3, 3, 3), shortcut="A"
    )
    params = sum(parameter.numel() for parameter in ablate.build(net).parameters())
    assert params == ablate.count(net).params == 269_722  # He et al. 2015, table 6


def test_a_run_that_was_left_is_loaded(results: ablate.Results) -> None:
    assert len(results.trials) == 30
    assert results.summary["cell"].tolist() == ["constant", "doubling", "tripling"]
    assert results.predictions["verdict"].tolist() == ["supported", "inconclusive"]
    assert results.verdict.startswith("Open in part: Doubling beat constant width by 2.3 points;")
    assert len(results.epochs) == 600


def test_the_summary_as_a_table_for_a_paper(results: ablate.Results) -> None:
    latex = results.to_latex(caption="Widths", label="tab:widths")
    assert latex.splitlines()[1:3] == ["\\caption{Widths}", "\\label{tab:widths}"]
    assert "\\toprule" in latex
    assert "test accuracy \\%" in latex
    assert latex.count("\\\\\n") == 4
    assert "\\centering\n\\begin{tabular}{lrrrrrlrrr}" in latex  # arm and finding to the left
    assert "$<$ 0.001" in latex
    assert "[$-$0." in latex
    assert "<" not in latex.replace("$<$", "")
    assert "\\footnotesize\\raggedright [95\\% intervals" in latex
    assert results.to_latex().startswith("\\begin{tabular}")
    assert results.to_markdown().startswith("| arm | n | test accuracy % |")


def test_a_table_for_a_paper_has_the_columns_that_are_asked_for(results: ablate.Results) -> None:
    latex = results.to_latex("W", columns=["p", "arm"])
    assert "\\begin{tabular}{rl}\n\\toprule\np & arm \\\\\n" in latex
    assert "intervals: of means" not in latex  # of columns that are not there
    for columns, why in ((["arm", "speed"], "no column 'speed'"), ([], "none given")):
        with pytest.raises(ablate.InputError, match=rf"^columns: {why}: expected some of arm; n;"):
            results.to_latex(columns=columns)
    summary = results.found.summary
    off = replace(summary, table=summary.table.assign(throughput_control_off=True))
    noisy = replace(results, found=replace(results.found, summary=off))
    on = replace(summary, table=summary.table.assign(throughput_control_off=False))
    quiet = replace(results, found=replace(results.found, summary=on))
    assert "images/s" not in noisy.to_latex("W")
    assert "images/s" in quiet.to_latex("W")
    assert "Do not compare" in noisy.to_latex("W", columns=["arm", "images/s"])


def test_what_latex_would_take_for_its_own_is_escaped(results: ablate.Results) -> None:
    summary = results.found.summary
    names = ["a_b & c|d", "[x] -1", "50% {<}"]
    table = summary.table.assign(cell=names)
    odd = replace(results, found=replace(results.found, summary=replace(summary, table=table)))
    lines = odd.to_latex(columns=["arm"]).splitlines()
    assert lines[4:7] == [
        r"a\_b \& c\textbar{}d \\", r"{}[x] -1 \\", r"50\% \{$<$\} \\"
    ]  # fmt: skip


def test_a_notebook_shows_question_answer_and_table(results: ablate.Results) -> None:
    html = results._repr_html_()
    assert html.count("<tr>") == 3
    assert "<b>Why double the width" in html
    assert "Doubling beat constant width by 2.3 points" in html


def test_a_figure_by_name(results: ablate.Results) -> None:
    names = ("accuracy", "pareto", "stage_costs", "stage_shares", "curves", "ranks")
    assert results.figures == names
    assert all(isinstance(results.plot(name), Figure) for name in names)
    assert plt.get_fignums() == []
    expected = re.escape(", ".join(names))
    for name in ("growth", "interaction"):  # of one axis and three arms there is none
        with pytest.raises(ablate.InputError, match=f"no figure '{name}': .* one of {expected}$"):
            results.plot(name)


def test_a_folder_that_holds_no_run(tmp_path: Path) -> None:
    with pytest.raises(ablate.InputError, match="no run there; expected a folder"):
        ablate.load(tmp_path)


def test_the_example_runs_as_it_is(tmp_path: Path) -> None:
    """A script without a guard: its trials' processes must not run it again."""
    folder = tmp_path / "digits"
    command = [sys.executable, str(ROOT / "examples" / "widths.py"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("doubling: widths (4, 8, 16), ") == 1
    assert "\\caption{Why double" in done.stdout
    assert "Linear(in_features=64, out_features=10, bias=True)" in done.stdout
    assert (folder / "for_the_paper.pdf").stat().st_size > 1000
    assert (folder / "report.html").exists()
    assert len(pd.read_csv(folder / "trials.csv")) == 12
