"""Several runs side by side, as files and a page."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from ablate.analysis import wording
from ablate.analysis.across.comparison import differences, order, why_not_timed
from ablate.analysis.across.pooled import LEVEL, SEPARATOR, Pools, heterogeneity, pool_runs
from ablate.analysis.findings import Findings
from ablate.analysis.verdicts.agreement import Agreement, agreement
from ablate.analysis.verdicts.verdict import verdict_of
from ablate.files import write_text
from ablate.report.figures import comparison
from ablate.report.figures.drawing.sheet import Sheet
from ablate.report.figures.drawing.style import picture, save
from ablate.report.figures.forest import forest
from ablate.report.figures.growth import growth_curves
from ablate.report.html.page import Answer, Page, Picture, Section, Table, render
from ablate.report.neighbours import to_index
from ablate.report.read import read_run
from ablate.report.verdict_file import BETWEEN, one_row
from ablate.results.csv import write_table
from ablate.results.names import COMPARISON, INDEX, ORDER, POOLED, REPORT, VERDICT


def write_comparison(folders: Sequence[Path], out: Path) -> Path:
    """Write tables, figures and `report.html` of several runs in `out`; return the report's path.

    Accuracies of different datasets stand side by side, and are never averaged; differences from
    the baseline are pooled over three datasets or more: see `pooled.pool_runs`. Throughput is
    compared only between runs that were timed alike: see `why_not_timed`.

    Raises:
        InputError: a run's tables are missing or not ours.
    """
    runs = {name: read_run(folder) for name, folder in _names(folders).items()}
    table = differences(runs)
    write_table(table, out / COMPARISON)
    ranked, pools = order(runs), pool_runs(runs)
    for frame, name in ((ranked, ORDER), (pools.table, POOLED)):
        if frame.empty:
            (out / name).unlink(missing_ok=True)
        else:
            write_table(frame, out / name)
    studies = dict.fromkeys(str(found.trials["study"].iloc[0]) for found in runs.values())
    sheet = Sheet(subject=f"{', '.join(studies)}: {len(runs)} runs compared")
    drawings = [comparison.differences_by_run(table, sheet)]
    if not pools.table.empty:
        drawings.append(forest(pools, sheet))
    fits = [(fit, name) for name, found in runs.items() for fit in found.fits]
    if fits:
        of_fits, names = zip(*fits, strict=True)
        drawings.append(growth_curves(of_fits, names, sheet))
    for drawing in drawings:
        save(drawing, out)
    pictures = [picture(drawing, out) for drawing in drawings]
    agreed = agreement(runs)
    page = _page(runs, table, ranked, pools, pictures, agreed)
    if (out.parent / INDEX).exists():
        page = replace(page, links=(to_index(out, out.parent),))
    write_text(out / REPORT, render(page))
    said = one_row(
        study=out.name,
        dataset=f"{len(runs)} runs",
        question=page.question,
        word=agreed.word,
        label=agreed.label,
        sentence=agreed.sentence,
        settle=agreed.settle,
        facts=BETWEEN.join(runs),
    )
    write_table(said, out / VERDICT)
    return out / REPORT


def _names(folders: Sequence[Path]) -> dict[str, Path]:
    """A name for each run: study and dataset, and where that is not enough, folder or number."""
    paths = [folder.resolve() for folder in folders]
    names = [f"{path.parent.name} on {path.name}" for path in paths]
    with_root = [
        f"{name} ({path.parent.parent.name})" if names.count(name) > 1 else name
        for name, path in zip(names, paths, strict=True)
    ]
    return {
        f"{name}, {place}" if with_root.count(name) > 1 else name: path
        for place, (name, path) in enumerate(zip(with_root, paths, strict=True), start=1)
    }


def _page(
    runs: dict[str, Findings],
    table: pd.DataFrame,
    ranked: pd.DataFrame,
    pools: Pools,
    pictures: Sequence[Picture],
    agreed: Agreement,
) -> Page:
    refusal = why_not_timed(runs)
    sections = [
        Section(
            heading="The runs",
            anchor="runs",
            tables=(_runs(runs),),
            paragraphs=tuple(f"{name}: {verdict_of(found).said}" for name, found in runs.items()),
        ),
        Section(heading="Figures", anchor="figures", pictures=tuple(pictures[1:])),
        Section(heading="Each arm in each run", anchor="arms", tables=(_arms(table),)),
        _pooled(pools),
        *_order(ranked),
        Section(heading="Predictions", anchor="predictions", tables=(_predictions(runs),)),
        Section(
            heading="Throughput",
            anchor="throughput",
            paragraphs=(refusal,) if refusal else (),
            tables=() if refusal else (_throughput(table),),
        ),
    ]
    return Page(
        title=f"{len(runs)} runs compared",
        question="Do these runs agree?",
        answer=Answer(
            word=agreed.word,
            label=agreed.label,
            sentence=agreed.sentence,
            settle=agreed.settle,
            picture=pictures[0],
        ),
        sections=tuple(sections),
        footer="Intervals and p-values belong to each run, but for those over data sets.",
    )


def _runs(runs: dict[str, Findings]) -> Table:
    rows = []
    for name, found in runs.items():
        first = found.trials.iloc[0]
        rows.append(
            {
                "run": name,
                "arms": str(len(found.summary.table)),
                "seeds or draws": str(found.compared["seed"].nunique()),
                "epochs": wording.range_of(found.trials["epochs"]),
                "training images": f"{first['train_images']:,}",
                "held equal": wording.MEASURES.get(str(first["match"]), "nothing"),
                "device": str(first["device"]),
            }
        )
    return Table(caption="What was run", frame=pd.DataFrame(rows))


def _arms(table: pd.DataFrame) -> Table:
    frame = pd.DataFrame(
        {
            "run": table["run"],
            "arm": table["cell"],
            "n": table["n"].astype(str),
            "test accuracy %": wording.percents(table[["mean", "low", "high"]], ".1f"),
            "difference, points": wording.percents(
                table[["diff", "diff_low", "diff_high"]], "+z.1f"
            ),
            "finding": table["finding"],
        }
    )
    return Table(caption="Accuracy, and the difference from the run's baseline", frame=frame)


def _pooled(pools: Pools) -> Section:
    """The effects over data sets, or why there are none."""
    heading = "Over data sets"
    if pools.table.empty:
        return Section(heading=heading, anchor="pooled", paragraphs=pools.refusals)
    table = pools.table
    frame = pd.DataFrame(
        {
            "arm": table["cell"] + " against " + table["baseline"],
            "data sets": [
                ", ".join(f"{name} (n = {n})" for name, n in zip(*both, strict=True))
                for both in zip(
                    table["datasets"].str.split(SEPARATOR),
                    table["n"].str.split(SEPARATOR),
                    strict=True,
                )
            ],
            "mean over them, points": wording.percents(table[["estimate", "low", "high"]], "+z.1f"),
            "one more data set, points": [
                f"[{100 * low:+z.1f}, {100 * high:+z.1f}]"
                for low, high in zip(table["new_low"], table["new_high"], strict=True)
            ],
        }
    )
    level = f"{100 * LEVEL:g}%"
    caption = f"Differences from the baseline, over data sets; each interval by itself at {level}"
    note = (
        "Each data set counts alike, as one of those that might have been taken (random effects): "
        "Student's t over the data sets. tau is the standard deviation of the effect between them "
        "(Paule and Mandel), I2 the share of the variance that is not noise of the seeds, and p "
        "that of Cochran's Q after Welch."
    )
    sentences = [heterogeneity(row, pools.effects) for _, row in table.iterrows()]
    others = [
        f"Not the same in all runs, so a part of how the effect differs: {differs!s} "
        f"({', '.join(rows['cell'])})."
        for differs, rows in table.groupby("differs", sort=False)
        if differs
    ]
    return Section(
        heading=heading,
        anchor="pooled",
        paragraphs=(*sentences, *others, *pools.refusals, note),
        tables=(Table(caption=caption, frame=frame),),
    )


def _order(table: pd.DataFrame) -> list[Section]:
    if table.empty:
        return []
    limits = zip(table["rank_correlation"], table["low"], table["high"], strict=True)
    frame = pd.DataFrame(
        {
            "run": table["run"],
            "other run": table["other"],
            "arms": table["arms"].astype(str),
            "seeds": [f"{n}; {m}" for n, m in zip(table["n"], table["n_other"], strict=True)],
            "rank correlation": [wording.interval_text(*values, ".2f") for values in limits],
            "most accurate": table["best"],
            "in the other": table["best_other"],
        }
    )
    caption = "Spearman's rank correlation of the arms' mean accuracies; 1: the same order"
    note = "Bootstrap over the seeds of each run. Arms that tie change places by chance."
    tables = (Table(caption=caption, frame=frame),)
    return [
        Section(heading="The order of the arms", anchor="order", paragraphs=(note,), tables=tables)
    ]


def _predictions(runs: dict[str, Findings]) -> Table:
    rows = [
        {
            "prediction": row["says"],
            "run": name,
            "verdict": row["verdict"],
            "numbers": row["sentence"],
        }
        for name, found in runs.items()
        for row in found.hypotheses.to_dict("records")
    ]
    columns = ["prediction", "run", "verdict", "numbers"]
    frame = pd.DataFrame(rows, columns=columns).sort_values("prediction", kind="stable")
    return Table(caption="Verdicts by run", frame=frame)


def _throughput(table: pd.DataFrame) -> Table:
    frame = pd.DataFrame({"run": table["run"], "arm": table["cell"]})
    for timed, label in (("train", "training step"), ("infer", "inference")):
        frame[f"{label}, images/s (IQR)"] = [
            f"{wording.si(row[f'{timed}_images_per_s'])} "
            f"({wording.si(row[f'{timed}_images_per_s_iqr'])})"
            for _, row in table.iterrows()
        ]
    return Table(caption="Throughput on the one machine", frame=frame)
