"""A dataset as uint8 tensors in memory: read, split once and for all, augmented by the batch."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ablate.datasets import DatasetInfo, dataset_info
from ablate.spec import DataSpec, InputError, TrainSpec


@dataclass(frozen=True)
class Images:
    """Images (N, C, H, W) uint8 and labels (N,) int64."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> "Images":
        """The same on another device."""
        return Images(self.images.to(device), self.labels.to(device))


@dataclass(frozen=True)
class Dataset:
    """Three disjoint splits, and the mean and deviation (1, C, 1, 1) of the training pixels."""

    train: Images
    val: Images
    test: Images
    mean: Tensor
    std: Tensor

    def to(self, device: torch.device) -> "Dataset":
        """The same on another device."""
        return Dataset(
            self.train.to(device),
            self.val.to(device),
            self.test.to(device),
            self.mean.to(device),
            self.std.to(device),
        )

    def normalise(self, images: Tensor) -> Tensor:
        """Pixels (N, C, H, W) uint8 as float32 with mean 0 and deviation 1 over training."""
        return (images.float() - self.mean) / self.std


def load(spec: DataSpec, root: Path, download: bool = False) -> Dataset:
    """Read and split a dataset.

    Validation images are drawn from those that are not test images, the same number of each
    class as nearly as can be, by `spec.split_seed`.

    Args:
        spec: which, and how it is split.
        root: where torchvision keeps its datasets.
        download: fetch what is missing, checked against torchvision's checksums.

    Raises:
        InputError: the dataset is not under `root`, or is damaged.
    """
    info = dataset_info(spec.name)
    pool, test = _digits(spec) if not info.source else _torchvision(info, root, download)
    sizes = info.sizes(spec.val_fraction, spec.test_fraction)
    train, val = _stratified(pool, sizes[1], spec.split_seed)
    mean, std = _moments(train.images)
    return Dataset(train, val, test, mean, std)


def augment(batch: Tensor, train: TrainSpec, generator: torch.Generator) -> Tensor:
    """Random shift and mirror of each image of a normalised batch (N, C, H, W).

    Draws from `generator`, on the CPU, in the same order on every device.
    """
    if train.crop_padding:
        batch = _shift(batch, train.crop_padding, generator)
    if train.flip:
        mirrored = torch.rand(len(batch), 1, 1, 1, generator=generator) < 0.5
        batch = torch.where(mirrored.to(batch.device), batch.flip(3), batch)
    return batch


def _moments(images: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation (1, C, 1, 1) of the pixels of each channel, exactly, from a histogram."""
    value = torch.arange(256, dtype=torch.float64)
    channels = [torch.bincount(channel.flatten(), minlength=256) for channel in images.unbind(1)]
    share = torch.stack([counts.double() / counts.sum() for counts in channels])
    mean = share @ value
    variance = (share * (value - mean[:, None]) ** 2).sum(1)
    return mean.float().view(1, -1, 1, 1), variance.sqrt().float().view(1, -1, 1, 1)


def _shift(batch: Tensor, padding: int, generator: torch.Generator) -> Tensor:
    count, channels, height, width = batch.shape
    offsets = torch.randint(2 * padding + 1, (2, count, 1), generator=generator)
    rows = (offsets[0] + torch.arange(height)).to(batch.device)
    columns = (offsets[1] + torch.arange(width)).to(batch.device)
    image = torch.arange(count, device=batch.device).view(-1, 1, 1, 1)
    channel = torch.arange(channels, device=batch.device).view(1, -1, 1, 1)
    padded = F.pad(batch, (padding,) * 4)
    return padded[image, channel, rows[:, None, :, None], columns[:, None, None, :]]


def _digits(spec: DataSpec) -> tuple[Images, Images]:
    from sklearn.datasets import load_digits

    raw = load_digits()
    images = torch.from_numpy(raw.images.astype(np.uint8))[:, None]
    whole = Images(images, torch.from_numpy(raw.target.astype(np.int64)))
    _, _, count = dataset_info("digits").sizes(spec.val_fraction, spec.test_fraction)
    return _stratified(whole, count, spec.split_seed)


def _torchvision(info: DatasetInfo, root: Path, download: bool) -> tuple[Images, Images]:
    import torchvision.datasets

    source = getattr(torchvision.datasets, info.source)
    parts = ("train", "test") if info.name == "svhn" else (True, False)
    key = "split" if info.name == "svhn" else "train"
    try:
        train, test = (
            _from_torchvision(source(root, download=download, **{key: part})) for part in parts
        )
        if (len(train), len(test)) != (info.images, info.test_images):
            raise RuntimeError(f"{len(train)} and {len(test)} images")
    except Exception as error:  # torchvision raises all kinds for a damaged or missing file
        raise InputError(
            f"{info.name} is not in {root}, or is damaged: give --data-root DIR "
            f"where torchvision keeps it, or add --download ({type(error).__name__}: {error})"
        ) from error
    return train, test


def _from_torchvision(source: object) -> Images:
    pixels = torch.as_tensor(np.asarray(source.data))  # type: ignore[attr-defined]
    labels = getattr(source, "targets", None)
    if labels is None:  # SVHN: channels first already
        return Images(pixels, torch.as_tensor(source.labels).long())  # type: ignore[attr-defined]
    pixels = pixels[..., None] if pixels.ndim == 3 else pixels
    return Images(pixels.permute(0, 3, 1, 2).contiguous(), torch.as_tensor(labels).long())


def _stratified(whole: Images, held_out: int, seed: int) -> tuple[Images, Images]:
    from sklearn.model_selection import train_test_split

    kept, held = train_test_split(
        np.arange(len(whole)), test_size=held_out, random_state=seed, stratify=whole.labels.numpy()
    )
    return tuple(  # type: ignore[return-value]
        Images(whole.images[part], whole.labels[part])
        for part in (torch.from_numpy(np.sort(kept)), torch.from_numpy(np.sort(held)))
    )
