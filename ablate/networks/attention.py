"""Modules that weigh the channels of a feature map by their averages over the image."""

import torch
from torch import Tensor, nn


class SqueezeExcite(nn.Module):
    """Two 1x1 convolutions of the averages, and a sigmoid (Hu et al. 2017, arXiv 1709.01507)."""

    def __init__(self, width: int, squeezed: int, act: nn.Module) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(width, squeezed, 1)
        self.act = act
        self.excite = nn.Conv2d(squeezed, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same shape."""
        weights: Tensor = self.excite(self.act(self.squeeze(x.mean((2, 3), keepdim=True))))
        return x * torch.sigmoid(weights)


class ChannelAttention(nn.Module):
    """A convolution along the averages, and a sigmoid (ECA, Wang et al. 2019, arXiv 1910.03151)."""

    def __init__(self, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, 1, kernel, padding=kernel // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same shape."""
        weights: Tensor = self.conv(x.mean((2, 3)).unsqueeze(1))
        return x * torch.sigmoid(weights).reshape(*x.shape[:2], 1, 1)
