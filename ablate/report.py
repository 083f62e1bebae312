"""The files of a run: tables from what was measured, then findings from the tables alone.

`write_tables` is given rows; `write_findings` reads only what `write_tables` wrote, so that every
figure and number can be made again from the CSV files, without torch.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from ablate import analyse, count, plot, plot_throughput, record, wording
from ablate.spec import content_hash
from ablate.study import Study


def write_tables(
    folder: Path, study: Study, rows: Iterable[dict[str, Any]], epochs: Iterable[dict[str, Any]]
) -> None:
    """Write `trials.csv` (and Parquet), `epochs.csv`, `stages.csv` and the study file.

    Args:
        folder: of the run; made where there is none.
        study: gives the cells and their per-stage costs.
        rows: one a trial, in the order of the plan.
        epochs: one an epoch of a trial: key, cell, seed, epoch, losses, accuracy, seconds.
    """
    trials = record.to_frame(rows)
    record.write(trials, folder / record.TRIALS)
    record.write_parquet(trials, (folder / record.TRIALS).with_suffix(".parquet"))
    record.write(
        pd.DataFrame(list(epochs), columns=list(record.EPOCH_COLUMNS)), folder / record.EPOCHS
    )
    record.write(_stage_table(study), folder / record.STAGES)
    with record.replacing(folder / "study.toml") as temporary:
        temporary.write_text(study.source, encoding="utf-8")


def write_findings(folder: Path, question: str, baseline: str) -> tuple[pd.DataFrame, str]:
    """Write `summary.csv`, `summary.md` and the figures of a run from its tables.

    Returns:
        The summary, one row a cell, and the answer in words.
    """
    trials = record.read(folder / record.TRIALS)
    stages = pd.read_csv(folder / record.STAGES, dtype={"cell": "string"})
    epochs = pd.read_csv(folder / record.EPOCHS, dtype={"cell": "string"})
    summary = analyse.summarise(trials, baseline)
    answer = wording.answer(summary)
    record.write(summary, folder / "summary.csv")
    with record.replacing(folder / "summary.md") as temporary:
        temporary.write_text(_markdown(trials, summary, question, answer), encoding="utf-8")
    for name, figure in plot.draw_all(trials, summary, stages, epochs).items():
        plot.save(figure, folder / name)
    return summary, answer


def write_sweep(folder: Path, table: pd.DataFrame) -> None:
    """Write `throughput.csv`, and the figure of it."""
    record.write(table, folder / record.THROUGHPUT)
    plot.save(plot_throughput.throughput_by_batch(table), folder / "throughput")


def _stage_table(study: Study) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "cell": cell.name,
                "net": content_hash(cell.net),
                "stage": stage,
                "out_size": size,
                "params": cost.params,
                "macs": cost.macs,
                "activations": cost.activations,
            }
            for cell in study.cells
            for stage, (size, cost) in count.stages(cell.net).items()
        ]
    )


def _markdown(trials: pd.DataFrame, summary: pd.DataFrame, question: str, answer: str) -> str:
    first = trials.iloc[0]
    return "\n".join(
        [
            f"# {first['study']} on {first['dataset']}",
            "",
            question,
            "",
            answer,
            "",
            wording.markdown_table(summary),
            "",
            f"Trained and timed on {first['device']}; "
            f"{first['epochs']} epochs, batch {first['batch']}.",
            "",
        ]
    )
