"""One's own images: a folder a class, decoded once, and kept on disk as plain arrays.

Read as torchvision's `ImageFolder` reads them: `PATH/train/<class>/`, `PATH/test/<class>/` and, if
there is one, `PATH/val/<class>/`, each with image files at any depth. Under `ROOT/folders` lie

- `<checksum>/`: `folder.json`, and `<split>.npy` and `<split>-labels.npy` of each split;
- `<fingerprint>.json`: the checksum of the content that files of these names, sizes and times have;
- `<fingerprint>.lock`, `<checksum>.lock`: held while one of those is made;
- `.<fingerprint>-*/`: one in the making. A killed run leaves it; the next removes it.

Worker processes import this module, so it imports torch only where the parent needs it.
"""

import contextlib
import json
import multiprocessing
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from filelock import FileLock

from ablate.data.image_cache import LABEL, PIXEL, Cache, checksum_of, npy_header, open_cache
from ablate.data.image_file import Header, read_header, read_pixels
from ablate.data.image_tree import Listing, clean_name, fingerprint, list_images
from ablate.errors import InputError
from ablate.processes import end_with_parent

if TYPE_CHECKING:
    from torch import Tensor


FORMAT = 1  # of the cache and of how an image becomes pixels: another number decodes all again
MOST_PIXELS = 1024  # height and width
BLOCK = 256  # images a task; fewer than these are not worth another process
STEPS = 10  # that progress is told of, at most, for headers and again for pixels
Progress = Callable[[Iterable[str], int, str], Iterator[str]]
Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class Folder:
    """A folder of images that has been prepared.

    Args:
        name: `clean_name` of its path.
        checksum: SHA-256 of its content, whatever the path, the times and the machine.
        classes: their names, in the order of the labels.
        channels, image_size: of every image; height equals width.
        images, val_images, test_images: in its `train`, `val` (0 where there is none) and `test`.
        skipped: how many files in its classes are left out, by ending.
    """

    name: str
    checksum: str
    classes: tuple[str, ...]
    channels: int
    image_size: int
    images: int
    val_images: int
    test_images: int
    skipped: Mapping[str, int]


@dataclass(frozen=True)
class _Block:
    """Files of one split, and the row of the first."""

    split: str
    start: int
    names: list[str]


def prepare(
    path: Path, image_size: int | None, root: Path, processes: int, progress: Progress
) -> Folder:
    """Decode the images under `path` into the cache under `root`, unless they are there already.

    Images are turned as their EXIF says. They are RGB, as PIL converts them, unless all of them
    are greyscale; 16 bits become the upper 8. Those not of the size asked for are scaled, their
    shorter side to it, and cropped about the centre (bicubic, `PIL.ImageOps.fit`).

    Args:
        path: the folder, as the module describes it.
        image_size: height and width to bring them to, in pixels; None where all are square and
            of one size.
        root: where datasets are kept.
        processes: that decode side by side.
        progress: `ablate.engine.progress.plain_or_bar`, or another that passes items on.

    Raises:
        InputError: no such folder, another layout, a file that is no whole image, or sizes that
            differ where no `image_size` is given.
        OSError: no room, or no leave to write, under `root`.
    """
    if image_size is not None and not 1 <= image_size <= MOST_PIXELS:
        raise InputError(
            f"image_size = {image_size}: expected 1 to {MOST_PIXELS} pixels", "image_size"
        )
    listing = list_images(path)
    folders = root / "folders"
    index = folders / f"{fingerprint(listing, [FORMAT, image_size])}.json"
    found = _indexed(index)
    if found is None:
        folders.mkdir(parents=True, exist_ok=True)
        with FileLock(index.with_suffix(".lock")):
            # Another process may have made it while this one waited.
            found = _indexed(index) or _make(listing, image_size, index, processes, progress)
    checksum, cache = found
    images = {split: arrays[0] for split, arrays in cache.arrays.items()}
    return Folder(
        name=clean_name(path),
        checksum=checksum,
        classes=cache.classes,
        channels=images["train"].shape[1],
        image_size=images["train"].shape[2],
        images=len(images["train"]),
        val_images=len(images.get("val", ())),
        test_images=len(images["test"]),
        skipped=listing.skipped,
    )


def read_folder(root: Path, checksum: str) -> dict[str, tuple["Tensor", "Tensor"]]:
    """Images (N, C, S, S) uint8 and labels (N,) int64 of each split of a prepared folder.

    Both lie in memory maps that processes share; what is written to them stays in this process.

    Args:
        root: as `prepare` was given it.
        checksum: as `prepare` gave it. It is not computed again here.

    Raises:
        InputError: it is not under `root`, or its shapes are not those noted there.
    """
    import torch

    cache = open_cache(root / "folders" / checksum, "c")
    return {
        split: (torch.from_numpy(images), torch.from_numpy(labels))
        for split, (images, labels) in cache.arrays.items()
    }


def _indexed(index: Path) -> tuple[str, Cache] | None:
    """The checksum that the index names, and the cache; None where either is missing or damaged.

    Nothing is lost with a damaged one: the images are decoded again.
    """
    try:
        checksum = json.loads(index.read_text())["checksum"]
        cache = _checked(index.parent / checksum)
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return None if cache is None else (checksum, cache)


def _checked(directory: Path) -> Cache | None:
    """The cache in a directory, if its content has the checksum that is its name."""
    try:
        cache = open_cache(directory, "r")
    except InputError:
        return None
    return cache if checksum_of(cache) == directory.name else None


def _make(
    listing: Listing, image_size: int | None, index: Path, processes: int, progress: Progress
) -> tuple[str, Cache]:
    """Decode into a directory beside the caches, then name it and write the index."""
    folders, prefix = index.parent, f".{index.stem}-"
    for left in folders.glob(f"{prefix}*"):
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(dir=folders, prefix=prefix) as work:
        made = Path(work) / "made"
        made.mkdir()
        _decode(listing, image_size, made, processes, progress)
        cache = open_cache(made, "r")
        checksum = checksum_of(cache)
        _install(made, folders / checksum)
        written = Path(work) / "index.json"
        written.write_text(json.dumps({"checksum": checksum}))
        _sync(written)
        written.replace(index)
    return checksum, cache


def _install(made: Path, directory: Path) -> None:
    """Move what was made to its name, unless another folder had the same content."""
    with FileLock(directory.with_suffix(".lock")):
        if _checked(directory):
            return
        if directory.exists():
            directory.rename(made.with_name("damaged"))
        made.rename(directory)


def _sync(path: Path) -> None:
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


def _decode(
    listing: Listing, image_size: int | None, target: Path, processes: int, progress: Progress
) -> None:
    """Write the whole cache into `target`: look at every header first, then decode."""
    blocks = [
        _Block(split, start, names[start : start + BLOCK])
        for split, names in listing.files.items()
        for start in range(0, len(names), BLOCK)
    ]
    with _workers(sum(map(len, listing.files.values())), processes) as each:
        looked = each(partial(_look_at, listing.base), blocks)
        headers = _follow(looked, blocks, "looked at", progress)
        channels = 1 if all(header.grey for block in headers for header in block) else 3
        size = image_size or _common_size(listing.base, blocks, headers)
        shapes = {
            split: (len(names), channels, size, size) for split, names in listing.files.items()
        }
        for split, shape in shapes.items():
            (target / f"{split}.npy").write_bytes(npy_header(PIXEL, shape))
            np.save(target / f"{split}-labels.npy", np.array(listing.labels[split], LABEL))
        written = each(partial(_write, listing.base, target, shapes), blocks)
        _follow(written, blocks, "decoded", progress)
    about = {"classes": listing.classes, "shapes": shapes}
    (target / "folder.json").write_text(json.dumps(about))
    for path in target.iterdir():
        _sync(path)


def _common_size(base: Path, blocks: list[_Block], headers: list[list[Header]]) -> int:
    names = [name for block in blocks for name in block.names]
    sizes = [(header.width, header.height) for block in headers for header in block]
    width, height = sizes[0]
    if width != height:
        raise InputError(
            f"{base}: not square: {names[0]} is {width}x{height}; give --image-size N", "image_size"
        )
    for name, size in zip(names, sizes, strict=True):
        if size != sizes[0]:
            raise InputError(
                f"{base}: mixed sizes: {name} is {size[0]}x{size[1]}, {names[0]} {width}x{height}; "
                "give --image-size N",
                "image_size",
            )
    if width > MOST_PIXELS:
        raise InputError(
            f"{base}: images of {width}x{height}: expected {MOST_PIXELS} pixels at most; "
            "give --image-size N",
            "image_size",
        )
    return width


@contextlib.contextmanager
def _workers(images: int, processes: int) -> Iterator[Callable[..., Iterator[Any]]]:
    """A `map` over processes, or the plain one where there is little to do. Order is kept."""
    if images < BLOCK or processes < 2:
        yield map
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_start_worker)
    try:
        yield pool.map
    finally:
        pool.shutdown(cancel_futures=True)


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    end_with_parent()


def _follow(
    results: Iterable[Result], blocks: list[_Block], done: str, progress: Progress
) -> list[Result]:
    """The results of all blocks, with progress told in a few steps."""
    kept: list[Result] = []
    every = -(-len(blocks) // STEPS)
    total = sum(len(block.names) for block in blocks)

    def steps() -> Iterator[str]:
        images = 0
        for block, result in zip(blocks, results, strict=True):
            kept.append(result)
            images += len(block.names)
            if len(kept) % every == 0 or len(kept) == len(blocks):
                yield f"{done} {images:,} of {total:,} images"

    for _ in progress(steps(), -(-len(blocks) // every), "step"):
        pass
    return kept


def _look_at(base: Path, block: _Block) -> list[Header]:
    return [read_header(base / name) for name in block.names]


def _write(
    base: Path, target: Path, shapes: dict[str, tuple[int, int, int, int]], block: _Block
) -> None:
    """Decode a block into its rows of the array in `target`."""
    shape = shapes[block.split]
    _, channels, size, _ = shape
    # Written, not mapped: a full disk is then an error, where a map would end the process.
    with (target / f"{block.split}.npy").open("rb+") as stream:
        stream.seek(len(npy_header(PIXEL, shape)) + block.start * channels * size * size)
        for name in block.names:
            stream.write(read_pixels(base / name, channels, size).tobytes())
