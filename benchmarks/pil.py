"""The images as the peers get them: one by one, through PIL and torchvision's transforms."""

from collections.abc import Callable

import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from ablate.data.dataset import Images
from ablate.spec.recipe import TrainSpec
from benchmarks.work import Work

PIXEL = 255  # ours are 0 to 255, ToTensor's 0 to 1


class PilImages(Dataset[tuple[object, int]]):
    """Like torchvision's CIFAR10: arrays in memory, made a PIL image when asked for."""

    def __init__(self, images: Images, transform: Callable[[object], object]) -> None:
        self.arrays = images.images.permute(0, 2, 3, 1).numpy()
        self.labels = images.labels.tolist()
        self.transform = transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[object, int]:
        return self.transform(Image.fromarray(self.arrays[index])), self.labels[index]


def loader(work: Work, workers: int) -> DataLoader[tuple[Tensor, Tensor]]:
    """torch's loader, its workers kept from epoch to epoch; an incomplete last batch left out."""
    mean, std = statistics(work)
    steps = [*crop_and_flip(work.train), transforms.ToTensor(), transforms.Normalize(mean, std)]
    return DataLoader(
        PilImages(work.data.train, transforms.Compose(steps)),  # type: ignore[arg-type]
        batch_size=work.train.batch_size,
        shuffle=work.shuffled,
        num_workers=workers,
        persistent_workers=workers > 0,
        pin_memory=torch.device(work.device).type == "cuda",
        drop_last=True,
    )


def crop_and_flip(train: TrainSpec) -> list[Callable[[object], object]]:
    """The recipe's augmentation; what is padded is black, and with ours the mean."""
    crop = [transforms.RandomCrop(32, padding=train.crop_padding)] if train.crop_padding else []
    return [*crop, *([transforms.RandomHorizontalFlip()] if train.flip else [])]


def statistics(work: Work) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of each channel, for pixels from 0 to 1."""
    mean, std = ((moment.flatten() / PIXEL).tolist() for moment in (work.data.mean, work.data.std))
    return tuple(mean), tuple(std)
