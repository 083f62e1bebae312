"""What the tables and sentences say is what the summary holds."""

import math
from dataclasses import replace

import numpy as np
import pytest

from ablate.analysis import growth, wording
from ablate.analysis import summary as analysis_summary
from ablate.study.file import HypothesisTable
from support.frames import CONSTANT, DOUBLING, NAN, by_place, three_arms, trials_frame
from support.growth import trials as growth_trials


def test_answer_says_how_much_and_how_sure() -> None:
    frame = trials_frame(
        {
            "constant": by_place(CONSTANT),
            "doubling": by_place(DOUBLING),
            "same": by_place([value + (-1) ** seed / 50 for seed, value in enumerate(CONSTANT)]),
            "few": by_place((0.85, 0.86, 0.87)),
        }
    )
    text = wording.details(analysis_summary.summarise(frame, "constant"))
    assert text == (
        "Against constant (86.1%, 7 seeds), doubling is 10.0 points higher (95% interval 7.0 to "
        "13.0, p < 0.001, 7 seeds); same is inconclusive at 0.3 points (95% interval -4.4 to 5.0, "
        "p = 1, 7 seeds; 895 would show 0.5 points) and few has too few seeds to tell (3 seeds, 4 "
        "needed: -0.1 points, 95% interval -4.3 to 4.0). The 3 comparisons hold together at 95% "
        "(max-t, each arm with its own spread)."
    )


def test_answer_counts_the_comparisons_of_predictions() -> None:
    asked = {"one": HypothesisTable(says="So.", higher=["tripling", "doubling"])}
    summary = analysis_summary.summarise(three_arms(), "constant", predictions=asked)
    assert "The 3 comparisons with those of the predictions hold together" in wording.details(
        summary
    )
    assert "max-t of all 3 comparisons, predictions included" in wording.legend(summary)[0]
    alone = analysis_summary.summarise(three_arms(), "constant")
    assert "The 2 comparisons hold together" in wording.details(alone)
    assert "predictions" not in " ".join(wording.legend(alone))


def test_answer_names_the_margin_of_equal_arms() -> None:
    steady = [0.9 + seed / 5_000 for seed in range(7)]
    frame = trials_frame({"constant": by_place(steady), "near": by_place(steady[::-1])})
    text = wording.details(analysis_summary.summarise(frame, "constant"))
    assert "near is within 0.5 points of it by two one-sided tests (0.00 points, 90% " in text
    assert "interval -0.05 to 0.05, p < 0.001, 7 seeds)" in text


def test_answer_of_a_lower_arm_and_of_one_seed() -> None:
    lower = trials_frame({"doubling": by_place(DOUBLING), "constant": by_place(CONSTANT)})
    text = wording.details(analysis_summary.summarise(lower, "doubling"))
    assert "constant is 10.0 points lower (95% interval 7.4 to 12.6, p < 0.001, 7 seeds)." in text
    single = trials_frame({"constant": {0: 0.8}, "doubling": {0: 0.9}})
    text = wording.details(analysis_summary.summarise(single, "constant"))
    assert text == (
        "Against constant (80.0%, 1 seed), doubling has too few seeds to tell (1 seed, 4 needed)."
    )


def test_answer_without_a_baseline_or_without_others() -> None:
    failed = trials_frame({"constant": {0: "failed"}, "doubling": {0: 0.9}})
    assert wording.details(analysis_summary.summarise(failed, "constant")) == (
        "constant has no complete trial, so nothing can be compared with it. "
        "Trials without an accuracy: 1 failed."
    )
    alone = trials_frame({"constant": {0: 0.8}})
    assert wording.details(analysis_summary.summarise(alone, "constant")) == (
        "Only constant (80.0%, 1 seed) was tried."
    )


def test_the_optimum_in_words() -> None:
    table = growth_trials(np.random.default_rng(0), best=16.0, noise=0.002).drop(columns="axis_net")
    (fit,) = growth.fit_growth(table)
    text = growth.optimum_text(fit)
    assert text.startswith("At equal MACs accuracy is highest at growth 4.10 [")
    assert ", 4.10], an end of what was tested; " in text
    assert "; r = 2 is ruled out: it gives away " in text
    assert text.endswith("(8 seeds, 95% intervals).")
    free = growth.optimum_text(replace(fit, match=None, group="A", edge=False))
    assert free.startswith("With nothing held equal (A) accuracy is")
    assert "an end" not in free


def test_text_table_is_aligned_and_fits() -> None:
    text = wording.text_table(analysis_summary.summarise(three_arms(), "constant"))
    head, first, second, *_ = text.splitlines()
    assert max(map(len, text.splitlines())) < 110
    assert head.split("  ")[0].strip() == "arm"
    assert " ".join(first.split()) == (
        "constant 7 86.1 [84.1, 88.6] - - baseline 175k 2.1M 12.3k (400)"
    )
    assert first.index("baseline") == second.index("higher") == head.index("finding")
    assert len(first) == len(second) == len(head)
    assert "diverged" not in text
    assert "of differences, max-t of all 2" in text
    assert "the 90% interval is within 0.5 points" in text


def test_tables_show_lost_trials_and_escape_markdown() -> None:
    frame = trials_frame({"a|b": by_place([0.8, "diverged", 0.9]), "c": by_place([0.8] * 3)})
    summary = analysis_summary.summarise(frame, "a|b")
    assert "| a\\|b | 2 | 1 | " in wording.markdown_table(summary)
    head, first, second, *_ = wording.text_table(summary).splitlines()
    assert "diverged" in head
    assert "failed" not in head
    assert first.split()[:3] == ["a|b", "2", "1"]
    assert "too few seeds" in second


def test_both_tables_have_the_same_cells() -> None:
    summary = analysis_summary.summarise(three_arms(), "constant")
    plain = wording.text_table(summary).splitlines()[1]
    marked = wording.markdown_table(summary).splitlines()[2]
    assert plain.split() == marked.replace("|", " ").split()


@pytest.mark.parametrize(
    ("p", "text"),
    [
        *((0.0004, "p < 0.001"), (0.0039, "p = 0.0039"), (0.0469, "p = 0.047"), (1, "p = 1")),
        *((0.05, "p = 0.05"), (0.0503, "p = 0.0503"), (0.05003, "p = 0.05003")),  # told from 5%
    ],
)
def test_p_text(p: float, text: str) -> None:
    assert wording.p_text(p) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (950, "950"),
        (0.05, "0.05"),
        (175_258, "175k"),
        (999_600, "1M"),
        (2_100_000, "2.1M"),
        (1_254_000_000, "1.25G"),
        (1e12, "1T"),
        (NAN, "-"),
    ],
)
def test_si(value: float, text: str) -> None:
    assert wording.si(value) == text


@pytest.mark.parametrize(
    ("least", "limits", "bounds", "decimals"),
    [
        (1, [0.3, -2.0], [0.0], 1),
        (1, [0.04, -2.0], [0.0], 2),
        (1, [0.004], [0.0], 3),
        (2, [0.5004], [-0.5, 0.5], 4),
        (1, [0.0, 0.5], [0.0, 0.5], 1),  # what is the bound may look like it
        (1, [math.nan, math.inf], [0.0], 1),
        (1, [1e-12], [0.0], 5),
    ],
)
def test_a_limit_is_not_printed_as_a_bound_that_it_is_not(
    least: int, limits: list[float], bounds: list[float], decimals: int
) -> None:
    assert wording.decimals_to_tell(least, limits, bounds) == decimals


def test_one_is_no_plural() -> None:
    assert [wording.plural(n, "seed") for n in (0, 1, 2)] == ["0 seeds", "1 seed", "2 seeds"]
    texts = [wording.margin_text(margin) for margin in (0.005, 0.01, 0.02)]
    assert texts == ["0.5 points", "1 point", "2 points"]
