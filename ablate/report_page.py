"""The findings of one run as a page: what was asked, what came out, how sure, what was fixed."""

import json
import math
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ablate import wording
from ablate.findings import Findings
from ablate.page import Page, Picture, Section, Table
from ablate.plot_style import Drawing
from ablate.statistics import POWER

DESCRIBED = {"net": "network", "train": "recipe", "data": "data"}


def page_of(found: Findings, drawings: Sequence[Drawing], svgs: Mapping[str, str]) -> Page:
    """The page of a run.

    Args:
        found: its findings.
        drawings: its figures, in reading order.
        svgs: by name of a drawing, the text of its SVG file.
    """
    first = found.trials.iloc[0]
    pictures = tuple(
        Picture(
            name=drawing.name,
            title=drawing.title,
            alt=drawing.alt,
            svg=svgs[drawing.name],
            data=f"{drawing.name}.csv",
        )
        for drawing in drawings
    )
    sections = [
        _arms(found),
        *_hypotheses(found),
        Section(heading="Figures", pictures=pictures),
        *_axes(found),
        _networks(found.trials),
        _fixed(found),
        _trials(found.trials),
        _machine(found.trials),
        Section(heading="Reproduce", code=command(found.trials)),
    ]
    return Page(
        title=f"{first['study']} on {first['dataset']}",
        question=found.file.question,
        answer=found.answer,
        sections=tuple(sections),
        footer="Made by ablate from trials.csv, epochs.csv, stages.csv and study.toml alone.",
    )


def command(trials: pd.DataFrame) -> str:
    """The command that runs the same trials again."""
    first = trials.iloc[0]
    dataset = str(first["dataset"])
    words = ["python", "-m", "ablate.run", "--study", str(first["study"])]
    if dataset.startswith("folder:"):
        words += ["--dataset", "folder:PATH"]
    elif dataset != "digits":
        words += ["--dataset", dataset, "--download"]
    words += ["--seeds", str(trials["seed"].nunique()), "--epochs", str(first["epochs"])]
    subset = json.loads(first["spec"]).get("data", {}).get("subset", 1.0)
    if subset != 1.0:
        words += ["--subset", f"{subset:g}"]
    words += ["--layout", str(first["memory_format"])]
    return shlex.join(words)


def _arms(found: Findings) -> Section:
    level = wording.level_name(found.summary)
    tables = [
        Table(
            caption="Accuracy and cost of each arm",
            frame=wording.display(found.summary),
            note="\n".join(wording.legend(found.summary)),
        )
    ]
    compared = found.summary[found.summary["finding"] != "baseline"]
    if not compared.empty:
        tables.append(
            Table(
                caption=f"Each arm against {found.file.baseline}, paired by seed",
                frame=_comparisons(compared),
                note="g: Hedges' g, the mean difference over the deviation of differences; p: of "
                "the sign-flip test; TOST: of two one-sided tests that the difference is beyond "
                f"{100 * found.file.margin:g} points. Would show: the difference, in points, that "
                f"so many pairs show with {POWER:.0%} probability. Pairs needed: to show "
                f"{100 * found.file.margin:g} points so.",
            )
        )
    return Section(heading=f"The arms, with {level} intervals", tables=tuple(tables))


def _comparisons(compared: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for row in compared.to_dict("records"):
        rows.append(
            {
                "arm": row["cell"],
                "pairs": row["pairs"],
                "difference, points": wording.interval_text(
                    100 * row["diff"], 100 * row["diff_low"], 100 * row["diff_high"], "+z.2f"
                ),
                "g": _number(row["effect"], ".2f"),
                "p": _number(row["p"], ".2g"),
                "p, TOST": _number(row["p_equal"], ".2g"),
                "would show": _number(100 * row["detectable"], ".2f"),
                "pairs needed": _number(row["pairs_needed"], ".0f"),
                "finding": row["finding"],
            }
        )
    return pd.DataFrame(rows)


def _number(value: Any, form: str) -> str:
    return "-" if pd.isna(value) else f"{value:{form}}"


def _hypotheses(found: Findings) -> list[Section]:
    if found.hypotheses.empty:
        return []
    frame = pd.DataFrame(
        {
            "prediction": found.hypotheses["says"],
            "verdict": found.hypotheses["verdict"],
            "numbers": found.hypotheses["sentence"],
            "rows": found.hypotheses["rows"],
        }
    )
    several = "corrected together (Holm; intervals Bonferroni)" if len(frame) > 1 else "by itself"
    note = (
        "Supported, refuted, equivalent (the difference is within the margin) or inconclusive; "
        f"{several}."
    )
    table = Table(
        caption="Predictions of the study file and their verdicts", frame=frame, note=note
    )
    return [Section(heading="What was predicted", tables=(table,))]


def _axes(found: Findings) -> list[Section]:
    """Tables of what a growth study or a factorial study adds."""
    tables = []
    if found.fits:
        tables.append(
            Table(
                caption="The growth at which the fitted accuracy is highest",
                frame=pd.DataFrame([_fit_row(fit) for fit in found.fits]),
                note="A polynomial in log2 of growth through the means of the arms; intervals "
                "resample seeds. The last test: a sign-flip test of the curves' slopes.",
            )
        )
    if not found.anova.empty:
        tables.append(
            Table(
                caption="Analysis of variance, seeds as blocks",
                frame=pd.DataFrame(
                    {
                        "effect": found.anova["effect"],
                        "F": [_number(f, ".2f") for f in found.anova["f"]],
                        "degrees of freedom": [
                            f"{df:.0f}, {left:.0f}"
                            for df, left in zip(
                                found.anova["df"], found.anova["df_residual"], strict=True
                            )
                        ],
                        "p": [_number(p, ".2g") for p in found.anova["p"]],
                        "partial eta squared": [
                            _number(share, ".2f") for share in found.anova["partial_eta2"]
                        ],
                        "trials": found.anova["n"].astype(int),
                    }
                ),
                note="Type II sums of squares.",
            )
        )
    return [Section(heading="Over the axes", tables=tuple(tables))] if tables else []


def _fit_row(fit: Any) -> dict[str, str]:
    return {
        "held equal": wording.MEASURES[fit.match] if fit.match else "nothing",
        "group": fit.group or "all",
        "best growth": wording.interval_text(fit.best.mean, fit.best.low, fit.best.high, ".2f"),
        "at the edge": "yes" if fit.edge else "no",
        f"given away at {fit.at:g}, points": wording.interval_text(
            100 * fit.lost.mean, 100 * fit.lost.low, 100 * fit.lost.high, ".2f"
        ),
        "seeds": str(fit.seeds),
        "degree": str(fit.degree),
        "p of misfit": _number(fit.misfit_p, ".2g"),
        f"p of best = {fit.at:g}": _number(fit.p_at, ".2g"),
    }


def _networks(trials: pd.DataFrame) -> Section:
    cells = trials.drop_duplicates("cell")
    frame = pd.DataFrame(
        {
            "arm": cells["cell"],
            "widths": [_shape(text) for text in cells["widths"]],
            "blocks": [_shape(text) for text in cells["depths"]],
            "strides": [_shape(text) for text in cells["strides"]],
            "shortcut": cells["shortcut"],
            "params": [f"{value:,}" for value in cells["params"]],
            "MACs": [f"{value:,}" for value in cells["macs"]],
            "activations": [f"{value:,}" for value in cells["activations"]],
        }
    )
    if cells["match"].notna().any():
        frame["off the budget"] = [f"{value:+.2%}" for value in cells["match_residual"]]
        frame["off the shape"] = [f"{value:.1%}" for value in cells["match_shape_error"]]
    note = "MACs and activations of convolutions and linear layers, for one image."
    table = Table(caption="Networks", frame=frame, note=note)
    return Section(heading="The networks", tables=(table,))


def _shape(text: str) -> str:
    return ", ".join(
        "-".join(map(str, stage)) if isinstance(stage, list) else str(stage)
        for stage in json.loads(text)
    )


def _fixed(found: Findings) -> Section:
    """All that did not vary, and what follows from that."""
    specs = [json.loads(text) for text in found.trials["spec"]]
    rows = []
    for part, name in DESCRIBED.items():
        settings = [spec.get(part, {}) for spec in specs]
        same = [
            f"{key} {_shown(value)}"
            for key, value in settings[0].items()
            if value not in (None, "") and all(other.get(key) == value for other in settings)
        ]
        rows.append({"of the": name, "settings": "; ".join(same)})
    first = found.trials.iloc[0]
    match = first["match"]
    caveats = [
        f"What holds here was seen on {first['dataset']} with {first['epochs']} epochs, one "
        "recipe for every arm and one split of the data; seeds vary initial weights, the order of "
        "images and augmentation, nothing else.",
        "The last epoch counts. The test images were evaluated once a trial and chose nothing.",
        "The arms are brought to equal "
        f"{wording.MEASURES[str(match)]}; what else they cost still differs."
        if not pd.isna(match)
        else "Nothing is held equal between arms but what the table below lists: they differ in "
        "parameters, MACs or activations as the table of networks says.",
    ]
    if found.summary["throughput_control_off"].any():
        caveats.append(
            "Do not compare the images/s: the baseline timed against itself was not equal."
        )
    table = Table(
        caption="Settings that are the same in every trial",
        frame=pd.DataFrame(rows, columns=["of the", "settings"]),
    )
    return Section(heading="What was fixed", paragraphs=tuple(caveats), tables=(table,))


def _shown(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _trials(trials: pd.DataFrame) -> Section:
    lost = trials[trials["state"] != "complete"]
    if lost.empty:
        return Section(
            heading="Trials that did not complete",
            paragraphs=(f"None: all {len(trials)} trials completed.",),
        )
    frame = pd.DataFrame(
        {
            "arm": lost["cell"],
            "seed": lost["seed"].astype(int),
            "state": lost["state"],
            "why": lost["failure"].fillna(""),
        }
    )
    table = Table(caption=f"{len(lost)} of {len(trials)} trials have no accuracy", frame=frame)
    return Section(heading="Trials that did not complete", tables=(table,))


def _machine(trials: pd.DataFrame) -> Section:
    """Device, versions and dates; each value that occurs."""
    versions: dict[str, set[str]] = {}
    for text in trials["versions"].unique():
        for name, version in json.loads(text).items():
            versions.setdefault(name, set()).add(str(version))
    commits = [
        f"{commit}{' with uncommitted changes' if dirty is True else ''}"
        for commit, dirty in dict.fromkeys(
            zip(trials["commit"].dropna(), trials["dirty"].dropna(), strict=False)
        )
    ]
    hours = trials["train_seconds"].sum() / 3600
    facts = {
        "device": _each(trials["device"]),
        "operating system": _each(trials["os"]),
        "driver": _each(trials["driver"]),
        "threads of a training process": _each(trials["train_threads"]),
        "numbers": _each(trials["dtype"]),
        "layout": _each(trials["memory_format"]),
        "compiled": _each(trials["compiled"]),
        "commit": ", ".join(commits) or "-",
        "first and last trial": f"{trials['started'].min()} to {trials['finished'].max()}",
        "hours of training, all trials": "-" if math.isnan(hours) else f"{hours:.2f}",
        **{name: ", ".join(sorted(found)) for name, found in sorted(versions.items())},
    }
    frame = pd.DataFrame({"what": list(facts), "value": list(facts.values())})
    table = Table(caption="What made the rows", frame=frame)
    return Section(heading="Machine and versions", tables=(table,))


def _each(column: "pd.Series[Any]") -> str:
    return ", ".join(map(_shown, column.dropna().unique())) or "-"
