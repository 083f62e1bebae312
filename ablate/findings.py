"""What a run's tables show: summary, figures and words, made from the CSV files alone."""

from pathlib import Path

import pandas as pd

from ablate import analyse, plot, plot_throughput, record, wording


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
