"""One trial: a `TrialSpec` becomes the measured part of a row, and a row for each epoch."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from ablate.data import Dataset
from ablate.execution import Execution, dtype_name, place
from ablate.machine import describe
from ablate.mechanism import measure
from ablate.model import build
from ablate.record import Outcome
from ablate.spec import TrainSpec, TrialSpec
from ablate.train import DivergedError, Epoch, evaluate, fit


def run_trial(
    spec: TrialSpec,
    data: Dataset,
    execution: Execution,
    checkpoint: Path | None = None,
    mechanism: bool = False,
) -> Outcome:
    """Train one network from scratch and evaluate its last epoch, on test once.

    A trial always ends in a row: `complete`; `diverged`, where the loss is no longer finite; or
    `failed`, with the error in one line, so that one cell that cannot be trained does not end the
    study. With a `checkpoint`, a trial that was killed goes on from its last whole epoch.

    Args:
        spec: the trial.
        data: on the device of `execution`, for which this process was set up.
        execution: how to run.
        checkpoint: where the trial's state is kept while it runs.
        mechanism: whether to measure the trained network stage by stage too.
    """
    started, epochs, stages = now(), list[Epoch](), list[dict[str, Any]]()
    try:
        if execution.compiled:  # else it keeps every network, and after eight compiles no more
            torch.compiler.reset()
        torch.manual_seed(spec.seed)
        network = place(build(spec.net), execution)
        fit(network, data, spec.train, spec.seed, epochs.append, checkpoint)
        measured = {
            "state": "complete",
            "test_accuracy": evaluate(network, data, data.test, spec.train.precision)[1],
            "val_accuracy": epochs[-1].val_accuracy,
            "val_loss": epochs[-1].val_loss,
            "train_loss": epochs[-1].train_loss,
        }
        if mechanism:
            stages = measure(network, data, spec.net, spec.train, spec.seed)
    except DivergedError as error:
        measured = {"state": "diverged", "failure": str(error)}
    except Exception as error:  # noqa: BLE001 - recorded in the row and shown in the summary
        line = " ".join(str(error).split())[:300]
        measured = {"state": "failed", "failure": f"{type(error).__name__}: {line}"}
    row = (
        describe(execution.device)
        | _how(spec.train, execution)
        | measured
        | {
            "train_seconds": sum(epoch.seconds for epoch in epochs),
            "train_images": len(data.train),
            "val_images": len(data.val),
            "test_images": len(data.test),
            "started": started,
            "finished": now(),
        }
    )
    return Outcome(row, [asdict(epoch) for epoch in epochs], stages)


def failed_trial(spec: TrialSpec, reason: str, execution: Execution) -> Outcome:
    """The outcome of a trial that could not report one itself."""
    row = describe(execution.device) | _how(spec.train, execution)
    row |= {"state": "failed", "failure": reason, "started": now(), "finished": now()}
    return Outcome(row, [])


def _how(train: TrainSpec, execution: Execution) -> dict[str, Any]:
    """The columns that say how a trial was run."""
    return {
        "train_threads": execution.threads,
        "dtype": dtype_name(train, execution),
        "memory_format": execution.memory_format,
        "compiled": execution.compiled,
        "deterministic": execution.deterministic,
    }


def now() -> str:
    """The time, UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
