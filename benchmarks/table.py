"""A run of `benchmarks.loops` as text."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ablate.analysis.wording import aligned
from ablate.training.timing import Ratio, control_is_off, rate
from benchmarks.contenders import AGAIN, OURS
from benchmarks.saved import incomparable

TITLES = ["contender", "images/s", "IQR", "ours / it", "95% interval", "rounds"]


def report(run: Mapping[str, Any], last: Mapping[str, Any] | None = None) -> str:
    """The whole text; each ratio beside that of `last`, where the two can be compared."""
    reason = incomparable(run, last) if last else ""
    beside = last["ratios"] if last and not reason else None
    lines = [*_heading(run), "", *_table(run, beside), "", *_arithmetic(run), *_legend(run)]
    if last:
        name = f"{last['name']} of {last['date']}, commit {last['machine']['commit']}"
        lines.append(f"not compared with {name}: {reason}" if reason else f"last: {name}")
    return "\n".join(lines)


def _heading(run: Mapping[str, Any]) -> list[str]:
    settings, machine = run["settings"], run["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in run["versions"].items())
    return [
        f"{machine['device']}, {settings['threads']} threads, {machine['os']}",
        versions,
        f"ResNet-20 for CIFAR, batch {run['recipe']['batch_size']}, random shift and mirror, "
        f"SGD with a cosine; {settings['images']} random uint8 images 32x32 an epoch",
        f"same work: the losses of {run['proof']['steps']} steps agree to "
        f"{max(run['proof']['differences'].values()):.1e} of them, "
        f"{run['proof']['tolerance']:g} allowed",
    ]


def _table(run: Mapping[str, Any], beside: Mapping[str, Any] | None) -> list[str]:
    off = control_is_off(Ratio(**run["ratios"][AGAIN]))
    lines = [[*TITLES, *(["last"] if beside is not None else [])]]
    for name, seconds in run["seconds"].items():
        median, iqr = rate(np.array(seconds), run["images"])
        ratio = _ratio(run["ratios"], name)
        if off and name not in (OURS, AGAIN):
            ratio = ["not measurable now", ""]
        line = [name, f"{median:,.0f}", f"{iqr:,.0f}", *ratio]
        line.append(str(len(seconds)))
        if beside is not None:
            line.append(" ".join(_ratio(beside, name)))
        lines.append(line)
    return aligned(lines, TITLES[:1])


def _ratio(ratios: Mapping[str, Any], name: str) -> list[str]:
    if name not in ratios:
        return ["", ""]
    ratio = Ratio(**ratios[name])
    return [f"{ratio.value:.3f}", f"[{ratio.low:.3f}, {ratio.high:.3f}]"]


def _arithmetic(run: Mapping[str, Any]) -> list[str]:
    median, iqr = rate(np.array(run["matmul_seconds_per_flop"]), 1)
    share = Ratio(**run["share"])
    return [
        f"arithmetic: {run['flops_per_image'] / 1e9:.4f} GFLOP an image (convolutions and the "
        "linear layer, forward and backward, 2 a MAC; no gradient of the image);",
        f"  the best square float32 matmul runs at {median / 1e9:,.0f} GFLOP/s (IQR "
        f"{iqr / 1e9:,.0f}); ours reaches {share.value:.1%} of it "
        f"[{share.low:.1%}, {share.high:.1%}]",
    ]


def _legend(run: Mapping[str, Any]) -> list[str]:
    lines = [
        "ours / it: of images/s, round by round: the median, above 1 where ours is faster, and its "
        "bootstrap interval; a round visits each there and back",
        "ours: channels last; ours again: the same in a second process, as a control; bare: "
        "forward, backward, step over batches ready in memory",
        "usual, Lightning, timm: the same network in the contiguous layout, as many threads, "
        "torchvision's crop and mirror of PIL images, padded with black where ours pads with the "
        "mean; each contender has a process of its own",
        "timm: its loader, optimizer, scheduler and meters; only its crops, which resize, are "
        "replaced",
    ]
    if control_is_off(Ratio(**run["ratios"][AGAIN])):
        lines.append("the control is off, with other work on this machine: no ratio is given")
    if run["absent"]:
        lines.append(f"without {' and '.join(run['absent'])}: pip install -e '.[bench]'")
    return lines
