"""The dry run: what a study would train, what it costs, and how long it would take."""

from collections.abc import Callable

from ablate.cells import Cell
from ablate.cost import count
from ablate.execution import Execution, set_up
from ablate.machine import describe
from ablate.progress import duration
from ablate.study import Study
from ablate.throughput import train_rate
from ablate.tuning import tuning_plan

TIMED_DRAWS = 3  # of a study of sampled networks; the others are taken to be like them


def show_plan(
    study: Study,
    images: int,
    execution: Execution,
    workers: int,
    say: Callable[[str], object],
    seconds: float = 0.3,
) -> float:
    """Say cells, costs, and the time to train them, from timing a few steps of each.

    Of sampled networks those of the first `TIMED_DRAWS` draws are timed, for all.

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
    tuning = tuning_plan(study)
    if tuning and study.tune:
        rates = ", ".join(f"{lr:g}" for lr in study.tune.lr)
        say(f"before them {len(tuning)} trials to tune each cell's learning rate: {rates}\n")
    cells = [cell for cell in study.cells if cell.draw < TIMED_DRAWS]
    each = (len(study.plan()) + len(tuning)) / len(cells)
    width = max(len(cell.name) for cell in cells)
    say(f"{'cell':{width}}  {'params':>11}  {'MACs':>13}  {'s/trial':>8}  widths x depths")
    total = 0.0
    for cell in cells:
        cost = count(cell.net)
        rate = train_rate(cell.net, study.train, execution, seconds)
        trial = study.train.epochs * images / rate
        total += trial * each / workers
        say(
            f"{cell.name:{width}}  {cost.params:11,}  {cost.macs:13,}  {trial:8.1f}  {_shape(cell)}"
        )
    if len(cells) < len(study.cells):
        again = sum(draw.network is None for draw in study.draws)
        say(
            f"... and {len(study.cells) - len(cells)} more networks, taken to be as fast as these; "
            f"{again} of {len(study.draws)} draws were made again"
        )
    say(
        f"\nestimated training: {duration(total)} (steps alone, timed for {seconds:g} s a "
        "cell with nothing beside it; evaluation and start-up come on top)"
    )
    return total


def _shape(cell: Cell) -> str:
    """Widths and depths, and how they meet the study's budget."""
    text = f"{list(cell.net.widths)} x {list(cell.net.depths)}"
    if cell.matched is None:
        return text
    return (
        f"{text}, {cell.matched.quantity} {cell.matched.residual:+.2%}, "
        f"shape off by {cell.matched.shape_error:.1%}"
    )
