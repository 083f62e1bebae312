"""The time of an image on a device as a sum of terms, none below zero: see `TERMS`.

`python -m benchmarks.gpu_prediction` fits the terms to timings of others, device by device.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

TERMS = ("image", "dense MACs", "grouped MACs", "moved", "group-normed", "weights", "operators")


@dataclass(frozen=True, kw_only=True)
class Operators:
    """What the operators of a network's forward pass do, for one image.

    Args:
        side: height and width of the image, in pixels.
        dense, grouped: multiply-accumulates of convolutions and linear layers in one group, and
            in several.
        outputs: elements that these write.
        moved: elements that all other operators read and write: norms, activations, sums, pools.
        group_normed: those of `moved` that group norms move.
        weights: elements of the weights of convolutions and linear layers, read once a batch.
        operators: how many there are, started once a batch.
    """

    side: int
    dense: float
    grouped: float
    outputs: float
    moved: float
    group_normed: float
    weights: float
    operators: float

    def costs(self, batch: int) -> tuple[float, ...]:
        """One value for each of `TERMS`, for an image in a batch of so many."""
        return (
            1.0,
            self.dense,
            self.grouped,
            self.moved,
            self.group_normed,
            self.weights / batch,
            self.operators / batch,
        )

    def extents(self, batch: int) -> dict[str, float]:
        """What must lie within the range of the networks that were timed, by name."""
        macs = self.dense + self.grouped
        return {
            "image side": self.side,
            "batch": batch,
            "MACs": macs,
            "activations": self.outputs,
            "activations a batch": batch * self.outputs,
            "MACs an activation": macs / self.outputs,
            "parameters": self.weights,
            "operators": self.operators,
        }


@dataclass(frozen=True, kw_only=True)
class Fit:
    """The terms of one device, and how well they tell networks that they were not fitted to.

    Args:
        device: its name, such as `rtx4090`.
        mode: `infer` or `train`.
        precision: `amp` (float16 where autocast has it) or `fp32`.
        layout: `nchw` or `nhwc`.
        torch: version of torch, and of CUDA where there is one.
        compiled: whether torch.compile was used.
        seconds: of each of `TERMS`.
        ranges: smallest and largest of each of `Operators.extents` in what was fitted.
        timings, networks, families: how many were fitted.
        error_models, error_families: median relative error of the time of networks, and of whole
            families of networks, left out of the fit.
        interval: the 5% and 95% quantiles of measured over predicted images a second, of families
            left out: 90% of them lie within.
    """

    device: str
    mode: str
    precision: str
    layout: str
    torch: str
    compiled: bool
    seconds: tuple[float, ...]
    ranges: Mapping[str, tuple[float, float]]
    timings: int
    networks: int
    families: int
    error_models: float
    error_families: float
    interval: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """Images a second, as a fit tells them.

    Args:
        images: a second.
        low, high: 90% of networks of families left out lay within; None where `outside` is not
            empty, for then nothing is known of the error.
        outside: what lies outside the range of what was fitted, in words.
    """

    images: float
    low: float | None
    high: float | None
    outside: tuple[str, ...]


def predict(fit: Fit, operators: Operators, batch: int) -> Prediction:
    """What a device would do with a network, at a number of images a batch."""
    seconds = sum(k * cost for k, cost in zip(fit.seconds, operators.costs(batch), strict=True))
    images = 1 / seconds
    outside = tuple(
        f"{name} {_short(value)} ({_short(fit.ranges[name][0])} to {_short(fit.ranges[name][1])})"
        for name, value in operators.extents(batch).items()
        if not fit.ranges[name][0] <= value <= fit.ranges[name][1]
    )
    low, high = (None, None) if outside else (images * q for q in fit.interval)
    return Prediction(images=images, low=low, high=high, outside=outside)


EXTENTS = tuple(Operators(**{field.name: 1 for field in fields(Operators)}).extents(1))


def _short(value: float) -> str:
    """A count in at most four digits and a unit: 4.09G."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e4)):
        if value >= size:
            return f"{value / min(size, 1e3 if unit == 'k' else size):.3g}{unit}"
    return f"{value:.4g}"
