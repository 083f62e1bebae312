"""The specs: validation, and the content hash that names every trial."""

import json
import math
from dataclasses import dataclass, fields, replace
from typing import Any

import pytest
from hypothesis import assume, given

from ablate.errors import InputError
from ablate.spec.network import NetSpec
from ablate.spec.own import Use
from ablate.spec.recipe import TrainSpec
from ablate.spec.trial import DataSpec, Spec, TrialSpec, content_hash
from ablate.study.trial_json import to_json, trial_from_json
from support import ROOT
from support.specs import trials

GOLDEN = ROOT / "tests" / "golden" / "hashes.json"

# Hashes of released specs: they name rows of published tables, so they never change. The specs
# that spell out every default hold the defaults themselves: were one to change, the old value
# would enter the hash.
NAMED: dict[str, Spec] = {
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
        attention="none",
        se_ratio=0.0625,
        drop_path=0.0,
        dropout=0.0,
        residual_scale=None,
        placement="usual",
        kernel=3,
        dilations=None,
        group_width=None,
        norm_groups=None,
        stem_kernel=None,
        stem_stride=None,
        stem_pool=None,
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
        (NetSpec, {"zero_init": True, "residual_scale": 0}, "zero_init", "neither could leave"),
        (NetSpec, {"residual_scale": math.nan}, "residual_scale", "a number of at most"),
        (NetSpec, {"residual_scale": 0, "shortcut": "none"}, "residual_scale", "nothing would be"),
        (NetSpec, {"placement": "pyramid", "preact": True}, "placement", "both place norm and"),
        (NetSpec, {"placement": "activation_only", "norm": "none"}, "placement", "places a norm"),
        (NetSpec, {"placement": "preact"}, "placement", "one of usual, norm_after_addition"),
        (NetSpec, {"kernel": 4}, "kernel", "one of 3, 5, 7"),
        (NetSpec, {"stem_kernel": 2}, "stem_kernel", "an odd number"),
        (NetSpec, {"stem_stride": 0}, "stem_stride", "a positive number"),
        (NetSpec, {"stem_pool": "avg"}, "stem_pool", "one of max, blur, conv, none"),
        (NetSpec, {"dilations": (1, 2)}, "dilations", "expected 3 values, one for each stage"),
        (NetSpec, {"dilations": (1, 0, 2)}, "dilations", "1 or more"),
        (NetSpec, {"block": ("basic", "plain", "basic")}, "block", "one of basic, bottleneck"),
        (NetSpec, {"block": ("basic", "bottleneck")}, "block", "expected 3 values"),
        (NetSpec, {"shortcut": ("A",) * 4}, "shortcut", "expected 3 values"),
        (NetSpec, {"antialias": (True, False)}, "antialias", "expected 3 values"),
        (NetSpec, {"block": "bottleneck", "groups": (1, 2)}, "groups", "expected 3 values"),
        (NetSpec, {"block": "bottleneck", "groups": (1, 2, 0)}, "groups", "1 or more"),
        (
            NetSpec,
            {"block": ("bottleneck", "basic", "basic"), "groups": (2, 2, 1)},
            "groups",
            "the basic blocks of stage 2 have 1",
        ),
        (NetSpec, {"group_width": 8}, "group_width", "needs block = 'bottleneck'"),
        (
            NetSpec,
            {"block": "bottleneck", "group_width": 5},
            "group_width",
            "does not divide the 16 channels",
        ),
        (
            NetSpec,
            {"block": "bottleneck", "group_width": 8, "groups": 2},
            "group_width",
            "both set the groups",
        ),
        (NetSpec, {"norm_groups": 2}, "norm_groups", "needs norm = 'group'"),
        (NetSpec, {"norm": "group", "norm_groups": 5}, "norm_groups", "a width of 16"),
        (
            NetSpec,
            {"norm": "group", "norm_groups": 4, "head_width": 30},
            "norm_groups",
            "a width of 30",
        ),
        (NetSpec, {"attention": "cbam"}, "attention", "one of none, se, eca"),
        (NetSpec, {"attention": "se", "se_ratio": 0.0}, "se_ratio", "above 0 and at most 1"),
        (NetSpec, {"attention": "eca", "se_ratio": 0.25}, "se_ratio", "needs attention = 'se'"),
        (NetSpec, {"dropout": 1.0}, "dropout", "0 or more, below 1"),
        (NetSpec, {"drop_path": -0.1}, "drop_path", "0 or more, below 1"),
        (NetSpec, {"drop_path": 0.1, "shortcut": "none"}, "drop_path", "without a shortcut"),
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
        (TrainSpec, {"schedule": "steps"}, "schedule", "one of one_cycle, cosine, warmup_cosine"),
        (TrainSpec, {"optimizer": "adam"}, "optimizer", "one of sgd, adamw"),
        (TrainSpec, {"mixup": -0.1}, "mixup", "0.001 to 1000, or 0 for none"),
        (TrainSpec, {"mixup": 1e-9}, "mixup", "0.001 to 1000, or 0 for none"),
        (TrainSpec, {"mixup": math.nan}, "mixup", "0.001 to 1000, or 0 for none"),
        (TrainSpec, {"ema": 1.0}, "ema", "0 or more and below 1"),
        (TrainSpec, {"ema": math.nan}, "ema", "0 or more and below 1"),
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
        NetSpec(block="bottleneck", attention="se", norm="group"),
        {
            "widths": (16, 32, 65),
            "depths": (2, 2, 3),
            "strides": (1, 2, 1),
            "block": ("bottleneck", "basic", "bottleneck"),
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
            "norm": "batch",
            "zero_init": True,
            "attention": "eca",
            "se_ratio": 0.25,
            "drop_path": 0.1,
            "dropout": 0.1,
            "residual_scale": 0.0,
            "placement": "pyramid",
            "kernel": 5,
            "dilations": (1, 1, 2),
            "group_width": 8,
            "norm_groups": 4,
            "stem_kernel": 5,
            "stem_stride": 2,
            "stem_pool": "max",
            "head": Use(use="mine:Head"),
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
            "optimizer": "adamw",
            "mixup": 0.2,
            "ema": 0.99,
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
    # A whole network takes the place of all other fields: tests/networks/test_own.py
    assert set(changes) == {field.name for field in fields(base)} - {"net"} | {"net"} & set(changes)
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
