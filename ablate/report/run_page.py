"""One run as a page: question, verdict, figure, caveat; predictions; tables; what was fixed."""

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ablate.analysis import wording
from ablate.analysis.findings import Findings
from ablate.analysis.growth import GrowthFit
from ablate.analysis.verdicts.answer import Verdict
from ablate.report import (
    citation,
    design_sections,
    look_sections,
    recipe_sections,
    run_sections,
    search_sections,
)
from ablate.report.html.page import Answer, Page, Picture, Section, Statement, Table
from ablate.report.neighbours import dataset_of
from ablate.search.explored import Explored
from ablate.statistics.power import POWER


def page_of(
    found: Findings,
    verdict: Verdict,
    pictures: Sequence[Picture],
    folder: Path,
    explored: Explored | None = None,
) -> Page:
    """The page of a run.

    Args:
        found: its findings.
        verdict: on its question.
        pictures: its figures, in reading order.
        folder: where its tables lie.
        explored: what was found before, where its arms are the finalists of a search.
    """
    first = found.trials.iloc[0]
    shown = _shown(verdict, pictures, explored is not None)
    others = tuple(one for one in pictures if one is not shown)
    sections = [
        *_predictions(found, verdict),
        _arms(found),
        *design_sections.spaces(found),
        *look_sections.sections(found),
        *(search_sections.sections(explored) if explored else []),
        Section(heading="Figures", anchor="figures", pictures=others),
        *_axes(found),
        *design_sections.rates(found),
        run_sections.networks(found.trials)
        if found.file.sample is None
        else design_sections.sampled_networks(found.trials),
        *recipe_sections.sections(found),
        run_sections.fixed(found),
        run_sections.lost_trials(found.trials),
        run_sections.machine(found.trials),
        Section(heading="Reproduce", anchor="reproduce", code=command(found)),
        citation.section(found, folder),
    ]
    return Page(
        title=f"{first['study']} on {dataset_of(folder, str(first['dataset']))}",
        question=found.file.question,
        answer=Answer(
            word=verdict.word,
            label=verdict.label,
            sentence=verdict.sentence,
            numbers=verdict.numbers,
            caveat=verdict.caveat,
            settle=verdict.settle,
            picture=shown,
        ),
        sections=tuple(sections),
        footer="Made by ablate from trials.csv, epochs.csv, stages.csv, manifest.json and "
        "study.toml alone.",
    )


def _shown(verdict: Verdict, pictures: Sequence[Picture], search: bool) -> Picture | None:
    """The figure that shows the answer, or the first where the tables have nothing for it."""
    wanted = "front" if search else verdict.figure
    return next((one for one in pictures if one.name == wanted), next(iter(pictures), None))


def command(found: Findings) -> str:
    """The command that runs the same trials again."""
    trials, first = found.trials, found.trials.iloc[0]
    dataset = str(first["dataset"])
    words = ["ablate", "run", "--study", str(first["study"])]
    if dataset.startswith("folder:"):
        words += ["--dataset", "folder:PATH"]
    elif dataset != "digits":
        words += ["--dataset", dataset, "--download"]
    trained = trials.groupby("cell")["seed"].nunique().max()
    seeds = trained if found.looks is None else found.looks.planned[-1]
    words += ["--seeds", str(seeds)]
    if trials["epochs"].nunique() == 1:  # else they are those of the arms, which it would replace
        words += ["--epochs", str(first["epochs"])]
    subset = json.loads(first["spec"]).get("data", {}).get("subset", 1.0)
    if subset != 1.0:
        words += ["--subset", f"{subset:g}"]
    words += ["--layout", str(first["memory_format"])]
    if found.mechanism is not None and not found.file.mechanism:
        words.append("--mechanism")
    return shlex.join(words)


def _arms(found: Findings) -> Section:
    level = found.summary.level_name
    tables = [
        Table(
            caption="Accuracy and cost of each arm",
            frame=wording.display(found.summary),
            note="\n".join(wording.legend(found.summary)),
        )
    ]
    compared = found.summary.table[found.summary.table["finding"] != "baseline"]
    if not compared.empty:
        tables.append(
            Table(
                caption=f"Each arm against {found.file.baseline}",
                frame=_comparisons(compared, found),
                note=f"{_together(found)} g: Hedges' g, the difference over the "
                f"deviation of {found.unit}s; TOST: of two one-sided tests that the difference is "
                f"beyond {wording.margin_text(found.file.margin)}, which go by the "
                f"{found.summary.equal_level_name} interval. Would show: the difference, in "
                f"points, that so many {found.unit}s show with {POWER:.0%} probability. Needed: "
                f"{found.unit}s to show {wording.margin_text(found.file.margin)} so. "
                f"{_of_images(found)}",
            )
        )
    return Section(heading=f"The arms, with {level} intervals", anchor="arms", tables=tuple(tables))


def _together(found: Findings) -> str:
    """What p-values and intervals are of, in a sentence."""
    number = found.summary.together
    if number < 2:
        return (
            "The one comparison of this page: its p-value and interval are of the reference "
            "distribution of the t-value, in which each arm has its own spread."
        )
    return (
        f"All {number} comparisons of this page hold together: p-values and intervals are of one "
        "reference distribution, of the largest t-value, in which each arm has its own spread."
    )


def _of_images(found: Findings) -> str:
    if found.summary.wide:
        return f"{wording.WIDE}."
    if found.file.sample is not None:
        return "All of it is on these test images."
    return (
        "All of it is on these test images: which of them each trial classified correctly was not "
        "recorded."
    )


def _comparisons(compared: pd.DataFrame, found: Findings) -> pd.DataFrame:
    rows = []
    for row in compared.to_dict("records"):
        rows.append(
            {
                "arm": row["cell"],
                f"{found.unit}s": row["seeds"],
                "difference, points": wording.interval_text(
                    100 * row["diff"], 100 * row["diff_low"], 100 * row["diff_high"], "+z.2f"
                ),
                f"{found.summary.equal_level_name} interval": wording.limits_text(
                    100 * row["equal_low"], 100 * row["equal_high"], "+z.2f"
                ),
                **_wide(row, found),
                "g": _number(row["effect"], ".2f"),
                "p": _number(row["p"], ".2g"),
                "p, TOST": _number(row["p_equal"], ".2g"),
                "would show": _number(100 * row["detectable"], ".2f"),
                "needed": _number(row["seeds_needed"], ".0f"),
                "finding": row["finding"],
            }
        )
    return pd.DataFrame(rows)


def _wide(row: Mapping[Any, Any], found: Findings) -> dict[str, str]:
    """The interval over seeds and test images, and what it finds, where there are any."""
    if not found.summary.wide:
        return {}
    return {
        "on images like these": wording.limits_text(
            100 * row["wide_low"], 100 * row["wide_high"], "+z.2f"
        ),
        "p, like these": _number(row["wide_p"], ".2g"),
        "finding, like these": "-" if pd.isna(row["wide_finding"]) else row["wide_finding"],
    }


def _number(value: Any, form: str) -> str:
    return "-" if pd.isna(value) else f"{value:{form}}"


def _predictions(found: Findings, verdict: Verdict) -> list[Section]:
    """What was predicted, and what became of it."""
    rows = {row["name"]: row for row in found.hypotheses.to_dict("records")}
    statements = tuple(
        Statement(
            mark=said.mark,
            text=rows[said.name]["says"],
            sentence=said.sentence,
            numbers=f"{rows[said.name]['sentence']} From {rows[said.name]['rows']}.",
        )
        for said in verdict.predictions
    )
    if not statements:
        return []
    return [Section(heading="What was predicted", anchor="predictions", statements=statements)]


def _axes(found: Findings) -> list[Section]:
    """Tables of what a growth study or a factorial study adds."""
    tables = []
    if found.fits:
        tables.append(
            Table(
                caption="The growth at which the fitted accuracy is highest",
                frame=pd.DataFrame([_fit_row(fit) for fit in found.fits]),
                note="A Gaussian process over log2 of growth through the means of the arms, its "
                "smoothness averaged over. The best arms are those that cannot be ruled out as the "
                "best (multiple comparisons with the best). What is given away begins at 0 unless "
                "that growth is ruled out.",
            )
        )
    if not found.anova.empty:
        tables.append(
            Table(
                caption="How the variance divides among the axes, seeds as blocks",
                frame=pd.DataFrame(
                    {
                        "effect": found.anova["effect"],
                        "partial eta squared": [
                            _number(share, ".2f") for share in found.anova["partial_eta2"]
                        ],
                        "trials": found.anova["n"].astype(int),
                    }
                ),
                note="Type II sums of squares. The shares describe; what is sure, the comparisons "
                "above say.",
            )
        )
    return [Section(heading="Over the axes", anchor="axes", tables=tuple(tables))] if tables else []


def _fit_row(fit: GrowthFit) -> dict[str, str]:
    return {
        "held equal": wording.MEASURES[fit.match] if fit.match else "nothing",
        "group": fit.group or "all",
        "best growth": wording.interval_text(fit.best.mean, fit.best.low, fit.best.high, ".2f"),
        "at an end": "yes" if fit.edge else "no",
        "best arms": ", ".join(fit.best_arms),
        f"given away at {fit.at:g}, points": wording.interval_text(
            100 * fit.lost.mean, 100 * fit.lost.low, 100 * fit.lost.high, ".2f"
        ),
        f"{fit.at:g} ruled out": "yes" if fit.excluded else "no",
        "p of misfit": _number(fit.misfit_p, ".2g"),
        "seeds": str(fit.seeds),
    }
