"""What the arithmetic alone allows: operations of a training step, and how fast matmuls run."""

import time

import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from ablate.networks.model import build
from ablate.spec.network import NetSpec

SIDES = {"cpu": (256, 512, 1024, 2048), "cuda": (2048, 4096, 8192)}
REPEATS = 5


def step_flops(net: NetSpec) -> int:
    """Operations of a training step for one image: forward and backward, two a MAC.

    Of convolutions and linear layers alone; the image itself gets no gradient.
    """
    images = torch.empty(2, net.in_channels, net.image_size, net.image_size, device="meta")
    labels = torch.empty(2, dtype=torch.int64, device="meta")
    with torch.device("meta"):
        network = build(net)
    with FlopCounterMode(display=False) as counter:
        F.cross_entropy(network(images), labels).backward()  # type: ignore[no-untyped-call]
    return int(counter.get_total_flops()) // len(images)


def matmul_seconds(device: torch.device) -> float:
    """Seconds an operation of square float32 matmuls: the median of each size, the best of them.

    On CUDA as cuDNN runs the convolutions: in TF32, unless that is switched off.
    """
    before = torch.get_float32_matmul_precision()
    if device.type == "cuda" and torch.backends.cudnn.allow_tf32:
        torch.set_float32_matmul_precision("high")
    try:
        return min(_matmul_seconds(side, device) for side in SIDES[device.type])
    finally:
        torch.set_float32_matmul_precision(before)


def _matmul_seconds(side: int, device: torch.device) -> float:
    left, right = torch.randn(2, side, side, device=device).unbind()
    out = torch.empty_like(left)
    times = []
    for _ in range(1 + REPEATS):
        finish(device)
        start = time.perf_counter()
        torch.matmul(left, right, out=out)
        finish(device)
        times.append(time.perf_counter() - start)
    return float(np.median(times[1:])) / (2 * side**3)


def finish(device: torch.device) -> None:
    """Wait for what the device still does."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
