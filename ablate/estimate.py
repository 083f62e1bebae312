"""The dry run: what a study would train, what it costs, and how long it would take."""

from collections.abc import Callable

from ablate.cost import count
from ablate.execution import Execution, set_up
from ablate.machine import describe
from ablate.study import Cell, Study
from ablate.throughput import train_rate


def show_plan(
    study: Study,
    images: int,
    execution: Execution,
    workers: int,
    say: Callable[[str], object],
    seconds: float = 0.3,
) -> float:
    """Say cells, costs, and the time to train them, from timing a few steps of each.

    Args:
        study: what would be run.
        images: in its training split.
        execution: as one worker would run.
        workers: that would train side by side.
        say: prints a line.
        seconds: of timing each cell.

    Returns:
        The estimated time of the training steps, in seconds.
    """
    set_up(execution)
    say(f"{study.name} on {study.data.name}: {study.question}")
    say(
        f"{len(study.cells)} cells x {study.seeds} seeds = {len(study.plan())} trials of "
        f"{study.train.epochs} epochs; {workers} workers x {execution.threads} threads, "
        f"{execution.memory_format}, on {describe(execution.device)['device']}\n"
    )
    width = max(len(cell.name) for cell in study.cells)
    say(f"{'cell':{width}}  {'params':>11}  {'MACs':>13}  {'s/trial':>8}  widths x depths")
    total = 0.0
    for cell in study.cells:
        cost = count(cell.net)
        rate = train_rate(cell.net, study.train, execution, seconds)
        trial = study.train.epochs * images / rate
        total += trial * study.seeds / workers
        say(
            f"{cell.name:{width}}  {cost.params:11,}  {cost.macs:13,}  {trial:8.1f}  {_shape(cell)}"
        )
    say(
        f"\nestimated training: {duration(total)} (steps alone, timed for {seconds:g} s a "
        "cell with nothing beside it; evaluation and start-up come on top)"
    )
    return total


def duration(seconds: float) -> str:
    """A time as a person says it.

    >>> duration(3000)
    '50 min'
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _shape(cell: Cell) -> str:
    """Widths and depths, and how they meet the study's budget."""
    text = f"{list(cell.net.widths)} x {list(cell.net.depths)}"
    if cell.matched is None:
        return text
    return (
        f"{text}, {cell.matched.quantity} {cell.matched.residual:+.2%}, "
        f"shape off by {cell.matched.shape_error:.1%}"
    )
