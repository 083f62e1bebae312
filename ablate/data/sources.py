"""`--dataset` becomes a `DatasetInfo`; a folder of images is decoded on the way."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from ablate.data.catalog import DATASETS, FOLDER, DatasetInfo
from ablate.data.folder import prepare
from ablate.errors import InputError, plural


def find_dataset(
    wanted: str,
    image_size: int | None,
    root: Path,
    processes: int,
    progress: Callable[[Iterable[str], int, str], Iterator[str]],
) -> DatasetInfo:
    """What is known of a dataset.

    Args:
        wanted: a name of `DATASETS`, or `folder:PATH`.
        image_size, root, processes, progress: as `ablate.data.folder.prepare` takes them.

    Raises:
        InputError: no such dataset, or a folder that cannot be used as it is.
    """
    if not wanted.startswith(FOLDER):
        if wanted not in DATASETS:
            raise InputError(
                f"--dataset {wanted}: expected one of {', '.join(DATASETS)}, or {FOLDER}PATH"
            )
        if image_size is not None:
            raise InputError(f"--image-size {image_size}: only for --dataset {FOLDER}PATH")
        return DATASETS[wanted]
    found = prepare(Path(wanted.removeprefix(FOLDER)), image_size, root, processes, progress)
    return DatasetInfo(
        name=f"{FOLDER}{found.name}",
        channels=found.channels,
        image_size=found.image_size,
        classes=len(found.classes),
        images=found.images,
        val_images=found.val_images,
        test_images=found.test_images,
        checksum=found.checksum,
        note=_left_out(found.skipped),
    )


def _left_out(skipped: Mapping[str, int]) -> str:
    """What is said of files that are no images; nothing where there are none."""
    if not skipped:
        return ""
    ways = ", ".join(f"{number} {ending or 'without one'}" for ending, number in skipped.items())
    return f"{plural(sum(skipped.values()), 'file')} left out, no image by the ending: {ways}"
