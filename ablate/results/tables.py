"""The tables of a run, written from what was measured; all that is found follows from them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ablate import files
from ablate.errors import InputError
from ablate.networks.cost import count_stages
from ablate.results import names, schema
from ablate.results.csv import write_parquet, write_table
from ablate.results.names import DRAWS
from ablate.spec.choices import AXIS_PREFIX
from ablate.spec.trial import content_hash
from ablate.study.plan import Planned, Study
from ablate.study.trial_json import to_json

SWEEP_DTYPES: dict[str, Any] = {column.name: column.dtype for column in schema.COLUMNS}
DIGITS = 9  # of what was computed in float32: all of them


def write_tables(
    folder: Path,
    study: Study,
    rows: Iterable[dict[str, Any]],
    epochs: Iterable[dict[str, Any]],
    mechanism: Sequence[dict[str, Any]],
    correct: Sequence[dict[str, Any]],
) -> None:
    """Write `trials.csv` (and Parquet), `epochs.csv`, `stages.csv` and the study file.

    Of sampled networks also `draws.csv`: one row a draw, with what became of it.

    Where the mechanism was measured, `mechanism.csv` too, and `correct.csv` where it is known of
    every complete trial which test images it classified correctly; else an earlier one is taken
    away, for it is about other trials than these.

    Args:
        folder: of the run; made where there is none.
        study: gives the cells and their per-stage costs.
        rows: one a trial, in the order of the plan.
        epochs: one an epoch of a trial: key, cell, seed, epoch, losses, accuracy, seconds.
        mechanism: one a stage of a trial: key, cell, seed and `schema.MECHANISM_COLUMNS`.
        correct: one a complete trial, `schema.CORRECT_COLUMNS`; none where it is not known of all.
    """
    trials = schema.to_frame(rows)
    write_table(trials, folder / names.TRIALS)
    write_parquet(trials, folder / names.PARQUET)
    curves = pd.DataFrame(list(epochs), columns=list(schema.EPOCH_COLUMNS))
    write_table(curves, folder / names.EPOCHS, DIGITS)
    write_table(_stage_table(study), folder / names.STAGES)
    if mechanism:
        columns = ["key", "cell", "seed", *schema.MECHANISM_COLUMNS]
        write_table(pd.DataFrame(mechanism, columns=columns), folder / names.MECHANISM, DIGITS)
    else:
        (folder / names.MECHANISM).unlink(missing_ok=True)
    if correct:
        images = pd.DataFrame(correct, columns=list(schema.CORRECT_COLUMNS))
        write_table(images, folder / names.CORRECT)
    else:
        (folder / names.CORRECT).unlink(missing_ok=True)
    if study.draws:
        write_table(_draw_table(study), folder / DRAWS)
    else:
        (folder / DRAWS).unlink(missing_ok=True)
    with files.replacing(folder / names.STUDY) as temporary:
        temporary.write_text(study.source, encoding="utf-8")


def write_sweep(folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write `throughput.csv`: one row a size of batch and cell.

    Args:
        folder: of the run.
        rows: of each, `cell`, `batch`, columns of the results table, and `device`.
    """
    frame = pd.DataFrame(list(rows), dtype=object)
    known = {name: dtype for name, dtype in SWEEP_DTYPES.items() if name in frame.columns}
    write_table(frame.astype(known), folder / names.SWEEP)


def read_sweep(path: Path) -> pd.DataFrame:
    """The table of `write_sweep`; raises `InputError` where it is none."""
    try:
        return pd.read_csv(path, dtype=SWEEP_DTYPES, keep_default_na=False, na_values=[""])
    except (OSError, ValueError, TypeError) as error:
        line = " ".join(str(error).split())
        raise InputError(f"{path}: not a table of throughput: {line}") from error


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
            for stage, (size, cost) in count_stages(cell.net).items()
        ]
    )


def plan_row(study: Study, planned: Planned) -> dict[str, Any]:
    """The columns of the results table that are known before a trial is run, costs aside."""
    cell, spec = planned.cell, planned.spec
    return {
        "study": study.name,
        "dataset": study.data.name,
        "cell": cell.name,
        **{f"{AXIS_PREFIX}{axis}": arm for axis, arm in cell.arms.items()},
        "seed": spec.seed,
        "key": spec.key,
        "net": content_hash(cell.net),
        "widths": json.dumps(cell.net.widths),
        "depths": json.dumps(cell.net.depths),
        "strides": json.dumps(cell.net.strides),
        "shortcut": cell.net.shortcut_text,
        "match": cell.matched and cell.matched.quantity,
        "match_residual": cell.matched and cell.matched.residual,
        "match_shape_error": cell.matched and cell.matched.shape_error,
        "epochs": spec.train.epochs,
        "batch": spec.train.batch_size,
        "spec": to_json(spec),
    }
