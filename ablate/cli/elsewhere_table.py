"""What a network would do on a device that one does not have, as a table of text."""

import textwrap
from collections.abc import Sequence

from ablate.analysis.wording import WIDEST, aligned
from ablate.networks.elsewhere.fits import Source
from ablate.networks.elsewhere.prediction import Fit, Prediction, predict
from ablate.spec.network import NetSpec

MODES = {"infer": "inference", "train": "training"}
AIM = 0.1  # a median error above it is remarked on
_TITLES = ["device", "mode", "precision", "layout", "torch", "predicted images/s", "90% interval",
           "error: networks", "families"]  # fmt: skip
_WORDS = _TITLES[:5]


def predicted(spec: NetSpec, batch: int, source: Source, fits: Sequence[Fit]) -> str:
    """The images a second that each fit predicts, as aligned text; builds the network.

    Args:
        spec: the network.
        batch: images a batch.
        source: of the fits.
        fits: at least one; each is a line.
    """
    from ablate.networks.elsewhere.operators import operators_of

    found = [predict(fit, operators_of(spec), batch) for fit in fits]
    lines = [_line(fit, one) for fit, one in zip(fits, found, strict=True)]
    table = aligned([_TITLES, *lines], _WORDS)
    return "\n".join([*table, *_remarks(fits, found, batch, source)])


def _line(fit: Fit, found: Prediction) -> list[str]:
    known = found.low is not None and found.high is not None
    return [
        fit.device,
        MODES.get(fit.mode, fit.mode),
        fit.precision,
        fit.layout,
        fit.torch + (", compiled" if fit.compiled else ""),
        _images(found.images),
        f"{_images(found.low)} to {_images(found.high)}" if known else "outside",
        f"{fit.error_models:.1%}",
        f"{fit.error_families:.1%}",
    ]


def _images(number: float | None) -> str:
    return "" if number is None else f"{number:.3g}" if number < 100 else f"{number:,.0f}"


def _remarks(
    fits: Sequence[Fit], found: Sequence[Prediction], batch: int, source: Source
) -> list[str]:
    """Below the table: what was predicted from what, and what little is known of."""
    timings, networks = sum(fit.timings for fit in fits), max(fit.networks for fit in fits)
    says = [
        f"Predicted for batch {batch}, not measured: from the network's operators, by terms fitted "
        f"on {source.fitted} to {timings:,} timings of up to {networks} networks ({source.cite}, "
        f"{source.licence}). The interval holds 90% of the timings of families of networks left "
        "out of the fit; the errors are medians, with networks and with whole families left out."
    ]
    worse = [fit for fit in fits if max(fit.error_models, fit.error_families) > AIM]
    if worse:
        names = "; ".join(f"{fit.mode} {fit.layout}, torch {fit.torch}" for fit in worse)
        says.append(f"The median error is above {AIM:.0%} for {names}.")
    for outside in sorted({one.outside for one in found} - {()}):
        says.append(
            f"Outside what was fitted, so that nothing is known of the error: {'; '.join(outside)}."
        )
    return [line for one in says for line in textwrap.wrap(one, WIDEST)]
