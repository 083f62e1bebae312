"""What there is to know of each dataset without opening it: shapes, classes, sizes."""

from dataclasses import dataclass

from ablate.errors import InputError
from ablate.spec.trial import DataSpec

FOLDER = "folder:"  # begins the name of a dataset of one's own images


@dataclass(frozen=True, kw_only=True)
class DatasetInfo:
    """A dataset, before it is read.

    Args:
        name: as `--dataset` takes it; `folder:NAME` for one's own images.
        channels, image_size, classes: of its images; height equals width.
        images: those outside its own test and validation splits.
        test_images: of its own test split; 0 where `DataSpec.test_fraction` makes one.
        val_images: of its own validation split; 0 where `DataSpec.val_fraction` makes one.
        source: the class of `torchvision.datasets` that reads it; empty for others.
        checksum: of its images and labels, for one's own.
        note: what is to be said of its files, in a line; empty where all is well.
    """

    name: str
    channels: int
    image_size: int
    classes: int
    images: int
    test_images: int
    val_images: int = 0
    source: str = ""
    checksum: str = ""
    note: str = ""

    @property
    def image(self) -> dict[str, int]:
        """The fields of a `NetSpec` that the dataset sets."""
        return {
            "num_classes": self.classes,
            "in_channels": self.channels,
            "image_size": self.image_size,
        }

    def sizes(self, data: DataSpec) -> tuple[int, int, int]:
        """Images in the training, validation and test split."""
        test = self.test_images or round(self.images * data.test_fraction)
        rest = self.images if self.test_images else self.images - test
        val = self.val_images or round(
            (rest if self.test_images else self.images) * data.val_fraction
        )
        train = rest if self.val_images else rest - val
        return round(train * data.subset), round(val * data.subset), test


DATASETS = {
    info.name: info
    for info in (
        DatasetInfo(
            name="digits", channels=1, image_size=8, classes=10, images=1797, test_images=0
        ),
        DatasetInfo(
            name="cifar10",
            channels=3,
            image_size=32,
            classes=10,
            images=50_000,
            test_images=10_000,
            source="CIFAR10",
        ),
        DatasetInfo(
            name="cifar100",
            channels=3,
            image_size=32,
            classes=100,
            images=50_000,
            test_images=10_000,
            source="CIFAR100",
        ),
        DatasetInfo(
            name="fashion_mnist",
            channels=1,
            image_size=28,
            classes=10,
            images=60_000,
            test_images=10_000,
            source="FashionMNIST",
        ),
        DatasetInfo(
            name="svhn",
            channels=3,
            image_size=32,
            classes=10,
            images=73_257,
            test_images=26_032,
            source="SVHN",
        ),
    )
}


def dataset_info(name: str) -> DatasetInfo:
    """What is known of the dataset called `name`; `InputError` lists the names."""
    if name not in DATASETS:
        raise InputError(
            f"dataset {name!r} is not known: expected one of {', '.join(DATASETS)}", "dataset"
        )
    return DATASETS[name]
