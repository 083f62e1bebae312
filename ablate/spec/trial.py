"""A trial: a network, a recipe, data and a seed; named by what it holds."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass, fields
from typing import Any

from ablate.errors import InputError
from ablate.spec.network import NetSpec
from ablate.spec.recipe import TrainSpec


@dataclass(frozen=True, kw_only=True)
class DataSpec:
    """A dataset and its fixed, stratified split.

    Args:
        name: of a dataset that `ablate.data.catalog` knows, or `folder:NAME` for one's own images.
        checksum: of a folder's images and labels, so that a trial's key names what it saw.
        subset: the fraction of the images outside the test split that is used, stratified; the
            test split stays whole.
        val_fraction: held out for validation, of the images outside the dataset's own test
            split.
        test_fraction: held out for test, of all images, where the dataset has no test split.
        split_seed: of the split; the same for every trial, whatever its own seed.
    """

    name: str = "digits"
    val_fraction: float = 0.2
    test_fraction: float = 0.2
    split_seed: int = 0
    checksum: str = ""
    subset: float = 1.0

    def __post_init__(self) -> None:
        for name in ("val_fraction", "test_fraction"):
            value = getattr(self, name)
            if not 0 < value < 1:
                raise InputError(f"{name} = {value!r}: expected between 0 and 1", name)
        if not 0 < self.subset <= 1:
            raise InputError(f"subset = {self.subset!r}: expected above 0 and at most 1", "subset")


@dataclass(frozen=True, kw_only=True)
class TrialSpec:
    """One training: a network, a recipe, data and the seed of init, order and augmentation."""

    net: NetSpec
    train: TrainSpec
    data: DataSpec
    seed: int

    @property
    def key(self) -> str:
        """The trial's name in every table: its content hash."""
        return content_hash(self)


Spec = NetSpec | TrainSpec | DataSpec | TrialSpec


def content_hash(spec: Spec) -> str:
    """Sixteen hex digits of SHA-256 over the fields that differ from their defaults.

    Fields at their default are left out, so that a new axis renames no old trial. The price is
    that a default, once released, never changes; `tests/golden/hashes.json` holds us to that.
    """
    text = json.dumps(_changed(spec), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _changed(spec: Spec) -> dict[str, Any]:
    changed: dict[str, Any] = {}
    for field in fields(spec):
        value = getattr(spec, field.name)
        if dataclasses.is_dataclass(value):
            changed[field.name] = _changed(value)  # type: ignore[arg-type]
        elif value != field.default:
            changed[field.name] = value
    return changed
