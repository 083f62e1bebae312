"""A dataset as uint8 tensors in memory: read, split once and for all."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ablate.data.catalog import FOLDER, DatasetInfo, dataset_info
from ablate.data.folder import read_folder
from ablate.errors import InputError, fitting_torchvision
from ablate.spec.trial import DataSpec

MOMENTS_BLOCK = 4096


@dataclass(frozen=True)
class Images:
    """Images (M, C, H, W) uint8 and labels (N,) int64.

    N is M, or else `rows` (N,) int64 says which of the M images are meant: those of a split, so
    that all splits, and all processes, share one array in a memory-mapped file.
    """

    images: Tensor
    labels: Tensor
    rows: Tensor | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def pick(self, which: Tensor | slice) -> Tensor:
        """A copy or view (K, C, H, W) of some of the N images."""
        return self.images[which if self.rows is None else self.rows[which]]

    def to(self, device: torch.device) -> "Images":
        """The same on another device; a shared array is not copied from CPU to CPU."""
        if self.rows is None or device == self.images.device:
            return Images(self.images.to(device), self.labels.to(device), self.rows)
        return Images(self.pick(slice(None)).to(device), self.labels.to(device))


@dataclass(frozen=True)
class Dataset:
    """Three disjoint splits, and the mean and deviation (1, C, 1, 1) of the training pixels.

    A channel that is the same in all of these is in `constant`, and its deviation is 1.
    """

    train: Images
    val: Images
    test: Images
    mean: Tensor
    std: Tensor
    constant: tuple[int, ...] = ()

    def to(self, device: torch.device) -> "Dataset":
        """The same on another device."""
        return Dataset(
            self.train.to(device),
            self.val.to(device),
            self.test.to(device),
            self.mean.to(device),
            self.std.to(device),
            self.constant,
        )

    def normalise(self, images: Tensor) -> Tensor:
        """Pixels (N, C, H, W) uint8 as float32 with mean 0 and deviation 1 over training."""
        return images.float().sub_(self.mean).div_(self.std)


def load(spec: DataSpec, root: Path, download: bool = False) -> Dataset:
    """Read and split a dataset.

    Validation images are drawn from those that are not test images, the same number of each
    class as nearly as can be, by `spec.split_seed`; so is a subset of either.

    Args:
        spec: which, and how it is split.
        root: where torchvision keeps its datasets, and `ablate.data.folder` its own.
        download: fetch what is missing, checked against torchvision's checksums.

    Raises:
        InputError: the dataset is not under `root`, is damaged, or is too small to be split so.
    """
    if spec.name.startswith(FOLDER):
        info, train, val, test = _folder(spec, root)
    else:
        info = dataset_info(spec.name)
        train, test = _digits(spec) if not info.source else _torchvision(info, root, download)
        val = None
    sizes = info.sizes(replace(spec, subset=1.0))
    if val is None:
        train, val = _stratified(train, sizes[1], spec)
    if spec.subset < 1:
        wanted = info.sizes(spec)
        train, val = _subset(train, wanted[0], spec), _subset(val, wanted[1], spec)
    mean, std = _moments(train)
    constant = tuple((std.flatten() == 0).nonzero().flatten().tolist())
    return Dataset(train, val, test, mean, std.where(std > 0, 1), constant)


def _moments(images: Images) -> tuple[Tensor, Tensor]:
    """Mean and deviation (1, C, 1, 1) of the pixels of each channel, exactly, from a histogram."""
    value = torch.arange(256, dtype=torch.float64)
    counts = torch.zeros(images.images.shape[1], 256, dtype=torch.int64)
    for start in range(0, len(images), MOMENTS_BLOCK):
        block = images.pick(slice(start, start + MOMENTS_BLOCK))
        for channel, pixels in enumerate(block.unbind(1)):
            counts[channel] += torch.bincount(pixels.flatten(), minlength=256)
    share = counts.double() / counts.sum(1, keepdim=True)
    mean = share @ value
    variance = (share * (value - mean[:, None]) ** 2).sum(1)
    return mean.float().view(1, -1, 1, 1), variance.sqrt().float().view(1, -1, 1, 1)


def _digits(spec: DataSpec) -> tuple[Images, Images]:
    from sklearn.datasets import load_digits

    raw = load_digits()
    images = torch.from_numpy(raw.images.astype(np.uint8))[:, None]
    whole = Images(images, torch.from_numpy(raw.target.astype(np.int64)))
    return _stratified(whole, dataset_info("digits").sizes(spec)[2], spec)


def _folder(spec: DataSpec, root: Path) -> tuple[DatasetInfo, Images, Images | None, Images]:
    """One's own images, as `ablate.data.folder.prepare` left them."""
    splits = {
        name: Images(images, labels, torch.arange(len(labels)))
        for name, (images, labels) in read_folder(root, spec.checksum).items()
    }
    train, val, test = splits["train"], splits.get("val"), splits["test"]
    info = DatasetInfo(
        name=spec.name,
        channels=train.images.shape[1],
        image_size=train.images.shape[2],
        classes=int(train.labels.max()) + 1,
        images=len(train),
        val_images=len(val) if val else 0,
        test_images=len(test),
    )
    return info, train, val, test


def _torchvision(info: DatasetInfo, root: Path, download: bool) -> tuple[Images, Images]:
    with fitting_torchvision():
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


def _stratified(whole: Images, held_out: int, spec: DataSpec) -> tuple[Images, Images]:
    """The rest, and `held_out` images, the same share of each class as nearly as can be."""
    from sklearn.model_selection import train_test_split

    try:
        kept, held = train_test_split(
            np.arange(len(whole)),
            test_size=held_out,
            random_state=spec.split_seed,
            stratify=whole.labels.numpy(),
        )
    except ValueError as error:  # fewer images than classes, or a class with one image
        raise InputError(
            f"{spec.name}: {len(whole)} images cannot be split into {held_out} and "
            f"{len(whole) - held_out} by class: {' '.join(str(error).split())}"
        ) from error
    return _part(whole, np.sort(kept)), _part(whole, np.sort(held))


def _subset(whole: Images, count: int, spec: DataSpec) -> Images:
    """`count` images at random, the same share of each class as nearly as can be."""
    labels = whole.labels.numpy()
    classes, sizes = np.unique(labels, return_counts=True)
    if count < len(classes):
        raise InputError(
            f"subset = {spec.subset}: leaves {count} images for {len(classes)} classes of "
            f"{spec.name}; expected a larger fraction",
            "subset",
        )
    place = np.empty(len(labels))  # within its class, in a random order, from 0 to 1
    shuffled = np.random.default_rng(spec.split_seed).permutation(len(labels))
    for name, size in zip(classes, sizes, strict=True):
        place[shuffled[labels[shuffled] == name]] = (np.arange(size) + 0.5) / size
    return _part(whole, np.sort(np.argsort(place, kind="stable")[:count]))


def _part(whole: Images, rows: np.ndarray[Any, Any]) -> Images:
    """Some of the images: those of one's own folder stay in their file, others are copied."""
    picked = torch.from_numpy(rows)
    if whole.rows is None:
        return Images(whole.images[picked], whole.labels[picked])
    return Images(whole.images, whole.labels[picked], whole.rows[picked])
