"""A residual branch of one's own, for `examples/se_block.toml`."""

from torch import nn


class Gate(nn.Sequential):
    """Weighs each channel by what the whole image shows (Hu et al. 2017, arXiv 1709.01507)."""

    def forward(self, x):  # noqa: D102
        return x * super().forward(x)


class SEBasic(nn.Sequential):
    """Two 3x3 convolutions and a squeeze-and-excite gate."""

    def __init__(self, in_width, out_width, stride, norm, activation, reduction=4):
        squeezed = max(1, out_width // reduction)
        squeeze = nn.AdaptiveAvgPool2d(1), nn.Conv2d(out_width, squeezed, 1), activation()
        excite = nn.Conv2d(squeezed, out_width, 1), nn.Sigmoid()
        first = nn.Conv2d(in_width, out_width, 3, stride, 1, bias=False), norm(out_width)
        second = nn.Conv2d(out_width, out_width, 3, 1, 1, bias=False), norm(out_width)
        super().__init__(*first, activation(), *second, Gate(*squeeze, *excite))
