"""A folder of images as torchvision's `ImageFolder` takes it: which files, and of which class."""

import hashlib
import json
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from ablate.errors import InputError, fitting_torchvision

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Listing:
    """Files relative to `base`, and their labels, by split."""

    base: Path
    classes: tuple[str, ...]
    files: dict[str, list[str]]
    labels: dict[str, list[int]]


def list_images(path: Path) -> Listing:
    """Every image file under `path`; `InputError` for another layout."""
    with fitting_torchvision():
        from torchvision.datasets.folder import IMG_EXTENSIONS, make_dataset

    splits = _find_splits(path)
    classes = _find_classes(path, splits)
    base = path.absolute()  # torchvision would take a `~` for a home
    files: dict[str, list[str]] = {}
    labels: dict[str, list[int]] = {}
    for split in splits:
        samples = make_dataset(
            str(base / split),
            {name: label for label, name in enumerate(classes)},
            extensions=IMG_EXTENSIONS,
            allow_empty=True,
        )
        files[split] = [file.removeprefix(str(base)).lstrip(os.sep) for file, _ in samples]
        labels[split] = [label for _, label in samples]
        for label in sorted(set(range(len(classes))) - set(labels[split])):
            raise InputError(
                f"{path / split / classes[label]}: no image in it; expected files that end in "
                f"{', '.join(IMG_EXTENSIONS)}"
            )
    return Listing(path, classes, files, labels)


def _find_splits(path: Path) -> list[str]:
    if not path.is_dir():
        wrong = "not a directory" if path.exists() else "no such directory"
        raise InputError(f"{path}: {wrong}; expected one with train/<class>/ and test/<class>/")
    found = _subfolders(path)
    for split in ("train", "test"):
        if split not in found:
            has = ", ".join(found[:5]) + (", ..." if found[5:] else "") if found else "no folder"
            raise InputError(
                f"{path}: no {split!r} folder; expected train/<class>/ and test/<class>/, and "
                f"val/<class>/ only if you have one (validation is drawn from train without it), "
                f"and found {has}"
            )
    return [split for split in SPLITS if split in found]


def _find_classes(path: Path, splits: list[str]) -> tuple[str, ...]:
    classes = {split: _subfolders(path / split) for split in splits}
    for split, names in classes.items():
        if not names:
            raise InputError(
                f"{path / split}: no class folders; expected {split}/<class>/ with images"
            )
        for one, other in ((split, "train"), ("train", split)):
            for name in sorted(set(classes[one]) - set(classes[other])):
                raise InputError(
                    f"{path}: class {name!r} of {one} is not in {other}; expected the same class "
                    "folders in every split"
                )
    if len(classes["train"]) < 2:
        raise InputError(
            f"{path / 'train'}: one class, {classes['train'][0]!r}; expected 2 or more"
        )
    return tuple(classes["train"])


def _subfolders(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.iterdir() if entry.is_dir())


def fingerprint(listing: Listing, about: object) -> str:
    """What changes when a file may have: names, sizes and times, in hexadecimal.

    The time of the last change of status (`ctime`) catches files that were replaced by others of
    the same size and time of modification, as an archive or `cp -p` leaves them.
    """
    digest = hashlib.sha256(json.dumps(about).encode())
    for name in (name for names in listing.files.values() for name in names):
        status = _status(listing.base / name)
        facts = [name, status.st_size, status.st_mtime_ns, status.st_ctime_ns]
        digest.update(json.dumps(facts).encode())
    return digest.hexdigest()


def _status(path: Path) -> os.stat_result:
    try:
        status = path.stat()
    except OSError as error:  # a link to nowhere
        raise InputError(f"{path}: {error.strerror}; expected an image file") from error
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{path}: not a regular file; expected an image file")
    return status


def clean_name(path: Path) -> str:
    """The last component of a path, in A-Z, a-z, 0-9, `_`, `.` and `-`."""
    name = path.resolve().name if path.name in ("", "..") else path.name
    return re.sub(r"[^A-Za-z0-9_.-]", "_", name) or "folder"
