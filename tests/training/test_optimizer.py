"""Each optimizer, schedule and average does what its paper says, and mixup mixes labels too."""

import math
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ablate.data.augmentation import Draws, augment, draw
from ablate.data.dataset import Dataset
from ablate.networks.model import build
from ablate.spec.network import NetSpec
from ablate.spec.recipe import TrainSpec
from ablate.training.loop import Epoch, evaluate, fit, loss_of
from ablate.training.optimizer import Average, hold, make_optimizer, make_schedule
from support.trained import NET
from support.trained import data as data

pytestmark = pytest.mark.usefixtures("one_thread")
CPU = torch.device("cpu")


def linear() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))


def plain_steps(data: Dataset, train: TrainSpec, network: nn.Module) -> list[list[Tensor]]:
    """Fit, and return the weights after each step, which are those of a plain AdamW loop."""
    found: list[list[Tensor]] = []
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=train.lr, weight_decay=train.weight_decay, fused=True
    )
    generator = torch.Generator().manual_seed(0)
    for _ in range(train.epochs):
        order = torch.randperm(len(data.train), generator=generator)
        network.train()
        for picked in order.split(train.batch_size):
            batch = data.normalise(data.train.images[picked])
            loss = F.cross_entropy(network(batch), data.train.labels[picked])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            tensors = [
                value for value in network.state_dict().values() if value.is_floating_point()
            ]
            found.append([value.clone() for value in tensors])
    return found


ADAMW = TrainSpec(
    epochs=3, batch_size=32, optimizer="adamw", lr=0.01, weight_decay=0.1, schedule="constant"
)


def residual() -> nn.Module:
    torch.manual_seed(0)
    return build(NET)


def floats(network: nn.Module) -> dict[str, Tensor]:
    return {name: own for name, own in network.state_dict().items() if own.is_floating_point()}


def test_adamw_is_torchs_with_the_moments_of_its_paper(data: Dataset) -> None:
    expected = plain_steps(data, ADAMW, residual())[-1]
    network = residual()
    fit(network, data, ADAMW, 0, lambda _: None)
    assert all(map(torch.equal, floats(network).values(), expected))


def test_the_decay_of_adamw_is_apart_from_the_gradient() -> None:
    network = nn.Linear(1, 1, bias=False)
    start = network.weight.detach().clone()
    train = TrainSpec(optimizer="adamw", lr=0.1, weight_decay=0.5, momentum=0.9)
    optimizer = make_optimizer(network, train)
    network.weight.grad = torch.full((1, 1), 1e-3)
    optimizer.step()
    # The first step of Adam is the learning rate in the direction of the gradient.
    assert network.weight.item() == pytest.approx((start * (1 - 0.1 * 0.5) - 0.1).item(), abs=1e-5)


def test_momentum_is_the_beta1_of_adamw() -> None:
    optimizer = make_optimizer(linear(), replace(ADAMW, momentum=0.7))
    assert optimizer.param_groups[0]["betas"] == (0.7, 0.999)


@pytest.mark.parametrize("decay", [0.5, 0.99])
def test_the_average_is_that_of_a_hand_written_loop(data: Dataset, decay: float) -> None:
    network, epochs = residual(), list[Epoch]()
    names = list(floats(network))
    steps = plain_steps(data, ADAMW, network)
    average = [value.double() for value in steps[0]]
    for number, step in enumerate(steps, start=1):
        own = min(decay, 1 - 1 / number)
        pairs = zip(average, step, strict=True)
        average = [own * old + (1 - own) * new.double() for old, new in pairs]
    network = residual()
    fit(network, data, replace(ADAMW, ema=decay), 0, epochs.append)
    for name, expected in zip(names, average, strict=True):
        torch.testing.assert_close(floats(network)[name].double(), expected, rtol=1e-4, atol=1e-6)
    assert not torch.equal(floats(network)[names[0]], steps[-1][0])
    # It is what the epochs tell of, and the training goes on from the last weights.
    assert evaluate(network, data, data.val) == (epochs[-1].val_loss, epochs[-1].val_accuracy)
    plain = list[Epoch]()
    fit(residual(), data, ADAMW, 0, plain.append)
    assert [one.train_loss for one in epochs] == [one.train_loss for one in plain]


def test_the_first_steps_are_averaged_evenly() -> None:
    network = nn.Linear(1, 1, bias=False)
    average = Average(network, 0.999)
    for value in (3.0, 5.0, 10.0):
        nn.init.constant_(network.weight, value)
        average.update()
    with average.in_place():
        assert network.weight.item() == pytest.approx(6.0)
    assert network.weight.item() == 10.0


def test_an_average_has_the_running_statistics_too_and_counts_what_was_counted() -> None:
    network = build(NetSpec(widths=(4,), depths=(1,), strides=(1,), in_channels=1, image_size=8))
    average = Average(network, 0.5)
    network.train()
    for _ in range(3):
        network(torch.randn(8, 1, 8, 8))
        average.update()
    (name, *_) = [name for name in network.state_dict() if name.endswith("running_mean")]
    last = network.state_dict()[name].clone()
    average.put()
    state = network.state_dict()
    assert state[name.replace("running_mean", "num_batches_tracked")] == 3
    assert not torch.equal(state[name], last)


def factors(schedule: Any, steps: int) -> list[float]:
    train = TrainSpec(epochs=1, lr=0.2, schedule=schedule)
    optimizer = make_optimizer(linear(), train)
    plan = make_schedule(optimizer, train, steps)
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"] / 0.2)
        optimizer.step()
        plan.step()
    return found


def test_schedules() -> None:
    assert factors("constant", 8) == [1.0] * 8
    assert factors("step", 8) == pytest.approx([1, 1, 1, 1, 0.1, 0.1, 0.01, 0.01])
    rise, fall = factors("warmup_cosine", 100)[:5], factors("warmup_cosine", 100)[5:]
    assert rise == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert fall == pytest.approx([0.5 * (1 + math.cos(math.pi * n / 95)) for n in range(95)])


@pytest.mark.parametrize("schedule", ["constant", "step", "warmup_cosine"])
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_a_schedule_of_few_steps_has_a_rate_for_each(schedule: str, steps: int) -> None:
    assert all(0 <= factor <= 1 for factor in factors(schedule, steps))
    assert factors(schedule, steps)[0] > 0


@pytest.mark.parametrize("schedule", ["one_cycle", "cosine", "constant", "step", "warmup_cosine"])
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_held_rate_stays_zero(schedule: Any, optimizer: Any) -> None:
    network, train = linear(), TrainSpec(epochs=1, schedule=schedule, optimizer=optimizer)
    before = [weight.clone() for weight in network.parameters()]
    rule = make_optimizer(network, train)
    plan = make_schedule(rule, train, 20)
    hold(rule, plan)
    for _ in range(20):
        network(torch.randn(4, 64)).sum().backward()
        rule.step()
        plan.step()
    assert all(map(torch.equal, network.parameters(), before))


# Mixup


MIXUP = TrainSpec(batch_size=10, mixup=0.4, label_smoothing=0.1)


def drawn(train: TrainSpec, count: int = 35, seed: int = 0) -> Draws:
    return draw(count, (8, 8), train, torch.Generator().manual_seed(seed), CPU)


def test_each_whole_batch_is_mixed_with_itself_in_another_order() -> None:
    draws = drawn(MIXUP)
    assert draws.share is not None
    assert draws.partner is not None
    shares = draws.share.reshape(3, 10)
    assert torch.equal(shares, shares[:, :1].expand(3, 10))
    assert len(set(shares[:, 0].tolist())) == 3
    for partners in draws.partner.reshape(3, 10):
        assert sorted(partners.tolist()) == list(range(10))
    batch = torch.arange(10.0).reshape(10, 1, 1, 1).expand(10, 1, 2, 2)
    part = draws.part(10, 20)
    mixed = augment(batch, MIXUP, part)[:, 0, 0, 0]
    assert part.share is not None
    assert part.partner is not None
    share = part.share[0]
    torch.testing.assert_close(mixed, share * torch.arange(10.0) + (1 - share) * part.partner)


def test_the_loss_is_that_of_the_mixed_labels() -> None:
    part, labels = drawn(MIXUP).part(0, 10), torch.arange(10) % 3
    logits = torch.randn(10, 3, generator=torch.Generator().manual_seed(1))
    assert part.share is not None
    assert part.partner is not None
    one_hot = F.one_hot(labels, 3).float()
    soft = part.share[:, None] * one_hot + (1 - part.share[:, None]) * one_hot[part.partner]
    expected = F.cross_entropy(logits, soft, label_smoothing=0.1)
    torch.testing.assert_close(loss_of(logits, labels, MIXUP, part), expected)
    # Mixing moves labels about and makes none: each class keeps its mean.
    torch.testing.assert_close(soft.mean(0), one_hot.mean(0))


@pytest.mark.parametrize("alpha", [0.001, 0.2, 1.0, 1000.0])
def test_shares_are_of_a_beta_distribution(alpha: float) -> None:
    draws = drawn(TrainSpec(batch_size=1, mixup=alpha), 20_000)
    assert draws.share is not None
    share = draws.share.double()
    assert torch.isfinite(share).all()
    assert share.mean() == pytest.approx(0.5, abs=0.02)
    assert share.var() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.05)


def test_mixup_comes_from_the_trials_seed_after_the_other_draws() -> None:
    train = replace(MIXUP, crop_padding=2, flip=True)
    some, same, other = drawn(train), drawn(train), drawn(train, seed=1)
    plain = drawn(replace(train, mixup=0.0))
    assert some.share is not None
    assert same.share is not None
    assert other.share is not None
    assert torch.equal(some.share, same.share)
    assert not torch.equal(some.share, other.share)
    assert some.shift is not None
    assert plain.shift is not None
    assert torch.equal(some.shift, plain.shift)


def test_a_batch_of_all_images_is_mixed(data: Dataset) -> None:
    train = TrainSpec(epochs=2, batch_size=128, mixup=1.0, optimizer="adamw", lr=0.01)
    seen = Counter[str]()
    fit(residual(), data, train, 0, lambda epoch: seen.update([str(epoch.epoch)]))
    assert seen == {"1": 1, "2": 1}
