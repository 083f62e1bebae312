"""Random specs of trials."""

from typing import Any

from hypothesis import strategies as st

from ablate.spec.choices import CHOICES
from ablate.spec.network import NetSpec
from ablate.spec.recipe import TrainSpec
from ablate.spec.trial import DataSpec, TrialSpec

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
        for name in ("shortcut", "stride_block", "downsample", "activation", "norm", "attention")
    }
    if settings["attention"] == "se":
        settings["se_ratio"] = draw(st.floats(0.01, 1))
    settings["dropout"] = draw(fractions)
    if settings["shortcut"] != "none":
        settings["drop_path"] = draw(fractions)
    settings["preact"] = draw(st.booleans())
    settings["antialias"] = settings["downsample"] != "avg" and draw(st.booleans())
    settings["zero_init"] = draw(st.booleans())
    settings["kernel"] = draw(st.sampled_from([3, 5, 7]))
    settings["dilations"] = draw(st.none() | st.tuples(*[st.integers(1, 4)] * len(depths)))
    settings["stem_kernel"] = draw(st.none() | st.sampled_from([3, 5]))
    settings["stem_stride"] = draw(st.none() | st.integers(1, 4))
    settings["stem_pool"] = draw(st.none() | st.sampled_from(CHOICES["stem_pool"]))
    if settings["norm"] == "group":
        settings["norm_groups"] = draw(st.none() | st.just(1))
    if not settings["preact"] and settings["norm"] != "none":
        settings["placement"] = draw(st.sampled_from(CHOICES["placement"]))
    settings["residual_scale"] = draw(st.none() | st.floats(0.1, 2))
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
    optimizer=st.sampled_from(CHOICES["optimizer"]),
    mixup=st.just(0.0) | st.floats(1e-3, 1e3),
    ema=st.floats(0, 0.9999),
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
