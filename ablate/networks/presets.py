"""Published networks by name, each of which counts as many parameters as its authors say.

The counts and where they are printed: `tests/golden/counts.json`.
"""

from typing import Any

from ablate.errors import InputError, nearest
from ablate.networks.widths import additive_widths
from ablate.spec.choices import Block
from ablate.spec.network import NetSpec


def preset(name: str) -> NetSpec:
    """The network of that name in `PRESETS`; raises `InputError` with the names there are."""
    if name not in PRESETS:
        raise InputError(
            f"preset = {name!r}: no network has that name{nearest(name.lower(), PRESETS)}: "
            f"expected one of {', '.join(PRESETS)}",
            "preset",
        )
    return PRESETS[name]


def _imagenet(depths: tuple[int, ...], block: Block = "bottleneck", **changes: Any) -> NetSpec:
    """He et al. 2015 (arXiv 1512.03385), table 1, with torchvision's stride in the 3x3."""
    base = {"stem": "imagenet", "stem_width": 64, "num_classes": 1000, "image_size": 224}
    return NetSpec(
        widths=(64, 128, 256, 512),
        depths=depths,
        strides=(1, 2, 2, 2),
        block=block,
        **{**base, **changes},
    )


def _cifar(blocks: int, **changes: Any) -> NetSpec:
    """He et al. 2015, section 4.2: stages of 16, 32 and 64 channels with `blocks` blocks each."""
    return NetSpec(widths=(16, 32, 64), depths=(blocks,) * 3, **changes)


def _wide(depth: int, factor: int) -> NetSpec:
    """WRN-depth-factor (Zagoruyko and Komodakis 2016, arXiv 1605.07146, table 1)."""
    return NetSpec(
        widths=(16 * factor, 32 * factor, 64 * factor),
        depths=((depth - 4) // 6,) * 3,
        preact=True,
        stem_width=16,
    )


def _pyramid(blocks: int, widen: int) -> NetSpec:
    """The widths of an additive PyramidNet (Han et al. 2016, arXiv 1610.02915) on plain blocks.

    Its own block has one norm more and one activation fewer, and pools in the shortcut.
    """
    depths = (blocks,) * 3
    return NetSpec(
        widths=additive_widths(16, widen, depths),
        depths=depths,
        preact=True,
        shortcut="A",
        stem_width=16,
    )


def _resnext_cifar(groups: int) -> NetSpec:
    """ResNeXt-29, groups of 64 channels (Xie et al. 2016, arXiv 1611.05431, section 5.3)."""
    return NetSpec(
        widths=(64, 128, 256), depths=(3, 3, 3), block="bottleneck", groups=groups, stem_width=64
    )


PRESETS: dict[str, NetSpec] = {
    # torchvision's, by torchvision's names.
    "resnet18": _imagenet((2, 2, 2, 2), "basic"),
    "resnet34": _imagenet((3, 4, 6, 3), "basic"),
    "resnet50": _imagenet((3, 4, 6, 3)),
    "resnet101": _imagenet((3, 4, 23, 3)),
    "resnet152": _imagenet((3, 8, 36, 3)),
    "resnext50_32x4d": _imagenet((3, 4, 6, 3), groups=32, width_per_group=4),
    "resnext101_32x8d": _imagenet((3, 4, 23, 3), groups=32, width_per_group=8),
    "resnext101_64x4d": _imagenet((3, 4, 23, 3), groups=64, width_per_group=4),
    "wide_resnet50_2": _imagenet((3, 4, 6, 3), width_per_group=128),
    "wide_resnet101_2": _imagenet((3, 4, 23, 3), width_per_group=128),
    # ResNet-C and -D of He et al. 2018 (arXiv 1812.01187), by timm's names.
    "resnet50c": _imagenet((3, 4, 6, 3), stem="deep"),
    "resnet34d": _imagenet((3, 4, 6, 3), "basic", stem="deep", shortcut="D"),
    "resnet50d": _imagenet((3, 4, 6, 3), stem="deep", shortcut="D"),
    # CIFAR: He et al. 2015, their plain network, and the same with projections.
    "cifar_resnet20": _cifar(3, shortcut="A"),
    "cifar_resnet32": _cifar(5, shortcut="A"),
    "cifar_resnet44": _cifar(7, shortcut="A"),
    "cifar_resnet56": _cifar(9, shortcut="A"),
    "cifar_resnet110": _cifar(18, shortcut="A"),
    "cifar_plain56": _cifar(9, shortcut="none"),
    "cifar_resnet56_projection": _cifar(9),
    "cifar_resnet110_projection": _cifar(18),
    # CIFAR: He et al. 2016 (arXiv 1603.05027).
    "cifar_preresnet110": _cifar(18, preact=True),
    "cifar_preresnet164": _cifar(18, preact=True, block="bottleneck", stem_width=16),
    "cifar_preresnet1001": _cifar(111, preact=True, block="bottleneck", stem_width=16),
    # CIFAR: wide, pyramidal and grouped.
    "wrn_16_4": _wide(16, 4),
    "wrn_16_8": _wide(16, 8),
    "wrn_28_10": _wide(28, 10),
    "wrn_40_4": _wide(40, 4),
    "pyramid_110_a48": _pyramid(18, 48),
    "pyramid_110_a84": _pyramid(18, 84),
    "cifar_resnext29_8x64d": _resnext_cifar(8),
    "cifar_resnext29_16x64d": _resnext_cifar(16),
}
