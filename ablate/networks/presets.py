"""Published networks by name, each of which counts as many parameters as its authors say.

The counts and where they are printed: `tests/golden/counts.json`.
"""

from typing import Any

from ablate.errors import InputError, nearest
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
    """An additive PyramidNet (Han et al. 2016, arXiv 1610.02915, eq. 2 and fig. 6d).

    Its authors round the width of each block to the nearest number, an even one of two.
    """
    widths, width = [], 16.0
    for _ in range(3 * blocks):
        width += widen / (3 * blocks)
        widths.append(round(width))
    return NetSpec(
        widths=tuple(tuple(widths[stage * blocks : (stage + 1) * blocks]) for stage in range(3)),
        depths=(blocks,) * 3,
        placement="pyramid",
        shortcut="P",
        stem_width=16,
    )


def _resnet_rs(depths: tuple[int, ...], image_size: int) -> NetSpec:
    """ResNet-RS (Bello et al. 2021, arXiv 2103.07579, section 4.3)."""
    return _imagenet(
        depths,
        stem="deep",
        stem_pool="conv",
        shortcut="D",
        attention="se",
        se_ratio=0.25,
        image_size=image_size,
    )


def _regnet_x(
    widths: tuple[int, int, int, int], depths: tuple[int, int, int, int], group_width: int
) -> NetSpec:
    """RegNetX (Radosavovic et al. 2020, arXiv 2003.13678, table 3)."""
    return NetSpec(
        widths=widths,
        depths=depths,
        strides=(2, 2, 2, 2),
        block="bottleneck",
        expansion=1,
        group_width=group_width,
        stem_stride=2,
        stem_width=32,
        num_classes=1000,
        image_size=224,
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
    # Squeeze and excite (Hu et al. 2017, arXiv 1709.01507), by timm's names.
    "seresnet50": _imagenet((3, 4, 6, 3), attention="se"),
    "seresnet101": _imagenet((3, 4, 23, 3), attention="se"),
    "seresnet152": _imagenet((3, 8, 36, 3), attention="se"),
    # ResNet-RS, by timm's names, at the image sizes of its authors' table 7.
    "resnetrs50": _resnet_rs((3, 4, 6, 3), 160),
    "resnetrs101": _resnet_rs((3, 4, 23, 3), 192),
    "resnetrs152": _resnet_rs((3, 8, 36, 3), 256),
    "resnetrs200": _resnet_rs((3, 24, 36, 3), 256),
    "resnetrs270": _resnet_rs((4, 29, 53, 4), 256),
    "resnetrs350": _resnet_rs((4, 36, 72, 4), 288),
    "resnetrs420": _resnet_rs((4, 44, 87, 4), 320),
    # RegNetX, by the names of pycls.
    "regnetx_200mf": _regnet_x((24, 56, 152, 368), (1, 1, 4, 7), 8),
    "regnetx_400mf": _regnet_x((32, 64, 160, 384), (1, 2, 7, 12), 16),
    "regnetx_600mf": _regnet_x((48, 96, 240, 528), (1, 3, 5, 7), 24),
    "regnetx_800mf": _regnet_x((64, 128, 288, 672), (1, 3, 7, 5), 16),
    "regnetx_1.6gf": _regnet_x((72, 168, 408, 912), (2, 4, 10, 2), 24),
    "regnetx_3.2gf": _regnet_x((96, 192, 432, 1008), (2, 6, 15, 2), 48),
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
