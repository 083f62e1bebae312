"""Figures to look at: of made-up studies, and what is wrong with one."""

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from ablate.analysis import summary as analysis_summary
from ablate.report.figures.drawing import style
from support.frames import by_place, trials_frame

LONG_NAMES = [
    f"{shortcut}, early / {growth}"
    for shortcut in ("A: zero-pad", "B: projection", "C: all projections")
    for growth in ("constant", "doubling", "tripling")
]


def study(names: list[str], seeds: int, failed: str | None = None) -> tuple[pd.DataFrame, ...]:
    """Trials, summary, stages and epochs of a made-up study; the first name is the baseline."""
    rng = np.random.default_rng(0)
    accuracies = {
        name: rng.normal(0.85 + 0.01 * place, 0.01, seeds) for place, name in enumerate(names)
    }
    outcomes = {
        name: by_place(["failed"] * seeds if name == failed else list(map(float, values)))
        for name, values in accuracies.items()
    }
    costs = {
        name: {
            "macs": 1e6 * 2**place,
            "params": 1e5 * 3**place,
            "infer_images_per_s": 1e4 / 2**place,
        }
        for place, name in enumerate(names)
    }
    trials = trials_frame(outcomes, costs)
    stages = pd.DataFrame(
        {
            "cell": name,
            "net": name,
            "stage": stage,
            "out_size": 32 // 2**step,
            "params": 1000 * (place + 1) ** step,
            "macs": 100_000 * (place + 1) ** step,
            "activations": 4096 >> step,
        }
        for place, name in enumerate(names)
        for step, stage in enumerate(("stem", "stage 1", "stage 2", "stage 3", "head"))
    )
    epochs = pd.DataFrame(
        {
            "key": f"{name}-{seed}",
            "cell": name,
            "seed": seed,
            "epoch": epoch,
            "train_loss": math.exp(-epoch) + 0.01 * seed,
            "val_loss": math.exp(-epoch) + 0.02 * seed,
            "val_accuracy": accuracies[name][seed] * (1 - math.exp(-epoch)),
        }
        for name in names
        if name != failed
        for seed in range(seeds)
        for epoch in range(1, 5)
    )
    return trials, analysis_summary.summarise(trials, names[0]), stages, epochs


SMALL = ["constant", "doubling", "tripling"]


STUDIES = {
    "one seed": study(SMALL[:2], 1),
    "two seeds": study(SMALL, 2),
    "ten seeds": study(SMALL, 10),
    "one arm failed": study(SMALL, 6, failed="doubling"),
    "nine arms": study(LONG_NAMES, 6, failed=LONG_NAMES[-1]),
}


def texts_outside(figure: Figure) -> list[str]:
    """Words of the drawn figure that its border cuts."""
    with style.style():
        figure.draw_without_rendering()
        border = figure.bbox.padded(1)
        boxes = [
            (text, text.get_window_extent())
            for text in figure.findobj(Text)
            if isinstance(text, Text) and text.get_text() and text.get_visible()
        ]
    ticks = {tick for axes in figure.axes for tick in hidden_tick_labels(axes)}
    return [
        text.get_text()
        for text, box in boxes
        if text not in ticks
        and not (border.contains(box.x0, box.y0) and border.contains(box.x1, box.y1))
    ]


def hidden_tick_labels(axes: Axes) -> list[Text]:
    """Labels of ticks beyond the limits; matplotlib keeps them and does not draw them."""
    return [
        label
        for axis in (axes.xaxis, axes.yaxis)
        for tick in axis.get_major_ticks()
        for label in (tick.label1, tick.label2)
        if not min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval())
    ]


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]
