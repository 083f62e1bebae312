"""What the planned seeds can show is what seeds with that spread do show."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ablate.analysis import planning
from ablate.analysis.planning import Spread
from ablate.results.published import published_root
from ablate.statistics import family
from ablate.study.file import StudyFile, read_study_file
from ablate.study.plan import Study, load_study
from support.frames import by_place, trials_frame

STUDY = """
question = "What would they show?"
baseline = "small"
seeds = 8
margin = 0.01
[net]
widths = [4, 8]
depths = [1, 1]
strides = [1, 2]
[axes.size]
small = {}
large = { widths = [8, 16] }
huge = { widths = [16, 32] }
[hypotheses.larger_is_better]
says = "Larger is better."
higher = ["large", "small"]
[hypotheses.enough]
says = "More is not."
equal = ["huge", "large"]
margin = 0.02
"""
GIVEN = Spread(value=0.01, source="as given")


def study_of(folder: Path, text: str = STUDY, seeds: int | None = None) -> tuple[Study, StudyFile]:
    path = folder / "planned.toml"
    path.write_text(text)
    return load_study(path, seeds=seeds), read_study_file(path)


def test_each_comparison_is_named_once_and_predictions_come_first(tmp_path: Path) -> None:
    found = planning.prospects(*study_of(tmp_path), GIVEN)
    assert [(one.about, one.predicted, one.margin) for one in found] == [
        ("larger_is_better", True, 0.01),
        ("enough", True, 0.02),
        ("huge minus small", False, 0.01),
    ]


@pytest.mark.parametrize("seeds", [6, 16])
def test_the_planned_seeds_show_what_is_said_as_often_as_is_said(
    tmp_path: Path, seeds: int
) -> None:
    study, file = study_of(tmp_path, seeds=seeds)
    (larger, enough, _) = planning.prospects(study, file, GIVEN)
    rng = np.random.default_rng(5)
    small_large_huge = [[-1, 1, 0], [0, -1, 1], [-1, 0, 1]]
    shown = equal = 0
    tables = 300
    for _ in range(tables):
        values = rng.normal([0, larger.shown, larger.shown], GIVEN.value, (seeds, 3))
        found = family.compare(values, small_large_huge, draws=1_999)
        shown += found.comparisons[0].p <= 0.05
        equal += found.p_equal(found.comparisons[1], enough.shown) <= 0.05
    noise = 3 * math.sqrt(0.8 * 0.2 / tables)
    assert 0.8 - noise < shown / tables < 0.8 + noise + 0.04
    assert 0.8 - noise < equal / tables < 0.8 + noise + 0.06


def test_as_many_seeds_as_are_needed_show_the_margin(tmp_path: Path) -> None:
    needed = planning.prospects(*study_of(tmp_path), GIVEN)[0].needed
    assert needed is not None
    there, here = (
        planning.prospects(*study_of(tmp_path, seeds=seeds), GIVEN)[0].shown
        for seeds in (needed - 1, needed)
    )
    assert here <= 0.01 < there


def test_arms_have_their_own_spread_where_it_is_known(tmp_path: Path) -> None:
    alike = planning.prospects(*study_of(tmp_path), GIVEN)
    noisy = Spread(value=0.01, source="", arms={"huge": 0.05})
    unlike = planning.prospects(*study_of(tmp_path), noisy)
    assert unlike[0].shown == alike[0].shown
    assert unlike[1].shown > 2 * alike[1].shown


def test_too_few_seeds_are_said_in_one_line(tmp_path: Path) -> None:
    study, file = study_of(tmp_path)
    found = planning.prospects(study, file, GIVEN)
    line = planning.shortfall(found, 8)
    assert line.startswith(
        "8 seeds cannot be expected to settle differences as small as the margin"
    )
    assert "larger_is_better (shows" in line
    assert "huge minus small" not in line
    assert planning.shortfall(found, 3) == "3 seeds settle nothing: 4 are needed, of each arm"
    assert planning.shortfall(found, 1).startswith("1 seed settles nothing: ")
    (shown,) = planning.lines([replace(found[0], shown=0.01)], GIVEN, 8)[1:]
    assert shown.startswith("  larger_is_better: 1 point; a margin of 1 point needs ")
    small = planning.prospects(study, file, Spread(value=0.0001, source=""))
    assert planning.shortfall(small, 8) == ""


def test_the_spread_is_that_of_the_published_run_of_the_study() -> None:
    study = load_study(Path("studies/width_doubling.toml"))
    spread = planning.published_spread(study, published_root())
    assert spread is not None
    assert spread.source == "of the published run width_doubling/digits"
    assert set(spread.arms) == {"constant", "doubling", "tripling"}
    assert 0.001 < spread.value < 0.02


def test_else_it_is_that_of_the_published_runs_on_the_data(tmp_path: Path) -> None:
    study, _ = study_of(tmp_path)
    spread = planning.published_spread(study, published_root())
    assert spread is not None
    assert "published runs on digits" in spread.source
    assert not spread.arms
    assert planning.published_spread(study, tmp_path) is None


def test_a_pooled_spread_is_the_root_of_the_pooled_variance() -> None:
    frame = trials_frame({"a": by_place([0.1, 0.3]), "b": by_place([0.5, 0.5, 0.8])})
    spread = planning.spread_of(frame, "here")
    assert spread is not None
    assert spread.value == pytest.approx(math.sqrt((0.02 + 0.06) / 3))
    assert spread.arms == pytest.approx({"a": math.sqrt(0.02), "b": math.sqrt(0.03)})
    assert planning.spread_of(trials_frame({"a": by_place([0.1])}), "here") is None
