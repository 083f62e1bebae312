"""How a network is trained: the recipe, the same for every arm of a study."""

import math
from dataclasses import dataclass

from ablate.errors import InputError
from ablate.spec.choices import (
    MOST,
    Optimizer,
    Precision,
    Schedule,
    check_choices,
    check_positive,
)

MIXUP = (1e-3, 1e3)  # the least and the greatest alpha


@dataclass(frozen=True, kw_only=True)
class TrainSpec:
    """The recipe, the same for every arm of a study.

    Args:
        epochs: passes over the training split; the last one counts.
        batch_size: images a step; an incomplete last batch is left out.
        lr: the peak learning rate.
        optimizer: `sgd`, with Nesterov momentum, or `adamw` (Loshchilov & Hutter, arXiv
            1711.05101).
        momentum: of SGD; of AdamW its beta1 (beta2 is 0.999, epsilon 1e-8).
        weight_decay: applies to every parameter (He et al. 2015). SGD adds it to the gradient;
            AdamW takes it times the learning rate off the weight.
        schedule: `one_cycle` (30% up, the rest down, cosine both ways; arXiv 1708.07120),
            `cosine` (down alone; arXiv 1608.03983), `warmup_cosine` (5% of the steps up in a
            straight line, then as `cosine`; Goyal et al. 2017, arXiv 1706.02677, warm up so),
            `step` (a tenth after half of the steps and again after three quarters; He et al. 2015,
            section 4.2) or `constant`, stepped every batch.
        crop_padding: random shifts by up to this many pixels, zeros outside.
        flip: mirror half of the images left to right.
        cutout: side in pixels of a square set to the mean at a random place of each image
            (DeVries & Taylor 2017, arXiv 1708.04552); it may reach over the edge; 0 for none.
        label_smoothing: mass spread evenly over the classes.
        mixup: alpha of the Beta distribution that the share of each batch is drawn from that is
            mixed with the same batch in another order, images and labels alike (Zhang et al. 2018,
            arXiv 1710.09412); 0 for none.
        ema: decay of an exponential moving average of the weights after each step, which is what
            is evaluated and kept (`training.optimizer.Average`); 0 for the last weights.
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
    optimizer: Optimizer = "sgd"
    mixup: float = 0.0
    ema: float = 0.0

    def __post_init__(self) -> None:
        check_choices(self)
        check_positive(self, "epochs batch_size lr")
        limits = {"momentum": 1, "label_smoothing": 1, "ema": 1, "weight_decay": math.inf}
        for name, limit in limits.items():
            value = getattr(self, name)
            if not 0 <= value < limit:
                raise InputError(
                    f"{name} = {value!r}: expected 0 or more and below {limit:g}", name
                )
        for name in ("crop_padding", "cutout"):
            if not 0 <= getattr(self, name) <= MOST:
                raise InputError(f"{name} = {getattr(self, name)}: expected 0 or more pixels", name)
        least, most = MIXUP
        if not (self.mixup == 0 or least <= self.mixup <= most):
            raise InputError(
                f"mixup = {self.mixup!r}: expected {least:g} to {most:g}, or 0 for none", "mixup"
            )
