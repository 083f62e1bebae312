"""The results table: its columns, what each holds, and its schema.

`COLUMNS` is the one place that says what a column is; the schema, the order of the CSV and the
README's dictionary follow from it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ablate.errors import InputError
from ablate.spec.choices import AXIS_PREFIX

STATES = ("complete", "diverged", "oom", "failed", "timeout")
RETRIED = ("oom", "failed", "timeout")  # with --retry; what diverged would diverge again
EPOCH_COLUMNS = (
    "key",
    "cell",
    "seed",
    "epoch",
    "train_loss",
    "val_loss",
    "val_accuracy",
    "grad_norm",
    "seconds",
)
CORRECT_COLUMNS = ("cell", "seed", "key", "images", "correct")


@dataclass(frozen=True)
class Column:
    """A column of the trials table.

    Args:
        name, dtype: as in the frame; dtypes are pandas' nullable ones.
        about: what it holds, with its unit.
        required: never missing, whatever became of the trial.
        check: limits of its values: (least, greatest).
    """

    name: str
    dtype: str
    about: str
    required: bool = False
    check: tuple[float | None, float | None] = (None, None)


_FRACTION = (0.0, 1.0)
_COUNT = (0.0, None)


def _timing(prefix: str, what: str) -> tuple[Column, ...]:
    """The columns of one timed quantity."""
    columns = (
        ("images_per_s", f"throughput of {what}; images/s, median over blocks"),
        ("images_per_s_iqr", "its interquartile range over blocks, images/s"),
        ("ratio", "its speed over the baseline's: median over rounds"),
        ("ratio_low", "lower end of the ratio's 95% bootstrap interval"),
        ("ratio_high", "upper end of the ratio's 95% bootstrap interval"),
        (
            "control",
            "the same ratio of the baseline to itself, timed as one more arm; 1 if all is well",
        ),
    )
    return tuple(
        Column(f"{prefix}_{name}", "Float64", about, check=_COUNT) for name, about in columns
    )


COLUMNS = (
    Column("study", "string", "name of the study", required=True),
    Column("dataset", "string", "name of the dataset", required=True),
    Column("cell", "string", "the arm, or the arms of a factorial joined by ` / `", required=True),
    Column("seed", "Int64", "of init, order and augmentation; pairs the arms", required=True),
    Column("key", "string", "content hash of the trial's full description", required=True),
    Column("net", "string", "content hash of its network alone", required=True),
    Column(
        "state",
        "string",
        "complete, diverged (loss not finite, or gradient norm above 1e6), oom (out of memory), "
        "failed, or timeout (not done within `--time-limit`)",
        required=True,
    ),
    Column("failure", "string", "one line: why it did not complete"),
    Column(
        "test_accuracy",
        "Float64",
        "fraction of test images, last epoch, evaluated once",
        check=_FRACTION,
    ),
    Column("val_accuracy", "Float64", "fraction of validation images, last epoch", check=_FRACTION),
    Column(
        "val_loss", "Float64", "mean cross-entropy over validation, last epoch, nats", check=_COUNT
    ),
    Column(
        "train_loss",
        "Float64",
        "mean cross-entropy over the last epoch's steps, nats",
        check=_COUNT,
    ),
    Column("params", "Int64", "trainable parameters", required=True, check=_COUNT),
    Column(
        "macs",
        "Int64",
        "multiply-accumulates of convolutions and linear layers for one image, fvcore, eval mode",
        required=True,
        check=_COUNT,
    ),
    Column(
        "macs_total",
        "Int64",
        "all that fvcore counts, normalisation and pooling included",
        required=True,
        check=_COUNT,
    ),
    Column(
        "unsupported_ops", "string", "JSON: operators fvcore met and did not count", required=True
    ),
    Column(
        "activations",
        "Int64",
        "output elements of all convolutions and linear layers for one image",
        required=True,
        check=_COUNT,
    ),
    Column("widths", "string", "JSON: channels of each stage", required=True),
    Column("depths", "string", "JSON: blocks in each stage", required=True),
    Column("strides", "string", "JSON: stride of each stage", required=True),
    Column(
        "shortcut",
        "string",
        "none, A, B, C or D (He et al. 2015, section 4.1; D: average pool)",
        required=True,
    ),
    Column(
        "match",
        "string",
        "what the study holds equal in all cells, if anything: macs, params, "
        "activations or latency",
    ),
    Column("match_residual", "Float64", "the cell's cost over that budget, less one; fraction"),
    Column(
        "match_shape_error",
        "Float64",
        "departure of the solved widths (or depths) from the arm's exact ratios; fraction",
        check=_COUNT,
    ),
    Column("epochs", "Int64", "passes over the training split", required=True, check=_COUNT),
    Column("batch", "Int64", "images a training step", required=True, check=_COUNT),
    Column("train_images", "Int64", "images in the training split", check=_COUNT),
    Column("val_images", "Int64", "images in the validation split", check=_COUNT),
    Column("test_images", "Int64", "images in the test split", check=_COUNT),
    Column(
        "train_seconds",
        "Float64",
        "wall time of the trial's training loop, evaluation of each "
        "epoch included; other trials may have run beside it",
        check=_COUNT,
    ),
    Column("train_threads", "Int64", "CPU threads of the trial's process", check=_COUNT),
    *_timing("train", "a training step on one batch: forward, backward, update"),
    *_timing("infer", "inference on one batch"),
    *_timing(
        "epoch", "the training loop as it is run: gather, normalise, augment, step, read the loss"
    ),
    Column(
        "throughput_batch", "Int64", "images a batch when throughput was measured", check=_COUNT
    ),
    Column("throughput_threads", "Int64", "CPU threads when throughput was measured", check=_COUNT),
    Column(
        "throughput_rounds",
        "Int64",
        "rounds of timed blocks, each arm twice a round in mirrored order",
        check=_COUNT,
    ),
    Column(
        "throughput_control_off",
        "boolean",
        "whether the baseline timed against itself was not equal: then no ratio is to be trusted",
    ),
    Column("throughput_note", "string", "what could not be timed, and why (out of memory)"),
    Column("gpu_state", "string", "JSON: clocks, power and temperature right after the timing"),
    Column(
        "layout_gain",
        "Float64",
        "speed of a training step of the baseline in channels_last over contiguous, by a probe "
        "before the run; empty where the layout was given or channels_last is not safe",
        check=_COUNT,
    ),
    Column(
        "device", "string", "what trained and was timed, `cpu: ...` or `cuda: ...`", required=True
    ),
    Column("dtype", "string", "of weights and activations", required=True),
    Column(
        "memory_format",
        "string",
        "layout of the tensors: contiguous or channels_last",
        required=True,
    ),
    Column("compiled", "boolean", "whether torch.compile compiled the network"),
    Column("deterministic", "boolean", "whether nondeterministic operators were refused"),
    Column("os", "string", "operating system and architecture", required=True),
    Column("driver", "string", "of the GPU and its CUDA version; empty on a CPU"),
    Column("versions", "string", "JSON: python and the packages that made the row", required=True),
    Column("commit", "string", "git commit of the code, where it is a checkout"),
    Column("dirty", "boolean", "whether that checkout had uncommitted changes to the code"),
    Column("started", "string", "UTC, ISO 8601", required=True),
    Column("finished", "string", "UTC, ISO 8601", required=True),
    Column("spec", "string", "JSON: every field of the trial's description", required=True),
)
MECHANISM_COLUMNS = {
    "stage": "stem, stage 1, ...; what its last block puts out is what is measured",
    "width": "channels it puts out",
    "out_size": "height and width of its output, pixels",
    "receptive_field": "side of the image patch that one of its outputs can see, pixels",
    "field_over_image": "that side over the image's: above 1 it reaches over the border",
    "probe_accuracy": "fraction of validation images that a linear classifier gets right from its "
    "output averaged over the image (Alain & Bengio 2016); fitted on training images, 5,000 of "
    "each at most",
    "effective_rank": "directions in which that average varies over the validation images: exp of "
    "the entropy of its covariance's eigenvalues (Roy & Vetterli 2007); from 1 to the width, 0 if "
    "it does not vary",
    "effective_rank_share": "that over the width; fraction",
    "dead_channels": "fraction of its channels that, activated, are nowhere above zero on these "
    "validation images; a pre-activated network's are activated by the norm and activation after",
    "grad_norm": "Euclidean norm of the gradient of the training loss (nats) in its parameters: "
    "one training batch, not augmented, normalised by itself as in training",
    "block_loss": "validation accuracy lost when a block's branch gives zeros and its shortcut "
    "stays (Veit et al. 2016): fraction, mean over its blocks, 1,000 images at most; empty for "
    "the stem and without shortcuts",
}


def axis_columns(frame: pd.DataFrame) -> list[str]:
    """Names of the columns, one an axis of the study, that say which arm a row has."""
    return [name for name in frame.columns if name.startswith(AXIS_PREFIX)]


def to_frame(rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Rows as a checked table: columns in the order of `COLUMNS`, the axes after `cell`.

    Raises:
        InputError: a row breaks the schema; the line names the column and the value.
    """
    frame = pd.DataFrame(list(rows), dtype=object)
    _check_columns(frame, "the results table")
    axes = sorted(axis_columns(frame))
    names = [column.name for column in COLUMNS]
    frame = frame.reindex(columns=names[:3] + axes + names[3:])
    dtypes = {column.name: column.dtype for column in COLUMNS} | dict.fromkeys(axes, "string")
    for name, dtype in dtypes.items():
        try:
            frame[name] = frame[name].astype(dtype)  # type: ignore[call-overload]
        except (ValueError, TypeError, OverflowError) as error:
            raise InputError(f"the results table: column {name!r}: {error}") from error
    return validate(frame, "the results table")


def validate(frame: pd.DataFrame, where: str) -> pd.DataFrame:
    """The frame, if it follows the schema: columns, dtypes, limits, one row a key.

    Args:
        frame: as `to_frame` makes it.
        where: names the table in the error.
    """
    _check_columns(frame, where)
    axes = [Column(name, "string", "the row's arm", required=True) for name in axis_columns(frame)]
    for column in (*COLUMNS, *axes):
        fault = _fault(frame, column)
        if fault:
            raise InputError(f"{where}: Column '{column.name}' {fault}")
    return frame


def _check_columns(frame: pd.DataFrame, where: str) -> None:
    known = {column.name for column in COLUMNS} | set(axis_columns(frame))
    for name in frame.columns:
        if name not in known:
            raise InputError(f"{where}: unknown column {name!r}")


def _fault(frame: pd.DataFrame, column: Column) -> str | None:
    """What is wrong with a column of a table, or None."""
    if column.name not in frame:
        return "is missing"
    values = frame[column.name]
    if values.dtype != column.dtype:
        return f"holds {values.dtype}, expected {column.dtype}"
    if column.required and values.isna().any():
        return "has null values, expected one in each row"
    given = values.dropna()
    least, greatest = column.check
    if least is not None and (given < least).any():
        return f"has {given.min()}, expected at least {least}"
    if greatest is not None and (given > greatest).any():
        return f"has {given.max()}, expected at most {greatest}"
    if column.name == "state" and not given.isin(STATES).all():
        return f"has {given[~given.isin(STATES)].iloc[0]!r}, expected {', '.join(STATES)}"
    if column.name == "key" and given.duplicated().any():
        return f"contains duplicate values, {given[given.duplicated()].iloc[0]!r} for one"
    return None
