"""A folder of images as torchvision's `ImageFolder` takes it: which files, and of which class."""

import hashlib
import json
import os
import re
import stat
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ablate.errors import InputError, fitting_torchvision

SPLITS = {"train": ("train",), "val": ("val", "valid", "validation"), "test": ("test",)}


@dataclass(frozen=True)
class Listing:
    """Files relative to `base`, and their labels, by split.

    `skipped` is how many files are left out, by ending.
    """

    base: Path
    classes: tuple[str, ...]
    files: dict[str, list[str]]
    labels: dict[str, list[int]]
    skipped: dict[str, int]


def list_images(path: Path) -> Listing:
    """Every image file under `path`; `InputError` for another layout.

    Names of classes are compared in one Unicode form (NFC), since systems write them in different
    ones. What begins with a dot is no class and no image.
    """
    with fitting_torchvision():
        from torchvision.datasets.folder import IMG_EXTENSIONS

    splits = _find_splits(path)
    folders = {split: _find_classes(path / name) for split, name in splits.items()}
    classes = _common_classes(path, splits, folders)
    base = path.absolute()
    files: dict[str, list[str]] = {}
    labels: dict[str, list[int]] = {}
    skipped: Counter[str] = Counter()
    for split, name in splits.items():
        files[split], labels[split] = [], []
        for label, one in enumerate(classes):
            folder = base / name / folders[split][one]
            inner = sorted(_folders(folder, (folder.resolve(),)), key=str)
            found = [file for one in inner for file in _files(one)]
            images = [file for file in found if file.name.lower().endswith(IMG_EXTENSIONS)]
            skipped.update(file.suffix.lower() for file in found if file not in set(images))
            if not images:
                raise InputError(
                    f"{path / name / folders[split][one]}: no image in it; expected files that end "
                    f"in {', '.join(IMG_EXTENSIONS)}"
                )
            files[split] += [str(file.relative_to(base)) for file in images]
            labels[split] += [label] * len(images)
    return Listing(path, classes, files, labels, dict(skipped))


def _folders(folder: Path, above: tuple[Path, ...]) -> Iterator[Path]:
    """A folder and those in it at any depth.

    Args:
        folder: where to look.
        above: it and the folders that it lies in, links resolved.

    Raises:
        InputError: a link leads back to one of these.
    """
    yield folder
    for name in _subfolders(folder):
        target = (folder / name).resolve()
        if target in above:
            raise InputError(f"{folder / name}: a link that leads back up to {target}; take it out")
        yield from _folders(folder / name, (*above, target))


def _files(folder: Path) -> list[Path]:
    """What lies in a folder and is no folder, but for what begins with a dot."""
    return sorted(
        one for one in folder.iterdir() if not one.name.startswith(".") and not one.is_dir()
    )


def _find_splits(path: Path) -> dict[str, str]:
    """The folder of each split that there is."""
    if not path.is_dir():
        wrong = "not a directory" if path.exists() else "no such directory"
        raise InputError(f"{path}: {wrong}; expected one with train/<class>/ and test/<class>/")
    found = _subfolders(path)
    splits = {}
    for split, names in SPLITS.items():
        present = [name for name in names if name in found]
        if present[1:]:
            raise InputError(
                f"{path}: has {' and '.join(present)}; expected one folder for validation"
            )
        if present:
            splits[split] = present[0]
        elif split != "val":
            has = ", ".join(found[:5]) + (", ..." if found[5:] else "") if found else "no folder"
            raise InputError(
                f"{path}: no {split!r} folder; expected train/<class>/ and test/<class>/, and "
                f"val/<class>/ only if you have one (validation is drawn from train without it), "
                f"and found {has}"
            )
    return splits


def _find_classes(path: Path) -> dict[str, str]:
    """The folder of each class of a split, by the class's name."""
    found: dict[str, str] = {}
    for folder in _subfolders(path):
        name = unicodedata.normalize("NFC", folder)
        if name in found:
            raise InputError(f"{path}: has {name!r} twice, in two Unicode forms; expected it once")
        found[name] = folder
    if not found:
        raise InputError(f"{path}: no class folders; expected {path.name}/<class>/ with images")
    return found


def _common_classes(
    path: Path, splits: Mapping[str, str], folders: Mapping[str, Mapping[str, str]]
) -> tuple[str, ...]:
    """The classes, which every split has."""
    for split in splits:
        for one, other in ((split, "train"), ("train", split)):
            for name in sorted(folders[one].keys() - folders[other].keys()):
                raise InputError(
                    f"{path}: class {name!r} of {splits[one]} is not in {splits[other]}; expected "
                    "the same class folders in every split"
                )
    classes = tuple(sorted(folders["train"]))
    if len(classes) < 2:
        raise InputError(f"{path / 'train'}: one class, {classes[0]!r}; expected 2 or more")
    return classes


def _subfolders(path: Path) -> list[str]:
    """Names of the folders in one, but for those that begin with a dot."""
    names = (entry.name for entry in path.iterdir() if entry.is_dir())
    return sorted(name for name in names if not name.startswith("."))


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
    """The last component of a path, in letters and digits of any script, `_`, `.` and `-`.

    Where other characters became `_`, a checksum tells it from others of which the same is left.
    """
    name = path.resolve().name if path.name in ("", "..") else path.name
    name = unicodedata.normalize("NFC", name)
    clean = re.sub(r"[^\w.-]", "_", name)
    if clean == name:
        return clean or "folder"
    return f"{clean}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"
