"""Shift, mirror, cutout and mixup: drawn for an epoch, applied batch by batch on the device."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ablate.spec.recipe import TrainSpec


@dataclass(frozen=True)
class Draws:
    """What augmentation does to each of N images; None for what the recipe leaves out.

    Args:
        shift: (2, N) int64, from 0 to twice the padding: rows and columns cut off a padded image.
        mirror: (N,) bool.
        cutout: (2, N) int64, row and column of the centre of the square.
        share: (N,) float32, how much of a mixed image is itself; the same in all of a batch.
        partner: (N,) int64, the place in its batch of the image that it is mixed with.
    """

    shift: Tensor | None = None
    mirror: Tensor | None = None
    cutout: Tensor | None = None
    share: Tensor | None = None
    partner: Tensor | None = None

    def part(self, start: int, stop: int) -> "Draws":
        """Those of the images from `start` to before `stop`."""
        return Draws(
            *(
                None if drawn is None else drawn[..., start:stop]
                for drawn in (self.shift, self.mirror, self.cutout, self.share, self.partner)
            )
        )


def draw(
    count: int,
    size: tuple[int, int],
    train: TrainSpec,
    generator: torch.Generator,
    device: torch.device,
) -> Draws:
    """Draw the augmentation of an epoch, so that no step has to send anything to the device.

    Args:
        count: images in the epoch.
        size: their height and width.
        train: the recipe.
        generator: on the CPU, so that every device gets the same.
        device: where the draws are wanted.
    """
    shift = mirror = cutout = share = partner = None
    if train.crop_padding:
        shift = torch.randint(2 * train.crop_padding + 1, (2, count), generator=generator)
        shift = shift.to(device)
    if train.flip:
        mirror = (torch.rand(count, generator=generator) < 0.5).to(device)
    if train.cutout:
        centres = [torch.randint(side, (count,), generator=generator) for side in size]
        cutout = torch.stack(centres).to(device)
    if train.mixup:
        share, partner = (own.to(device) for own in _draw_mixup(count, train, generator))
    return Draws(shift, mirror, cutout, share, partner)


def _draw_mixup(count: int, train: TrainSpec, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Shares and partners of the images in the whole batches of an epoch, on the CPU.

    torch draws from a Beta distribution with its global generator only, so numpy's draws with a
    seed from ours.
    """
    batches = count // train.batch_size
    seed = int(torch.randint(2**63 - 1, (), generator=generator))
    shares = np.random.default_rng(seed).beta(train.mixup, train.mixup, batches)
    orders = [torch.randperm(train.batch_size, generator=generator) for _ in range(batches)]
    share = torch.from_numpy(shares).float().repeat_interleave(train.batch_size)
    return share, torch.cat(orders)


def augment(batch: Tensor, train: TrainSpec, draws: Draws) -> Tensor:
    """A normalised batch (N, C, H, W), shifted, mirrored, cut and mixed as drawn for its images."""
    if draws.shift is not None:
        batch = _shift(batch, train.crop_padding, draws.shift)
    if draws.mirror is not None:
        batch = torch.where(draws.mirror[:, None, None, None], batch.flip(3), batch)
    if draws.cutout is not None:
        batch = _cut_out(batch, train.cutout, draws.cutout)
    if draws.share is not None and draws.partner is not None:
        batch = torch.lerp(batch[draws.partner], batch, draws.share[:, None, None, None])
    return batch


def _shift(batch: Tensor, padding: int, shift: Tensor) -> Tensor:
    """Each image cut out of its zero-padded self, `shift` pixels from the top left."""
    count, _, height, width = batch.shape
    windows = F.pad(batch, (padding,) * 4).unfold(2, height, 1).unfold(3, width, 1)
    return windows[torch.arange(count, device=batch.device), :, shift[0], shift[1]]


def _cut_out(batch: Tensor, side: int, centre: Tensor) -> Tensor:
    """A square of zeros, which are the mean, about a pixel of each image."""
    inside = []
    for middle, length in zip(centre, batch.shape[2:], strict=True):
        offset = torch.arange(length, device=batch.device) - (middle[:, None] - side // 2)
        inside.append((offset >= 0) & (offset < side))
    rows, columns = inside
    return batch.masked_fill(rows[:, None, :, None] & columns[:, None, None, :], 0.0)
