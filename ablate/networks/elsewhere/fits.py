"""The terms of devices that come with the package, or that a file of one's own has."""

import functools
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from ablate.errors import InputError
from ablate.networks.elsewhere.prediction import EXTENTS, TERMS, Fit

FITS = "fits.json"  # in this package


@dataclass(frozen=True, kw_only=True)
class Source:
    """The table that was fitted: whose it is, its licence, the SHA-256 of its file, the day."""

    cite: str
    licence: str
    sha256: str
    fitted: str


@dataclass(frozen=True, kw_only=True)
class Fits:
    """All devices of one table."""

    source: Source
    devices: tuple[Fit, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Each device once, in order of name."""
        return tuple(sorted({fit.device for fit in self.devices}))


def find(wanted: str) -> tuple[Source, tuple[Fit, ...]]:
    """The fits of a device by name, or all those of a file that ends in `.json`.

    Raises:
        InputError: no device has the name, or the file cannot be read.
    """
    if wanted.endswith(".json"):
        fits = read_fits(Path(wanted))
        return fits.source, fits.devices
    fits = shipped()
    found = tuple(fit for fit in fits.devices if _plain(fit.device) == _plain(wanted))
    if not found:
        raise InputError(
            f"--gpu {wanted!r}: expected one of {', '.join(fits.names)}, or a .json file of "
            "benchmarks.gpu_prediction"
        )
    return fits.source, found


@functools.cache
def shipped() -> Fits:
    """The fits that come with the package."""
    return parse(json.loads(resources.files(__package__).joinpath(FITS).read_text("utf-8")))


def read_fits(path: Path) -> Fits:
    """The fits of a file. Raises `InputError` where it is not such a file."""
    try:
        return parse(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: expected a file that benchmarks.gpu_prediction wrote") from error


def parse(values: Mapping[str, Any]) -> Fits:
    """The fits in what JSON reads. Raises ValueError, KeyError or TypeError where they are not."""
    return Fits(
        source=Source(**values["source"]),
        devices=tuple(_fit(device) for device in values["devices"]),
    )


def _fit(values: Mapping[str, Any]) -> Fit:
    if tuple(values["seconds"]) != TERMS:
        raise ValueError("other terms")
    seconds = _numbers(values["seconds"].values(), len(TERMS))
    ranges = {name: _pair(value) for name, value in values["ranges"].items()}
    if ranges.keys() != {*EXTENTS} or min(seconds) < 0 or not sum(seconds[:2]) > 0:
        raise ValueError("not the terms and ranges of a device")
    return Fit(
        **{**values, "seconds": seconds, "ranges": ranges, "interval": _pair(values["interval"])}
    )


def _pair(values: Iterable[float]) -> tuple[float, float]:
    low, high = _numbers(values, 2)
    return low, high


def _numbers(values: Iterable[float], count: int) -> tuple[float, ...]:
    numbers = tuple(float(value) for value in values)
    if len(numbers) != count:
        raise ValueError(f"{count} numbers expected")
    return numbers


def _plain(name: str) -> str:
    """`RTX 4090` and `rtx4090` are one device."""
    return re.sub(r"[^a-z0-9]", "", name.lower())
