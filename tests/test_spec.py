"""The specs: width rules, validation, and the content hash that names every trial."""

import doctest
import json
import math
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ablate import spec
from ablate.errors import InputError
from ablate.networks.widths import additive_widths, growth_ratio, shift_growth, stage_widths
from ablate.spec import (
    CHOICES,
    DataSpec,
    NetSpec,
    TrainSpec,
    TrialSpec,
    content_hash,
    to_json,
    trial_from_json,
)
from support import ROOT

GOLDEN = ROOT / "tests" / "golden" / "hashes.json"

# Hashes of released specs: they name rows of published tables, so they never change. The specs
# that spell out every default hold the defaults themselves: were one to change, the old value
# would enter the hash.
NAMED: dict[str, spec.Spec] = {
    "net": NetSpec(),
    "net, constant": NetSpec(widths=(16, 16, 16)),
    "net, widths by block": NetSpec(widths=(16, (20, 24), 32), antialias=True),
    "net, ResNet-50": NetSpec(
        widths=(64, 128, 256, 512),
        depths=(3, 4, 6, 3),
        strides=(1, 2, 2, 2),
        block="bottleneck",
        stem="imagenet",
        num_classes=1000,
        image_size=224,
    ),
    "net, every default spelt out": NetSpec(
        widths=(16, 32, 64),
        depths=(2, 2, 2),
        strides=(1, 2, 2),
        block="basic",
        preact=False,
        expansion=None,
        groups=1,
        width_per_group=64,
        shortcut="B",
        stride_block="first",
        stride_conv="3x3",
        downsample="conv",
        antialias=False,
        stem="cifar",
        stem_width=None,
        head_width=None,
        activation="relu",
        norm="batch",
        zero_init=False,
        num_classes=10,
        in_channels=3,
        image_size=32,
    ),
    "train": TrainSpec(),
    "train, every default spelt out": TrainSpec(
        epochs=30,
        batch_size=128,
        lr=0.1,
        momentum=0.9,
        weight_decay=5e-4,
        schedule="one_cycle",
        crop_padding=0,
        flip=False,
        label_smoothing=0.0,
    ),
    "train, cosine": TrainSpec(schedule="cosine", lr=0.05, flip=True, label_smoothing=0.1),
    "data": DataSpec(),
    "data, every default spelt out": DataSpec(
        name="digits", val_fraction=0.2, test_fraction=0.2, split_seed=0
    ),
    "data, CIFAR-10": DataSpec(name="cifar10", val_fraction=0.1),
    "trial": TrialSpec(net=NetSpec(), train=TrainSpec(), data=DataSpec(), seed=0),
    "trial, digits": TrialSpec(
        net=NetSpec(widths=(4, 8, 16), in_channels=1, image_size=8),
        train=TrainSpec(epochs=20, batch_size=64),
        data=DataSpec(),
        seed=3,
    ),
}

widths = st.integers(1, 300)
fractions = st.floats(0.01, 0.99)


@st.composite
def nets(draw: st.DrawFn) -> NetSpec:
    """Any valid network of up to four stages."""
    depths = tuple(draw(st.lists(st.integers(1, 3), min_size=1, max_size=4)))
    settings: dict[str, Any] = {
        "widths": tuple(
            draw(widths | st.lists(widths, min_size=depth, max_size=depth).map(tuple))
            for depth in depths
        ),
        "depths": depths,
        "strides": tuple(draw(st.integers(1, 4)) for _ in depths),
        "num_classes": draw(st.integers(1, 1000)),
        "stem_width": draw(st.none() | st.integers(2, 64)),
        "head_width": draw(st.none() | widths),
    }
    if draw(st.booleans()):
        settings |= {
            "block": "bottleneck",
            "expansion": draw(st.none() | st.integers(1, 4)),
            "groups": draw(st.integers(1, 32)),
            "width_per_group": draw(st.integers(64, 128)),
            "stride_conv": draw(st.sampled_from(CHOICES["stride_conv"])),
        }
    settings |= {
        name: draw(st.sampled_from(CHOICES[name]))
        for name in ("shortcut", "stride_block", "downsample", "activation", "norm")
    }
    settings["preact"] = draw(st.booleans())
    settings["antialias"] = settings["downsample"] != "avg" and draw(st.booleans())
    may_zero = not settings["preact"] and settings["norm"] != "none"
    settings["zero_init"] = may_zero and draw(st.booleans())
    return NetSpec(**settings)


trains = st.builds(
    TrainSpec,
    epochs=st.integers(1, 1000),
    batch_size=st.integers(1, 1000),
    lr=st.floats(1e-6, 10),
    momentum=st.floats(0, 0.99),
    weight_decay=st.floats(0, 1),
    schedule=st.sampled_from(CHOICES["schedule"]),
    crop_padding=st.integers(0, 8),
    flip=st.booleans(),
    cutout=st.integers(0, 16),
    precision=st.sampled_from(CHOICES["precision"]),
    label_smoothing=st.floats(0, 0.9),
)
datas = st.builds(
    DataSpec,
    name=st.text(),
    val_fraction=fractions,
    test_fraction=fractions,
    split_seed=st.integers(0, 2**32 - 1),
    checksum=st.text("0123456789abcdef"),
    subset=st.floats(0.01, 1),
)
trials = st.builds(TrialSpec, net=nets(), train=trains, data=datas, seed=st.integers(0, 2**63 - 1))


# Width rules


@pytest.mark.parametrize(
    ("base", "growth", "multiple", "expected"),
    [
        (16, "constant", 1, (16, 16, 16, 16)),
        (16, "doubling", 1, (16, 32, 64, 128)),
        (16, "tripling", 1, (16, 48, 144, 432)),
        (16, 1.5, 1, (16, 24, 36, 54)),
        (64, 0.5, 1, (64, 32, 16, 8)),
        (5, 1.5, 1, (5, 8, 11, 17)),  # 7.5 goes up to 8; 11.25 and 16.875 to the nearest
        (1, 2.5, 1, (1, 3, 6, 16)),  # 2.5 goes up to 3, where round-half-even gives 2
        (16, 1.25, 8, (16, 24, 24, 32)),  # 20 is half way between multiples of 8, and goes up
        (4, 0.25, 1, (4, 1, 1, 1)),  # never below one channel
        (2, "constant", 8, (8, 8, 8, 8)),  # never below one multiple
    ],
)
def test_stage_widths(base: int, growth: str | float, multiple: int, expected: Any) -> None:
    assert stage_widths(base, growth, 4, multiple) == expected


@given(
    st.integers(1, 256),
    st.floats(0.25, 4).map(lambda ratio: round(ratio, 2)),
    st.integers(1, 5),
    st.integers(1, 16),
)
def test_stage_widths_are_the_nearest_multiples(
    base: int, growth: float, stages: int, multiple: int
) -> None:
    found = stage_widths(base, growth, stages, multiple)
    assert len(found) == stages
    for stage, width in enumerate(found):
        exact = base * Fraction(growth) ** stage
        assert width >= multiple
        assert width % multiple == 0
        assert width == multiple or abs(width - exact) <= Fraction(multiple, 2) + Fraction(1, 10**6)


def test_growth_ratios_by_name_and_by_number() -> None:
    assert [growth_ratio(name) for name in ("constant", "doubling", "tripling")] == [1, 2, 3]
    assert growth_ratio(1.7) == 1.7


@pytest.mark.parametrize("growth", ["double", "", 0.0, -1.0, math.inf, math.nan])
def test_growth_that_is_none_is_refused(growth: str | float) -> None:
    with pytest.raises(InputError, match=r"growth = .*: expected .*a positive number") as caught:
        growth_ratio(growth)
    assert caught.value.key == "growth"


def test_additive_widths_of_pyramidnet() -> None:
    # 48 more channels over 18 blocks: 2.67 a block, rounded down.
    found = additive_widths(16, 48, (6, 6, 6))
    assert found[0] == (18, 21, 24, 26, 29, 32)
    assert found[-1] == (50, 53, 56, 58, 61, 64)


@given(
    st.integers(1, 128),
    st.integers(0, 512),
    st.lists(st.integers(1, 6), min_size=1, max_size=5).map(tuple),
)
def test_additive_widths_rise_evenly_to_base_plus_widen(
    base: int, widen: int, depths: tuple[int, ...]
) -> None:
    found = additive_widths(base, widen, depths)
    flat = [width for stage in found for width in stage]
    steps = [after - before for before, after in zip([base, *flat], flat, strict=False)]
    assert tuple(map(len, found)) == depths
    assert flat[-1] == base + widen
    assert min(steps) >= 0
    assert max(steps) - min(steps) <= 1


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        (-2, ((32, 32), (64, 64), (64, 64))),
        (-1, ((16, 32), (32, 64), (64, 64))),
        (0, ((16, 16), (32, 32), (64, 64))),
        (1, ((16, 16), (16, 32), (32, 64))),
        (2, ((16, 16), (16, 16), (32, 32))),
    ],
)
def test_shift_growth(blocks: int, expected: Any) -> None:
    assert shift_growth((16, 32, 64), (2, 2, 2), blocks) == expected


@pytest.mark.parametrize("blocks", [-3, 3])
def test_shift_growth_past_the_shortest_stage_is_refused(blocks: int) -> None:
    shift_growth((16, 32, 64), (3, 3, 3), blocks)
    with pytest.raises(InputError, match=f"growth_shift = {blocks}: expected at most 2") as caught:
        shift_growth((16, 32, 64), (3, 2, 3), blocks)
    assert caught.value.key == "growth_shift"


def test_examples_in_docstrings() -> None:
    found = doctest.testmod(spec)
    assert found.attempted >= 2
    assert found.failed == 0


# Networks


def test_blocks_of_a_bottleneck_network() -> None:
    net = NetSpec(
        widths=(64, 128),
        depths=(2, 1),
        strides=(1, 2),
        block="bottleneck",
        groups=32,
        width_per_group=4,
        stem_width=64,
    )
    found = [
        (block.stage, block.index, block.in_width, block.inner_width, block.out_width, block.stride)
        for block in net.blocks()
    ]
    # ResNeXt 32x4d: the first stage's 3x3 has 32 groups of 4 channels.
    assert found == [(0, 0, 64, 128, 256, 1), (0, 1, 256, 128, 256, 1), (1, 0, 256, 256, 512, 2)]
    assert [block.changes_shape for block in net.blocks()] == [True, False, True]


def test_stride_in_the_last_block() -> None:
    net = NetSpec(stride_block="last", strides=(2, 2, 3))
    assert [block.stride for block in net.blocks()] == [1, 2, 1, 2, 1, 3]


def test_widths_at_both_ends() -> None:
    assert (NetSpec().stem_out, NetSpec().features) == (16, 64)
    net = NetSpec(block="bottleneck", stem_width=8, widths=((4, 5), 6, (7, 9)))
    assert (net.stem_out, net.features) == (8, 36)
    assert replace(net, stem_width=None, head_width=100).stem_out == 4
    assert replace(net, head_width=100).features == 100


@given(nets())
def test_blocks_chain_from_the_stem_to_the_head(net: NetSpec) -> None:
    blocks = list(net.blocks())
    assert [block.in_width for block in blocks] == [
        net.stem_out,
        *(block.out_width for block in blocks[:-1]),
    ]
    assert len(blocks) == sum(net.depths)
    assert math.prod(block.stride for block in blocks) == math.prod(net.strides)
    assert net.features == (net.head_width or blocks[-1].out_width)


# Validation


@pytest.mark.parametrize(
    ("kind", "settings", "key", "says"),
    [
        (NetSpec, {"block": "residual"}, "block", "one of basic, bottleneck"),
        (NetSpec, {"shortcut": "E"}, "shortcut", "one of none, A, B, C, D"),
        (NetSpec, {"stem": ""}, "stem", "one of cifar, imagenet, deep"),
        (NetSpec, {"norm": "layer"}, "norm", "one of batch, group, none"),
        (NetSpec, {"widths": ()}, "widths", "at least one stage"),
        (NetSpec, {"widths": (16, 0, 64)}, "widths", "1 channel or more"),
        (NetSpec, {"widths": (16, (32, -1), 64)}, "widths", "1 channel or more"),
        (NetSpec, {"widths": (16, (32,), 64)}, "widths", "stage 2 = (32,): expected 2 values"),
        (NetSpec, {"widths": (16, 32)}, "depths", "expected 2 values"),
        (NetSpec, {"depths": (2, 2)}, "depths", "expected 3 values"),
        (NetSpec, {"depths": (2, 0, 2)}, "depths", "1 or more"),
        (NetSpec, {"strides": (1, 2, 2, 2)}, "strides", "expected 3 values"),
        (NetSpec, {"strides": (0, 2, 2)}, "strides", "1 or more"),
        (NetSpec, {"groups": 2}, "groups", "needs block = 'bottleneck'"),
        (NetSpec, {"width_per_group": 128}, "width_per_group", "needs block = 'bottleneck'"),
        (NetSpec, {"stride_conv": "1x1"}, "stride_conv", "needs block = 'bottleneck'"),
        (NetSpec, {"expansion": 4}, "expansion", "set block = 'bottleneck'"),
        (NetSpec, {"expansion": 0, "block": "bottleneck"}, "expansion", "a positive number"),
        (NetSpec, {"head_width": -1}, "head_width", "a positive number"),
        (NetSpec, {"num_classes": 0}, "num_classes", "a positive number"),
        (
            NetSpec,
            {"block": "bottleneck", "width_per_group": 3},
            "width_per_group",
            "no channel at width 16; expected 4 or more",
        ),
        (NetSpec, {"antialias": True, "downsample": "avg"}, "antialias", "downsample = 'conv'"),
        (NetSpec, {"zero_init": True, "preact": True}, "zero_init", "preact = false"),
        (NetSpec, {"zero_init": True, "norm": "none"}, "zero_init", "norm = 'batch'"),
        (NetSpec, {"stem": "deep", "stem_width": 1}, "stem_width", "2 or more"),
        (TrainSpec, {"epochs": 0}, "epochs", "a positive number"),
        (TrainSpec, {"batch_size": -1}, "batch_size", "a positive number"),
        (TrainSpec, {"lr": 0.0}, "lr", "a positive number"),
        (TrainSpec, {"lr": math.nan}, "lr", "a positive number"),
        (TrainSpec, {"lr": math.inf}, "lr", "a positive number"),
        (TrainSpec, {"momentum": 1.0}, "momentum", "0 or more and below 1"),
        (TrainSpec, {"momentum": math.nan}, "momentum", "0 or more and below 1"),
        (TrainSpec, {"weight_decay": -1e-4}, "weight_decay", "0 or more"),
        (TrainSpec, {"label_smoothing": 1.0}, "label_smoothing", "0 or more and below 1"),
        (TrainSpec, {"crop_padding": -1}, "crop_padding", "0 or more"),
        (TrainSpec, {"cutout": -1}, "cutout", "0 or more"),
        (TrainSpec, {"precision": "float16"}, "precision", "one of float32, bfloat16"),
        (TrainSpec, {"schedule": "step"}, "schedule", "one of one_cycle, cosine"),
        (DataSpec, {"subset": 0.0}, "subset", "above 0 and at most 1"),
        (DataSpec, {"subset": math.nan}, "subset", "above 0 and at most 1"),
        (DataSpec, {"val_fraction": 0.0}, "val_fraction", "between 0 and 1"),
        (DataSpec, {"test_fraction": 1.0}, "test_fraction", "between 0 and 1"),
        (DataSpec, {"val_fraction": math.nan}, "val_fraction", "between 0 and 1"),
    ],
)
def test_what_cannot_be_is_refused(
    kind: Any, settings: dict[str, Any], key: str, says: str
) -> None:
    with pytest.raises(InputError) as caught:
        kind(**settings)
    message = str(caught.value)
    assert caught.value.key == key
    assert says in message
    assert len(message.splitlines()) == 1


# Content hashes


def test_hashes_of_released_specs_never_change() -> None:
    expected = json.loads(GOLDEN.read_text())
    assert {name: content_hash(value) for name, value in NAMED.items()} == expected


def test_a_new_field_at_its_default_renames_nothing() -> None:
    @dataclass(frozen=True, kw_only=True)
    class WithNewAxis(NetSpec):
        new_axis: int = 7

    old = NetSpec(widths=(8, 8, 8))
    assert content_hash(WithNewAxis(widths=(8, 8, 8))) == content_hash(old)
    assert content_hash(WithNewAxis(widths=(8, 8, 8), new_axis=8)) != content_hash(old)


CHANGES: list[tuple[Any, dict[str, Any]]] = [
    (
        NetSpec(block="bottleneck"),
        {
            "widths": (16, 32, 65),
            "depths": (2, 2, 3),
            "strides": (1, 2, 1),
            "block": "basic",
            "preact": True,
            "expansion": 2,
            "groups": 2,
            "width_per_group": 128,
            "shortcut": "A",
            "stride_block": "last",
            "stride_conv": "1x1",
            "downsample": "max",
            "antialias": True,
            "stem": "imagenet",
            "stem_width": 8,
            "head_width": 64,
            "activation": "gelu",
            "norm": "group",
            "zero_init": True,
            "num_classes": 100,
            "in_channels": 1,
            "image_size": 28,
        },
    ),
    (
        TrainSpec(),
        {
            "epochs": 31,
            "batch_size": 64,
            "lr": 0.2,
            "momentum": 0.8,
            "weight_decay": 0.0,
            "schedule": "cosine",
            "crop_padding": 4,
            "flip": True,
            "cutout": 8,
            "label_smoothing": 0.1,
            "precision": "bfloat16",
        },
    ),
    (
        DataSpec(),
        {
            "name": "cifar10",
            "val_fraction": 0.1,
            "test_fraction": 0.1,
            "split_seed": 1,
            "checksum": "0f",
            "subset": 0.5,
        },
    ),
    (
        TrialSpec(net=NetSpec(), train=TrainSpec(), data=DataSpec(), seed=0),
        {
            "net": NetSpec(norm="group"),
            "train": TrainSpec(epochs=1),
            "data": DataSpec(name="svhn"),
            "seed": 1,
        },
    ),
]


@pytest.mark.parametrize(("base", "changes"), CHANGES, ids=lambda value: type(value).__name__)
def test_every_field_enters_the_hash(base: Any, changes: dict[str, Any]) -> None:
    assert set(changes) == {field.name for field in fields(base)}
    changed = [replace(base, **{name: value}) for name, value in changes.items()]
    assert len({content_hash(value) for value in [base, *changed]}) == len(changes) + 1


@given(trials, trials)
def test_different_specs_have_different_hashes(one: TrialSpec, other: TrialSpec) -> None:
    assert len(one.key) == 16
    assert int(one.key, 16) >= 0
    assert one.key == content_hash(replace(one))
    assume(one != other)
    assert one.key != other.key
    assert (one.net == other.net) == (content_hash(one.net) == content_hash(other.net))


@given(trials)
def test_a_trial_survives_json(trial: TrialSpec) -> None:
    text = to_json(trial)
    back = trial_from_json(text)
    assert len(text.splitlines()) == 1
    assert back == trial
    assert back.key == trial.key
    assert hash(back.net) == hash(trial.net)  # tuples, not lists
