"""One trial: whatever becomes of it, it ends in a row."""

import json
import re
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from datetime import datetime
from typing import Any

import pytest
import torch
from torch import Tensor

from ablate.bits import unpack
from ablate.data.dataset import Dataset, Images
from ablate.networks.model import build
from ablate.results.schema import COLUMNS
from ablate.spec.network import NetSpec
from ablate.spec.recipe import TrainSpec
from ablate.spec.trial import DataSpec, TrialSpec
from ablate.training.execution import Execution
from ablate.training.loop import Epoch, evaluate, fit
from ablate.training.timing import time_alone
from ablate.training.trial import PrunedError, ended_trial, run_trial

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = Execution(device="cpu", threads=1)
TRIAL = TrialSpec(
    net=NetSpec(widths=(4, 8, 16), in_channels=1, image_size=8),
    train=TrainSpec(epochs=2, batch_size=256),
    data=DataSpec(),
    seed=3,
)
MEASURED = {"test_accuracy", "val_accuracy", "val_loss", "train_loss"}
ALWAYS = {
    *("device", "driver", "os", "versions", "commit", "dirty", "state", "dtype", "memory_format"),
    *("started", "finished", "train_threads", "compiled", "deterministic"),
}
COUNTED = {"train_seconds", "train_images", "val_images", "test_images"}


def test_a_complete_trial(digits: Dataset) -> None:
    outcome = run_trial(TRIAL, digits, CPU)
    row = outcome.row
    assert set(row) == ALWAYS | COUNTED | MEASURED
    assert set(row) <= {column.name for column in COLUMNS}
    assert row["state"] == "complete"
    assert (row["train_images"], row["val_images"], row["test_images"]) == (1079, 359, 359)
    assert row["train_threads"] == 1
    assert row["device"].startswith("cpu: ")
    assert datetime.fromisoformat(row["started"]) <= datetime.fromisoformat(row["finished"])
    assert row["finished"].endswith("+00:00")
    names = {field.name for field in fields(Epoch)}
    assert all(set(epoch) == names for epoch in outcome.epochs)
    assert [epoch["epoch"] for epoch in outcome.epochs] == [1, 2]
    assert row["train_seconds"] == sum(epoch["seconds"] for epoch in outcome.epochs)
    assert json.loads(json.dumps(asdict(outcome))) == asdict(outcome)


def test_which_test_images_are_correct_is_stored_in_their_order(digits: Dataset) -> None:
    torch.manual_seed(TRIAL.seed)
    network = build(TRIAL.net)
    fit(network, digits, TRIAL.train, TRIAL.seed, lambda epoch: None)
    network.eval()
    with torch.inference_mode():  # one by one: not as `evaluate` does it
        images = [digits.normalise(digits.test.pick(slice(i, i + 1))) for i in range(359)]
        named = [int(network(image).argmax()) for image in images]
    expected = [name == int(label) for name, label in zip(named, digits.test.labels, strict=True)]
    outcome = run_trial(TRIAL, digits, CPU)
    assert outcome.correct is not None
    found = unpack(outcome.correct, 359)
    assert found.tolist() == expected
    assert found.sum() / 359 == outcome.row["test_accuracy"]
    assert 0 < found.sum() < 359


def test_a_trial_is_its_last_epoch(digits: Dataset) -> None:
    torch.manual_seed(TRIAL.seed)
    network, epochs, tests = build(TRIAL.net), list[Epoch](), list[float]()

    def after(epoch: Epoch) -> None:
        epochs.append(epoch)
        tests.append(evaluate(network, digits, digits.test)[1])

    fit(network, digits, TRIAL.train, TRIAL.seed, after)
    assert tests[0] != tests[1]
    row = run_trial(TRIAL, digits, CPU).row
    assert row["test_accuracy"] == tests[1]
    assert row["val_accuracy"] == epochs[1].val_accuracy
    assert row["val_loss"] == epochs[1].val_loss
    assert row["train_loss"] == epochs[1].train_loss


def test_the_seed_sets_the_weights_too(digits: Dataset) -> None:
    torch.manual_seed(99)
    rows = [run_trial(replace(TRIAL, seed=seed), digits, CPU).row for seed in (3, 3, 4)]
    losses = [row["train_loss"] for row in rows]
    assert losses[0] == losses[1] != losses[2]


def test_a_trial_that_diverges(digits: Dataset) -> None:
    trial = replace(TRIAL, train=replace(TRIAL.train, batch_size=32, lr=1e6))
    outcome = run_trial(trial, digits, CPU)
    assert set(outcome.row) == ALWAYS | COUNTED | {"failure"}
    assert outcome.row["state"] == "diverged"
    assert outcome.row["failure"] in (
        "loss nan, gradient nan in epoch 1",
        "loss inf, gradient nan in epoch 1",
    )
    assert outcome.epochs == []
    assert outcome.correct is None


def test_a_trial_that_fails(digits: Dataset) -> None:
    colour = replace(TRIAL, net=replace(TRIAL.net, in_channels=3))
    outcome = run_trial(colour, digits, CPU)
    assert set(outcome.row) == ALWAYS | COUNTED | {"failure"}
    assert outcome.row["state"] == "failed"
    assert outcome.row["failure"].startswith("RuntimeError: ")
    assert "3 channels" in outcome.row["failure"]
    assert outcome.row["train_seconds"] == 0


class Broken(Dataset):
    """A dataset that cannot be used, for the reason given."""

    reason: BaseException

    def normalise(self, images: Tensor) -> Tensor:
        raise self.reason


def broken(data: Dataset, reason: BaseException) -> Dataset:
    parts: dict[str, Any] = {field.name: getattr(data, field.name) for field in fields(data)}
    whole = Broken(**parts)
    object.__setattr__(whole, "reason", reason)
    return whole


def test_a_long_reason_becomes_one_short_line(digits: Dataset) -> None:
    reason = ValueError("first line\n  second line\r\n" + "and so on " * 100)
    failure = run_trial(TRIAL, broken(digits, reason), CPU).row["failure"]
    assert failure.startswith("ValueError: first line second line and so on and")
    assert len(failure.splitlines()) == 1
    assert len(failure) < 350


def test_an_interrupt_is_no_failure(digits: Dataset) -> None:
    with pytest.raises(KeyboardInterrupt):
        run_trial(TRIAL, broken(digits, KeyboardInterrupt()), CPU)


def test_a_trial_that_cannot_say_what_became_of_it() -> None:
    outcome = ended_trial(TRIAL, "failed", "its process ended", CPU)
    assert set(outcome.row) == ALWAYS | {"failure"}
    assert (outcome.row["state"], outcome.row["failure"]) == ("failed", "its process ended")
    assert outcome.epochs == []


def test_a_search_explores_without_the_test_split_and_may_stop_early(digits: Dataset) -> None:
    nothing = replace(digits, test=Images(digits.test.images[:0], digits.test.labels[:0]))
    whole = run_trial(TRIAL, nothing, CPU, test=False)
    assert whole.row["state"] == "complete"
    assert "test_accuracy" not in whole.row
    assert whole.correct is None

    def enough(epoch: Epoch) -> None:
        raise PrunedError(f"after epoch {epoch.epoch}")

    cut = run_trial(TRIAL, digits, CPU, test=False, on_epoch=enough)
    assert (cut.row["state"], cut.row["failure"]) == ("pruned", "after epoch 1")
    assert cut.epochs[0]["val_accuracy"] == whole.epochs[0]["val_accuracy"]


LACKS = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    torch.cuda.OutOfMemoryError("tried to allocate"),
    MemoryError(),
    RuntimeError("CUDA error: out of memory"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."),
    RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes."),
    RuntimeError("[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: no memory"),
    RuntimeError("unable to allocate memory"),
]
OTHERS = [
    RuntimeError("shapes differ"),
    RuntimeError("CUDA error: an illegal memory access was encountered"),
    RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"),
]


def failing(error: Exception) -> Callable[[], object]:
    def call() -> object:
        raise error

    return call


@pytest.mark.parametrize("error", LACKS, ids=str)
def test_a_trial_and_the_timer_know_a_lack_of_memory(digits: Dataset, error: Exception) -> None:
    assert run_trial(TRIAL, broken(digits, error), CPU).row["state"] == "oom"
    assert time_alone(lambda: failing(error), CPU, seconds=0.0) is None


@pytest.mark.parametrize("error", OTHERS, ids=str)
def test_other_failures_are_told_from_a_lack_of_memory(digits: Dataset, error: Exception) -> None:
    assert run_trial(TRIAL, broken(digits, error), CPU).row["state"] == "failed"
    with pytest.raises(RuntimeError, match=re.escape(str(error))):
        time_alone(lambda: failing(error), CPU, seconds=0.0)


def test_a_real_lack_of_memory_is_told(digits: Dataset) -> None:
    """More memory than any machine has."""
    wide = replace(TRIAL, net=replace(TRIAL.net, widths=(2**20, 2**20, 2**20)))
    assert run_trial(wide, digits, CPU).row["state"] == "oom"
