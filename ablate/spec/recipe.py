"""How a network is trained: the recipe, the same for every arm unless that is what differs."""

import math
from dataclasses import dataclass

from ablate.errors import InputError
from ablate.spec.choices import MOST, Precision, Schedule, check_choices, check_positive


@dataclass(frozen=True, kw_only=True)
class TrainSpec:
    """The recipe, the same for every arm of a study. SGD with Nesterov momentum.

    Args:
        epochs: passes over the training split; the last one counts.
        batch_size: images a step; an incomplete last batch is left out.
        lr: the peak learning rate.
        momentum, weight_decay: of SGD; the decay applies to every parameter (He et al. 2015).
        schedule: `one_cycle` (30% up, the rest down, cosine both ways; arXiv 1708.07120) or
            `cosine` (down alone; arXiv 1608.03983), stepped every batch.
        crop_padding: random shifts by up to this many pixels, zeros outside.
        flip: mirror half of the images left to right.
        cutout: side in pixels of a square set to the mean at a random place of each image
            (DeVries & Taylor 2017, arXiv 1708.04552); it may reach over the edge; 0 for none.
        label_smoothing: mass spread evenly over the classes.
        precision: `float32`, or `bfloat16` for autocast of the forward pass and its gradients;
            weights and optimizer stay float32.
    """

    epochs: int = 30
    batch_size: int = 128
    lr: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    schedule: Schedule = "one_cycle"
    crop_padding: int = 0
    flip: bool = False
    cutout: int = 0
    label_smoothing: float = 0.0
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        check_choices(self)
        check_positive(self, "epochs batch_size lr")
        for name, limit in (("momentum", 1), ("label_smoothing", 1), ("weight_decay", math.inf)):
            value = getattr(self, name)
            if not 0 <= value < limit:
                raise InputError(
                    f"{name} = {value!r}: expected 0 or more and below {limit:g}", name
                )
        for name in ("crop_padding", "cutout"):
            if not 0 <= getattr(self, name) <= MOST:
                raise InputError(f"{name} = {getattr(self, name)}: expected 0 or more pixels", name)
