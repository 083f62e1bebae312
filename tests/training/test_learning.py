"""Training: it learns, repeats to the bit, is fair to every network, and keeps off the test."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.optimizer import register_optimizer_step_pre_hook

from ablate.data.augmentation import augment, draw
from ablate.data.dataset import Dataset, Images
from ablate.errors import InputError
from ablate.networks.model import build
from ablate.spec.network import NetSpec
from ablate.spec.recipe import TrainSpec
from ablate.training import loop
from ablate.training.loop import DivergedError, Epoch, StoppedError, evaluate, fit

pytestmark = pytest.mark.usefixtures("one_thread")

NET = NetSpec(widths=(4, 8, 16), in_channels=1, image_size=8)


@pytest.fixture(scope="module")
def few(digits: Dataset) -> Dataset:
    """Digits with 100 training and 40 validation images, for tests in which nothing is learned."""
    return replace(digits, train=first(digits.train, 100), val=first(digits.val, 40))


def first(images: Images, count: int) -> Images:
    return Images(images.images[:count], images.labels[:count])


def linear() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))


def trained(data: Dataset, train: TrainSpec, seed: int = 0) -> tuple[nn.Module, list[Epoch]]:
    """A small residual network that always starts from the same weights."""
    torch.manual_seed(0)
    network, epochs = build(NET), list[Epoch]()
    fit(network, data, train, seed, epochs.append)
    return network, epochs


def ignore(epoch: Epoch) -> None:
    """What an epoch gave is not always of interest."""


class Probe(nn.Module):
    """Any network, with the training batches that it was given."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.batches: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.batches.append(x.clone())
        logits: Tensor = self.network(x)
        return logits


def batches(data: Dataset, train: TrainSpec, seed: int, network: nn.Module) -> list[Tensor]:
    probe = Probe(network)
    fit(probe, data, train, seed, ignore)
    return probe.batches


def same(some: list[Tensor], others: list[Tensor]) -> bool:
    return all(torch.equal(*both) for both in zip(some, others, strict=True))


# Learning


def test_a_small_network_learns_the_digits(digits: Dataset) -> None:
    network, epochs = trained(digits, TrainSpec(epochs=5, batch_size=64))
    assert [epoch.epoch for epoch in epochs] == [1, 2, 3, 4, 5]
    assert epochs[-1].val_accuracy > 0.8
    assert epochs[-1].train_loss < 0.5 * epochs[0].train_loss
    assert all(epoch.seconds > 0 for epoch in epochs)
    assert evaluate(network, digits, digits.val) == (epochs[-1].val_loss, epochs[-1].val_accuracy)


def test_a_run_repeats_to_the_bit_and_another_seed_does_not(few: Dataset) -> None:
    train = TrainSpec(epochs=2, batch_size=16, crop_padding=1, flip=True)
    runs = [trained(few, train, seed) for seed in (0, 0, 1)]
    states = [list(network.state_dict().values()) for network, _ in runs]
    told = [
        [(epoch.train_loss, epoch.val_loss, epoch.val_accuracy) for epoch in epochs]
        for _, epochs in runs
    ]
    assert same(states[0], states[1])
    assert told[0] == told[1]
    assert not same(states[0], states[2])


def test_training_leaves_the_global_generator_alone(few: Dataset) -> None:
    network = linear()
    before = torch.get_rng_state()
    fit(network, few, TrainSpec(epochs=1, batch_size=16, crop_padding=1, flip=True), 0, ignore)
    assert torch.equal(torch.get_rng_state(), before)


# Fairness


def test_every_network_sees_the_same_batches(few: Dataset) -> None:
    train = TrainSpec(epochs=2, batch_size=16, crop_padding=1, flip=True)
    narrow = batches(few, train, 5, build(NET))
    wide = batches(few, train, 5, build(replace(NET, widths=(8, 8, 8), shortcut="A")))
    assert same(narrow, wide)
    assert not same(narrow, batches(few, train, 6, build(NET)))


def test_an_epoch_goes_once_through_the_images_in_random_order(few: Dataset) -> None:
    numbered = torch.arange(1, 101, dtype=torch.uint8).view(100, 1, 1, 1).expand(100, 1, 8, 8)
    data = replace(few, train=Images(numbered, few.train.labels), mean=few.mean * 0, std=few.std**0)
    seen = batches(data, TrainSpec(epochs=2, batch_size=30), 0, linear())
    assert [len(batch) for batch in seen] == [30] * 6  # the incomplete fourth batch is left out
    numbers = [int(image[0, 0, 0]) for batch in seen for image in batch]
    for epoch in (numbers[:90], numbers[90:]):
        assert len(set(epoch)) == 90
        assert epoch != sorted(epoch)
    assert numbers[:90] != numbers[90:]


class Untouchable:
    """A split that must not be used."""

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(f"the test split's {name} was used")

    def __len__(self) -> int:
        raise AssertionError("the test split's length was used")


def test_training_keeps_off_the_test_split(few: Dataset) -> None:
    data = replace(few, test=Untouchable())
    with pytest.raises(AssertionError, match="test split"):
        evaluate(linear(), data, data.test)
    fit(linear(), data, TrainSpec(epochs=2, batch_size=16), 0, ignore)


# The recipe


def rates(data: Dataset, train: TrainSpec) -> list[float]:
    """The learning rate of every step."""
    seen: list[float] = []
    handle = register_optimizer_step_pre_hook(
        lambda optimizer, args, kwargs: seen.append(optimizer.param_groups[0]["lr"])
    )
    try:
        fit(linear(), data, train, 0, ignore)
    finally:
        handle.remove()
    return seen


def test_one_cycle_goes_up_and_then_down_to_nothing(few: Dataset) -> None:
    seen = rates(few, TrainSpec(epochs=10, batch_size=16, lr=0.2))
    assert len(seen) == 10 * 6
    top = seen.index(max(seen))
    assert max(seen) == pytest.approx(0.2)
    assert top == pytest.approx(0.3 * len(seen), abs=1)
    assert seen[: top + 1] == sorted(seen[: top + 1])
    assert seen[top:] == sorted(seen[top:], reverse=True)
    assert seen[-1] < 1e-4 * max(seen)


def test_cosine_goes_down_to_nothing(few: Dataset) -> None:
    seen = rates(few, TrainSpec(epochs=10, batch_size=16, lr=0.2, schedule="cosine"))
    steps = 10 * 6
    expected = [0.1 * (1 + math.cos(math.pi * step / steps)) for step in range(steps)]
    assert seen == pytest.approx(expected)
    assert seen[-1] < 1e-3 * seen[0]


@pytest.mark.parametrize("momentum", [0.0, 0.8])
def test_training_is_nesterov_sgd_with_decay_of_everything(few: Dataset, momentum: float) -> None:
    train = TrainSpec(
        epochs=2,
        batch_size=25,
        lr=0.05,
        momentum=momentum,
        weight_decay=0.1,
        schedule="cosine",
        crop_padding=1,
        flip=True,
        label_smoothing=0.2,
    )
    network, epochs = linear(), list[Epoch]()
    fit(network, few, train, 3, epochs.append)

    expected = linear()
    parameters = list(expected.parameters())
    velocities: list[Any] = [None, None]
    generator = torch.Generator().manual_seed(3)
    losses = []
    for step in range(8):
        if step % 4 == 0:
            order = torch.randperm(100, generator=generator)
            draws = draw(100, (8, 8), train, generator, torch.device("cpu"))
        start = step % 4 * 25
        picked = order[start : start + 25]
        batch = few.normalise(few.train.images[picked])
        batch = augment(batch, train, draws.part(start, start + 25))
        targets = 0.8 * F.one_hot(few.train.labels[picked], 10) + 0.2 / 10
        loss = -(targets * expected(batch).log_softmax(1)).sum(1).mean()
        losses.append(loss.item())
        gradients = torch.autograd.grad(loss, parameters)
        rate = 0.05 * (1 + math.cos(math.pi * step / 8)) / 2
        with torch.no_grad():
            for place, (weight, gradient) in enumerate(zip(parameters, gradients, strict=True)):
                slope = gradient + 0.1 * weight
                before = velocities[place]
                velocities[place] = slope if before is None else momentum * before + slope
                weight -= rate * (slope + momentum * velocities[place])
    for weight, wanted in zip(network.parameters(), parameters, strict=True):
        assert torch.allclose(weight, wanted, atol=1e-5)
    assert [epoch.train_loss for epoch in epochs] == pytest.approx(
        [sum(losses[:4]) / 4, sum(losses[4:]) / 4], rel=1e-5
    )


def test_the_caller_can_stop_after_any_epoch(few: Dataset) -> None:
    seen = []

    def stop(epoch: Epoch) -> None:
        seen.append(epoch.epoch)
        if epoch.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(linear(), few, TrainSpec(epochs=5, batch_size=16), 0, stop)
    assert seen == [1, 2]


# What cannot go on


def test_a_loss_that_is_not_finite_is_an_error(few: Dataset) -> None:
    with pytest.raises(DivergedError, match=r"^loss (nan|inf), gradient (nan|inf) in epoch 1$"):
        trained(few, TrainSpec(epochs=3, batch_size=16, lr=1e6))


def test_a_batch_larger_than_the_split_is_refused(few: Dataset) -> None:
    fit(linear(), few, TrainSpec(epochs=1, batch_size=100), 0, ignore)
    with pytest.raises(InputError, match=r"batch_size = 101: .* the 100 training images") as caught:
        fit(linear(), few, TrainSpec(epochs=1, batch_size=101), 0, ignore)
    assert caught.value.key == "batch_size"


# Evaluation


def plainly(network: nn.Module, data: Dataset, images: Images) -> tuple[float, float]:
    """Loss and accuracy, one image at a time."""
    network.eval()
    loss, right = 0.0, 0
    with torch.no_grad():
        for image, label in zip(images.images, images.labels, strict=True):
            logits = network((image[None].float() - data.mean) / data.std)[0].double()
            loss -= float(logits.log_softmax(0)[label])
            right += int(logits.argmax() == label)
    return loss / len(images), right / len(images)


@pytest.mark.parametrize("batch", [1024, 100, 7])
def test_evaluation_is_a_plain_loop(
    digits: Dataset, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(loop, "EVAL_BATCH", batch)
    network, _ = trained(digits, TrainSpec(epochs=1, batch_size=64))
    loss, accuracy = plainly(network, digits, digits.test)
    found = evaluate(network, digits, digits.test)
    assert found == (pytest.approx(loss, rel=1e-5), accuracy)
    assert 0.1 < accuracy < 1


def test_evaluation_changes_nothing(few: Dataset) -> None:
    torch.manual_seed(0)
    network = build(NET).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    evaluate(network, few, few.test)
    assert not network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())


@pytest.mark.parametrize("at", range(0, 12))
@pytest.mark.parametrize(
    "settings",
    [{}, {"optimizer": "adamw", "lr": 0.01, "mixup": 0.4, "ema": 0.9, "schedule": "step"}],
    ids=["default", "all else"],
)
def test_a_training_stopped_at_any_step_goes_on_to_the_same_weights(
    digits: Dataset, tmp_path: Path, at: int, settings: dict[str, Any]
) -> None:
    """Twelve steps, four an epoch: the weights and losses are those of the undisturbed run."""
    recipe = TrainSpec(epochs=3, batch_size=256, **settings)
    whole, stopped = (small_network() for _ in range(2))
    undisturbed, resumed, steps = list[Epoch](), list[Epoch](), iter(range(100))
    fit(whole, digits, recipe, 0, undisturbed.append)
    checkpoint = tmp_path / "c.pt"
    with pytest.raises(StoppedError):
        fit(stopped, digits, recipe, 0, lambda _: None, checkpoint, lambda: next(steps) == at)
    again = small_network(seed=1)
    fit(again, digits, recipe, 0, resumed.append, checkpoint)
    for mine, theirs in zip(again.state_dict().values(), whole.state_dict().values(), strict=True):
        assert torch.equal(mine, theirs)
    for left, right in zip(undisturbed, resumed, strict=True):
        assert replace(left, seconds=0) == replace(right, seconds=0)


@pytest.mark.parametrize("epoch", [1, 2])
def test_a_training_killed_after_any_epoch_goes_on_to_the_same_weights(
    digits: Dataset, tmp_path: Path, epoch: int
) -> None:
    recipe = TrainSpec(epochs=3, batch_size=256)
    whole, killed = (small_network() for _ in range(2))
    fit(whole, digits, recipe, 0, lambda _: None)

    def die(ended: Epoch) -> None:
        if ended.epoch == epoch:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(killed, digits, recipe, 0, die, tmp_path / "c.pt")
    again = small_network(seed=1)
    fit(again, digits, recipe, 0, lambda _: None, tmp_path / "c.pt")
    for mine, theirs in zip(again.state_dict().values(), whole.state_dict().values(), strict=True):
        assert torch.equal(mine, theirs)


def small_network(seed: int = 0) -> torch.nn.Module:
    torch.manual_seed(seed)
    return build(NetSpec(widths=(4, 8, 16), in_channels=1, image_size=8))


def test_weights_that_blow_up_in_the_last_step_are_a_divergence(few: Dataset) -> None:
    with pytest.raises(DivergedError):
        trained(few, TrainSpec(epochs=1, batch_size=100, lr=1e30, schedule="cosine"))
