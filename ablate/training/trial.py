"""One trial: a `TrialSpec` becomes the measured part of a row, and a row for each epoch."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ablate.bits import pack
from ablate.data.dataset import Dataset
from ablate.errors import WriteError
from ablate.networks.model import build
from ablate.spec.recipe import TrainSpec
from ablate.spec.trial import TrialSpec
from ablate.training.execution import Execution, dtype_name, is_out_of_memory, place
from ablate.training.loop import DivergedError, Epoch, StoppedError, classify, fit, never
from ablate.training.machine import describe
from ablate.training.mechanism import measure
from ablate.training.outcome import Outcome


class PrunedError(Exception):
    """A search has seen enough of the trial."""


def run_trial(
    spec: TrialSpec,
    data: Dataset,
    execution: Execution,
    checkpoint: Path | None = None,
    mechanism: bool = False,
    *,
    test: bool = True,
    on_epoch: Callable[[Epoch], object] | None = None,
    keep: Callable[[nn.Module], object] | None = None,
    stop: Callable[[], bool] = never,
) -> Outcome:
    """Train one network from scratch and evaluate its last epoch, on test once.

    A trial always ends in a row: `complete`; `diverged`, where the loss is no longer finite;
    `oom`, where memory does not suffice; `pruned`; or `failed`, with the error in one line, so
    that one cell that cannot be trained does not end the study. With a `checkpoint`, a trial that
    was killed goes on from its last whole epoch, and one that was stopped from its last step.

    Args:
        spec: the trial.
        data: on the device of `execution`, for which this process was set up.
        execution: how to run.
        checkpoint: where the trial's state is kept while it runs.
        mechanism: whether to measure the trained network stage by stage too.
        test: whether to evaluate on the test split; a search explores without.
        on_epoch: told of each epoch; may raise `PrunedError`.
        keep: given the trained network, to keep its weights.
        stop: asked before each step whether to stop there.

    Raises:
        StoppedError: `stop` said so.
        WriteError: the checkpoint, or what is kept, cannot be written.
    """
    started, epochs, stages = now(), list[Epoch](), list[dict[str, Any]]()
    correct: str | None = None

    def ended(epoch: Epoch) -> None:
        epochs.append(epoch)
        if on_epoch is not None:
            on_epoch(epoch)

    try:
        if execution.compiled:  # else it keeps every network, and after eight compiles no more
            torch.compiler.reset()
        torch.manual_seed(spec.seed)
        network = place(build(spec.net), execution)
        fit(network, data, spec.train, spec.seed, ended, checkpoint, stop)
        measured: dict[str, Any] = {
            "state": "complete",
            "val_accuracy": epochs[-1].val_accuracy,
            "val_loss": epochs[-1].val_loss,
            "train_loss": epochs[-1].train_loss,
        }
        if test:
            right = classify(network, data, data.test, spec.train.precision)[1].cpu().numpy()
            measured["test_accuracy"] = int(right.sum()) / len(right)
            correct = pack(right)
        if keep is not None:
            keep(network)
        if mechanism:
            stages = measure(network, data, spec.net, spec.train, spec.seed)
    except (StoppedError, WriteError):
        raise
    except PrunedError as error:
        measured = {"state": "pruned", "failure": str(error)}
    except DivergedError as error:
        measured = {"state": "diverged", "failure": str(error)}
    except Exception as error:  # noqa: BLE001 - recorded in the row and shown in the summary
        state = "oom" if is_out_of_memory(error) else "failed"
        measured = {"state": state, "failure": _line(error)}
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
    recorded = correct if measured["state"] == "complete" else None
    return Outcome(row, [asdict(epoch) for epoch in epochs], stages, recorded)


def ended_trial(spec: TrialSpec, state: str, reason: str, execution: Execution) -> Outcome:
    """The outcome of a trial that could not report one itself."""
    row = describe(execution.device) | _how(spec.train, execution)
    row |= {"state": state, "failure": reason, "started": now(), "finished": now()}
    return Outcome(row, [])


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


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
