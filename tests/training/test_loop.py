"""The training loop run in every way: exploding, in bfloat16, in each layout, in place, compiled.

What `test_learning.py` holds of the plain loop is not said again here.
"""

import copy
import math
import re
import shutil
import types
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch._dynamo
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook
from torch.optim.optimizer import register_optimizer_step_pre_hook

from ablate.data.dataset import Dataset, Images
from ablate.networks.model import Block, build
from ablate.spec.choices import CHOICES
from ablate.spec.network import NetSpec
from ablate.spec.recipe import TrainSpec
from ablate.spec.trial import DataSpec, TrialSpec
from ablate.training.execution import Execution, place, set_up
from ablate.training.loop import GRADIENT_LIMIT, DivergedError, Epoch, StoppedError, evaluate, fit
from ablate.training.trial import run_trial

pytestmark = pytest.mark.usefixtures("one_thread")

NET = NetSpec(widths=(8, 16), depths=(1, 1), strides=(1, 2), in_channels=1, image_size=8)
COMPILER = shutil.which("g++") or shutil.which("clang++")
COMPILED = Execution(compiled=True)


@pytest.fixture(scope="module")
def few(digits: Dataset) -> Dataset:
    """Digits with 128 training, 40 validation and 40 test images."""
    return replace(
        digits,
        train=first(digits.train, 128),
        val=first(digits.val, 40),
        test=first(digits.test, 40),
    )


@pytest.fixture
def fresh_compiler() -> Iterator[None]:
    """Nothing compiled before, and nothing left of it."""
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def first(images: Images, count: int) -> Images:
    return Images(images.images[:count], images.labels[:count])


def network_of(net: NetSpec = NET, execution: Execution | None = None) -> nn.Module:
    """A network that always starts from the same weights."""
    torch.manual_seed(0)
    return place(build(net), execution or Execution())


def epochs_of(
    network: nn.Module, data: Dataset, train: TrainSpec, checkpoint: Path | None = None
) -> list[Epoch]:
    """Train, and what each epoch gave, but for its time."""
    told: list[Epoch] = []
    fit(network, data, train, 0, told.append, checkpoint)
    return [replace(epoch, seconds=0) for epoch in told]


def norm_of(gradients: Any) -> float:
    return math.sqrt(sum(float(gradient.double().square().sum()) for gradient in gradients))


# Gradients that explode


def silent() -> nn.Module:
    """A linear network with weights of zero: its gradient is in proportion to the pixels."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 10, bias=False))
    nn.init.zeros_(network[1].weight)
    return network


def magnified(data: Dataset, norm: float) -> Dataset:
    """The data in such units that the gradient of `silent`, of all images, has this norm."""
    pixels = data.train.images.double().flatten(1)
    miss = 0.1 - F.one_hot(data.train.labels, 10).double()  # softmax of zeros, less the label
    own = (miss.T @ pixels / len(pixels)).norm()
    return replace(data, mean=torch.zeros(1, 1, 1, 1), std=(own / norm).float().view(1, 1, 1, 1))


def test_a_gradient_that_explodes_is_an_error_while_the_loss_is_finite(few: Dataset) -> None:
    recipe = TrainSpec(epochs=2, batch_size=128, lr=1e-30)
    with pytest.raises(DivergedError) as caught:
        epochs_of(silent(), magnified(few, 1.25 * GRADIENT_LIMIT), recipe)
    # ln 10 of ten classes that are alike, and the norm that was set
    assert str(caught.value) == "loss 2.30259, gradient 1.25e+06 in epoch 1"


def test_a_gradient_just_below_the_limit_is_none(few: Dataset) -> None:
    recipe = TrainSpec(epochs=2, batch_size=128, lr=1e-30)
    epochs = epochs_of(silent(), magnified(few, 0.99 * GRADIENT_LIMIT), recipe)
    assert [epoch.grad_norm for epoch in epochs] == pytest.approx([0.99 * GRADIENT_LIMIT] * 2)


def test_a_trial_that_explodes_has_diverged_and_keeps_the_epochs_before(few: Dataset) -> None:
    """Weights that grow from epoch to epoch, as a rate far too high makes them."""
    recipe = TrainSpec(epochs=40, batch_size=64, lr=3.0, schedule="cosine", momentum=0.99)
    net = replace(NET, norm="none")
    outcome = run_trial(TrialSpec(net=net, train=recipe, data=DataSpec(), seed=0), few, Execution())
    assert outcome.row["state"] == "diverged"
    assert outcome.epochs
    number = len(outcome.epochs) + 1
    assert re.fullmatch(rf"loss \S+, gradient \S+ in epoch {number}", outcome.row["failure"]), (
        outcome.row["failure"]
    )
    assert all(epoch["grad_norm"] <= GRADIENT_LIMIT for epoch in outcome.epochs)


def test_the_norm_is_that_of_the_gradient_of_all_parameters(few: Dataset) -> None:
    network, recipe = network_of(), TrainSpec(epochs=1, batch_size=128)
    twin = copy.deepcopy(network).train()
    order = torch.randperm(128, generator=torch.Generator().manual_seed(0))
    images, labels = few.train.images[order], few.train.labels[order]
    loss = F.cross_entropy(twin((images.float() - few.mean) / few.std), labels)
    gradients = torch.autograd.grad(loss, list(twin.parameters()))
    (epoch,) = epochs_of(network, few, recipe)
    assert epoch.grad_norm == pytest.approx(norm_of(gradients), rel=1e-5)
    assert epoch.train_loss == pytest.approx(loss.item(), rel=1e-5)


def test_the_norm_is_that_of_the_last_step_of_the_epoch(few: Dataset) -> None:
    norms: list[float] = []
    handle = register_optimizer_step_pre_hook(
        lambda optimizer, args, kwargs: norms.append(
            norm_of(weight.grad for weight in optimizer.param_groups[0]["params"])
        )
    )
    try:
        epochs = epochs_of(network_of(), few, TrainSpec(epochs=2, batch_size=30))
    finally:
        handle.remove()
    assert len(norms) == 2 * 4
    assert [epoch.grad_norm for epoch in epochs] == pytest.approx([norms[3], norms[7]], rel=1e-5)


# Precision


def test_bfloat16_learns_as_float32_does_by_other_numbers(digits: Dataset) -> None:
    recipe = TrainSpec(epochs=6, batch_size=64)
    ends, networks = {}, {}
    for precision in ("float32", "bfloat16"):
        networks[precision] = network_of(replace(NET, widths=(4, 8)))
        ends[precision] = epochs_of(
            networks[precision], digits, replace(recipe, precision=precision)
        )[-1]
    plain, short = ends["float32"], ends["bfloat16"]
    assert plain.val_accuracy > 0.8
    assert short.val_accuracy == pytest.approx(plain.val_accuracy, abs=0.08)
    assert short.train_loss != plain.train_loss
    assert short.train_loss == pytest.approx(plain.train_loss, rel=0.2)
    kept = [*networks["bfloat16"].parameters(), *networks["bfloat16"].buffers()]
    assert {tensor.dtype for tensor in kept} == {torch.float32, torch.int64}  # batches are counted
    gradients = {weight.grad.dtype for weight in networks["bfloat16"].parameters()}
    assert gradients == {torch.float32}


@pytest.mark.parametrize(
    ("precision", "dtype"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)]
)
def test_the_precision_holds_in_training_and_evaluation(
    few: Dataset, precision: Any, dtype: torch.dtype
) -> None:
    seen: dict[bool, set[torch.dtype]] = {True: set(), False: set()}

    def look(module: nn.Module, _: object, output: Tensor) -> None:
        if isinstance(module, nn.Conv2d):
            seen[module.training].add(output.dtype)

    handle = register_module_forward_hook(look)
    try:
        epochs_of(network_of(), few, TrainSpec(epochs=1, batch_size=32, precision=precision))
    finally:
        handle.remove()
    assert seen == {True: {dtype}, False: {dtype}}


def test_a_bfloat16_loss_is_summed_in_float32(few: Dataset) -> None:
    """8 bits cannot count to 10,000 nats one by one."""
    network = silent()
    many = Images(few.val.images.repeat(100, 1, 1, 1), few.val.labels.repeat(100))
    assert evaluate(network, few, many, "bfloat16")[0] == pytest.approx(math.log(10), rel=1e-6)


# Layout


def test_both_layouts_train_alike(few: Dataset) -> None:
    recipe, told = TrainSpec(epochs=2, batch_size=32), {}
    for channels_last in (False, True):
        network = network_of(execution=Execution(channels_last=channels_last))
        told[channels_last] = epochs_of(network, few, recipe)
        weight = network.stages[1][0].branch.conv2.weight
        assert weight.is_contiguous(memory_format=torch.channels_last) == channels_last
        assert weight.grad.is_contiguous(memory_format=torch.channels_last) == channels_last
    for plain, last in zip(told[False], told[True], strict=True):
        assert last.train_loss == pytest.approx(plain.train_loss, rel=1e-4)
        assert last.val_loss == pytest.approx(plain.val_loss, rel=1e-3)
        assert last.grad_norm == pytest.approx(plain.grad_norm, rel=1e-3)


class Killed(Exception):  # noqa: N818 - not an error, a kill
    """Stands for the end of the process."""


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_channels_last_killed_at_each_epoch_ends_with_the_same_weights(
    few: Dataset, tmp_path: Path, precision: Any
) -> None:
    recipe = TrainSpec(epochs=3, batch_size=32, crop_padding=1, flip=True, precision=precision)
    execution = Execution(channels_last=True)
    whole = network_of(execution=execution)
    expected = epochs_of(whole, few, recipe)

    for last in (1, 2):

        def kill(epoch: Epoch, last: int = last) -> None:
            if epoch.epoch == last:
                raise Killed

        with pytest.raises(Killed):
            fit(network_of(execution=execution), few, recipe, 0, kill, tmp_path / "trial.pt")
    resumed = network_of(execution=execution)
    assert epochs_of(resumed, few, recipe, tmp_path / "trial.pt") == expected
    state = resumed.state_dict()
    assert all(torch.equal(state[name], value) for name, value in whole.state_dict().items())


@pytest.mark.parametrize("changes", [{"dropout": 0.3}, {"drop_path": 0.5}], ids=str)
def test_what_is_dropped_goes_on_where_it_was(
    few: Dataset, tmp_path: Path, changes: dict[str, Any]
) -> None:
    net, recipe = replace(NET, **changes), TrainSpec(epochs=2, batch_size=32)
    whole = network_of(net)
    expected = epochs_of(whole, few, recipe)
    asked = iter([False] * 5 + [True])  # stops in the second epoch, after its first step
    with pytest.raises(StoppedError):
        fit(network_of(net), few, recipe, 0, lambda _: None, tmp_path / "t", lambda: next(asked))
    torch.manual_seed(99)
    torch.rand(7)
    resumed = network_of(net)
    assert epochs_of(resumed, few, recipe, tmp_path / "t") == expected
    state = resumed.state_dict()
    assert all(torch.equal(state[name], value) for name, value in whole.state_dict().items())


# In place


def out_of_place(network: nn.Module) -> nn.Module:
    """A copy that overwrites nothing: what the networks were, and what a paper's drawing says."""

    def forward(block: Block, x: Tensor) -> Tensor:
        h = x if block.preact is None else block.preact(x)
        out: Tensor = block.branch(h)
        if block.shortcut is not None:
            out = out + block.shortcut(h if block.projects else x)
        return out if block.act is None else block.act(out)

    twin = copy.deepcopy(network)
    for module in twin.modules():
        if isinstance(module, Block):
            module.forward = types.MethodType(forward, module)
        if hasattr(module, "inplace"):
            module.inplace = False
    return twin


def passed(network: nn.Module, images: Tensor, labels: Tensor, precision: str) -> list[Tensor]:
    """Logits, the gradients of images and parameters, and the buffers after a training step."""
    images = images.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
        logits = network.train()(images)
        loss = F.cross_entropy(logits, labels)
    gradients = torch.autograd.grad(loss, [images, *network.parameters()])
    return [logits.detach(), *gradients, *network.buffers()]


def assert_same_as_out_of_place(net: NetSpec, precision: str = "float32") -> bool:
    """Compare to the bit, and say whether there was an activation in place."""
    torch.manual_seed(0)
    network = build(net)
    twin = out_of_place(network)
    images = torch.randn(4, net.in_channels, net.image_size, net.image_size)
    labels = torch.randint(net.num_classes, (4,))
    found = passed(network, images, labels, precision)
    expected = passed(twin, images, labels, precision)
    assert all(torch.equal(*both) for both in zip(found, expected, strict=True))
    assert any(gradient.abs().sum() > 0 for gradient in found[2:])
    return any(getattr(module, "inplace", False) for module in network.modules())


SMALL = replace(NET, widths=(4, 8), depths=(2, 2))


@pytest.mark.parametrize("preact", [False, True])
@pytest.mark.parametrize("norm", CHOICES["norm"])
@pytest.mark.parametrize("shortcut", CHOICES["shortcut"])
def test_what_is_overwritten_is_needed_by_no_gradient(
    shortcut: Any, norm: Any, preact: bool
) -> None:
    for activation in CHOICES["activation"]:
        net = replace(SMALL, shortcut=shortcut, norm=norm, preact=preact, activation=activation)
        assert assert_same_as_out_of_place(net) == net.acts_in_place
        assert net.acts_in_place == (
            activation in ("relu", "leaky_relu") and not (preact and norm == "none")
        )


@pytest.mark.parametrize(
    "changes",
    [
        {"block": "bottleneck", "expansion": 2, "groups": 2},
        {"block": "bottleneck", "stride_conv": "1x1", "preact": True, "shortcut": "C"},
        {"stem": "deep", "downsample": "max", "antialias": True, "image_size": 16},
        {"stem": "imagenet", "downsample": "avg", "shortcut": "D", "image_size": 16},
        {"antialias": True, "shortcut": "A", "preact": True},
        {"head_width": 6, "zero_init": True},
        {"head_width": 6, "norm": "none", "stem": "imagenet", "image_size": 16},
        {"stride_block": "last", "shortcut": "none", "norm": "none"},
    ],
    ids=str,
)
def test_nor_anywhere_else_in_a_network(changes: dict[str, Any]) -> None:
    for activation in ("relu", "leaky_relu"):
        assert assert_same_as_out_of_place(replace(SMALL, activation=activation, **changes))


@pytest.mark.parametrize("preact", [False, True])
@pytest.mark.parametrize("norm", CHOICES["norm"])
def test_nor_in_bfloat16(norm: Any, preact: bool) -> None:
    for shortcut in CHOICES["shortcut"]:
        net = replace(SMALL, shortcut=shortcut, norm=norm, preact=preact)
        assert_same_as_out_of_place(net, "bfloat16")


def test_what_the_shortcut_still_reads_would_be_seen() -> None:
    """Without norms, a pre-activation in place spoils the shortcut: the comparison can fail."""
    torch.manual_seed(0)
    network = build(replace(SMALL, norm="none", preact=True))
    twin = out_of_place(network)
    for module in network.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = True
    images, labels = torch.randn(4, 1, 8, 8), torch.randint(10, (4,))
    found, expected = (passed(each, images, labels, "float32") for each in (network, twin))
    assert not torch.equal(found[0], expected[0])


# Compiled


@pytest.mark.skipif(COMPILER is None, reason="torch.compile needs g++ or clang++")
@pytest.mark.usefixtures("fresh_compiler")
@pytest.mark.long
def test_a_compiled_network_trains_as_one_that_is_not(few: Dataset) -> None:
    from torch._inductor import config

    recipe = TrainSpec(epochs=1, batch_size=32)
    net = replace(NET, widths=(4,), depths=(1,), strides=(1,))
    (plain,) = epochs_of(network_of(net), few, recipe)
    network = network_of(net, COMPILED)
    with config.patch(compile_threads=1):  # no processes of the compiler's own
        (compiled,) = epochs_of(network, few, recipe)
    assert compiled.train_loss == pytest.approx(plain.train_loss, rel=1e-3)
    assert compiled.val_loss == pytest.approx(plain.val_loss, rel=1e-2)
    assert compiled.grad_norm == pytest.approx(plain.grad_norm, rel=1e-2)


@pytest.mark.usefixtures("fresh_compiler", "torch_as_it_was")
def test_every_trial_of_a_process_is_compiled_not_the_first_few_alone(
    few: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker trains one network after another; torch stops at 8 variants of one `forward`."""
    graphs: list[torch.fx.GraphModule] = []

    def backend(graph: torch.fx.GraphModule, _: object) -> Callable[..., Any]:
        graphs.append(graph)
        return graph.forward

    real = nn.Module.compile
    monkeypatch.setattr(nn.Module, "compile", lambda self, **_: real(self, backend=backend))
    set_up(COMPILED)
    compiled = []
    for width in range(1, 10):
        net = NetSpec(widths=(width,), depths=(1,), strides=(1,), in_channels=1, image_size=8)
        trial = TrialSpec(
            net=net, train=TrainSpec(epochs=1, batch_size=64), data=DataSpec(), seed=0
        )
        before = len(graphs)
        row = run_trial(trial, few, COMPILED).row
        assert (row["state"], row["compiled"]) == ("complete", True), row
        compiled.append(len(graphs) - before)
    assert min(compiled) >= 2, compiled  # for training and for evaluation


# Deterministic


@pytest.mark.usefixtures("torch_as_it_was")
def test_a_deterministic_trial_trains(few: Dataset) -> None:
    execution = Execution(deterministic=True)
    trial = TrialSpec(
        net=replace(NET, shortcut="D", downsample="max", antialias=True),
        train=TrainSpec(epochs=2, batch_size=32, crop_padding=1, flip=True, cutout=2),
        data=DataSpec(),
        seed=0,
    )
    set_up(Execution())
    free = run_trial(trial, few, Execution())
    set_up(execution)
    held = run_trial(trial, few, execution)
    assert held.row["state"] == "complete", held.row
    assert held.row["deterministic"] is True
    assert free.row["deterministic"] is False
    assert held.epochs[0]["train_loss"] > held.epochs[1]["train_loss"]
    assert held.row["test_accuracy"] == free.row["test_accuracy"]
