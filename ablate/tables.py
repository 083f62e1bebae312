"""The tables of a run, written from what was measured; all that is found follows from them."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ablate import count, record
from ablate.findings import DRAWS
from ablate.spec import content_hash
from ablate.study import Study

DIGITS = 9  # of what was computed in float32: all of them


def write_tables(
    folder: Path,
    study: Study,
    rows: Iterable[dict[str, Any]],
    epochs: Iterable[dict[str, Any]],
    mechanism: Sequence[dict[str, Any]],
) -> None:
    """Write `trials.csv` (and Parquet), `epochs.csv`, `stages.csv` and the study file.

    Of sampled networks also `draws.csv`: one row a draw, with what became of it.

    Where the mechanism was measured, `mechanism.csv` too; else an earlier one is taken away, for
    it is about other trials than these.

    Args:
        folder: of the run; made where there is none.
        study: gives the cells and their per-stage costs.
        rows: one a trial, in the order of the plan.
        epochs: one an epoch of a trial: key, cell, seed, epoch, losses, accuracy, seconds.
        mechanism: one a stage of a trial: key, cell, seed and `record.MECHANISM_COLUMNS`.
    """
    trials = record.to_frame(rows)
    record.write(trials, folder / record.TRIALS)
    record.write_parquet(trials, (folder / record.TRIALS).with_suffix(".parquet"))
    curves = pd.DataFrame(list(epochs), columns=list(record.EPOCH_COLUMNS))
    record.write(curves, folder / record.EPOCHS, DIGITS)
    record.write(_stage_table(study), folder / record.STAGES)
    if mechanism:
        columns = ["key", "cell", "seed", *record.MECHANISM_COLUMNS]
        record.write(pd.DataFrame(mechanism, columns=columns), folder / record.MECHANISM, DIGITS)
    else:
        (folder / record.MECHANISM).unlink(missing_ok=True)
    if study.draws:
        record.write(_draw_table(study), folder / DRAWS)
    else:
        (folder / DRAWS).unlink(missing_ok=True)
    with record.replacing(folder / "study.toml") as temporary:
        temporary.write_text(study.source, encoding="utf-8")


def _draw_table(study: Study) -> pd.DataFrame:
    rows = [
        {
            "network": draw.network,
            "fate": draw.fate,
            "arm": draw.arm,
            "depths": json.dumps(draw.depths),
            "ratios": json.dumps(draw.ratios),
        }
        for draw in study.draws
    ]
    return pd.DataFrame(rows).astype({"network": "Int64"})


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
