"""`--dry-run`: what a study, a search or a file of claims would do."""

import math
from collections.abc import Callable

from ablate.engine.preparation import probes_s
from ablate.errors import plural
from ablate.networks.cost import count
from ablate.networks.fvcore_cost import measure
from ablate.processes import duration
from ablate.report.claims.file import ClaimsFile
from ablate.search.file import LATENCY
from ablate.search.plan import Search
from ablate.study.cells import Cell
from ablate.study.plan import Study
from ablate.study.recipes import difference
from ablate.study.tuning import tuning_plan
from ablate.training.execution import Execution, set_up
from ablate.training.machine import describe
from ablate.training.throughput import train_rate

START_S, AROUND_S = 2.0, 20.0  # rough, of a process with its data; of imports and the report
TIMED_DRAWS = 3  # of a study of sampled networks; the others are taken to be like them


def show_plan(
    study: Study,
    images: int,
    execution: Execution,
    workers: int,
    say: Callable[[str], object],
    seconds: float = 0.3,
    timing_s: float = 0.5,
    probes: bool = False,
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
        timing_s: that the run will time each cell and quantity.
        probes: whether it will choose the layout by a probe.

    Returns:
        The estimated time of the training steps, in seconds.
    """
    set_up(execution)
    say(study.title)
    epochs = sorted({study.recipe(cell).epochs for cell in study.cells})
    least = f"{epochs[0]} to " if epochs[1:] else ""
    say(
        f"{plural(len(study.cells), 'cell')} x {plural(study.seeds, 'seed')} = "
        f"{plural(len(study.plan()), 'trial')} of {least}{plural(epochs[-1], 'epoch')}; "
        f"{plural(workers, 'worker')} x {plural(execution.threads, 'thread')}, "
        f"{'layout by a probe' if probes else execution.memory_format}, "
        f"on {describe(execution.device)['device']}\n"
    )
    if study.looks[1:]:
        early = ", ".join(map(str, study.looks[:-1]))
        say(
            f"[stop]: looks at {early} and {study.looks[-1]} seeds; what is settled at one is "
            "trained no further, so these are the most trials, and the run may stop early\n"
        )
    tuning = tuning_plan(study)
    if tuning and study.tune:
        rates = ", ".join(f"{lr:g}" for lr in study.tune.lr)
        say(
            f"before them {plural(len(tuning), 'trial')} to tune each cell's learning rate: "
            f"{rates}\n"
        )
    cells = [cell for cell in study.cells if cell.draw < TIMED_DRAWS]
    each = (len(study.plan()) + len(tuning)) / len(cells)
    width = max(len(cell.name) for cell in cells)
    say(f"{'cell':{width}}  {'params':>11}  {'MACs':>13}  {'s/trial':>8}  widths x depths")
    total = 0.0
    for cell in cells:
        cost = measure(cell.net)
        train = study.recipe(cell)
        rate = train_rate(cell.net, train, execution, seconds)
        trial = train.epochs * images / rate
        total += trial * each / workers
        say(
            f"{cell.name:{width}}  {cost.params:11,}  {cost.macs:13,}  {trial:8.1f}  "
            f"{_shape(cell)}{_recipe(study, cell)}"
        )
    if len(cells) < len(study.cells):
        again = sum(draw.network is None for draw in study.draws)
        say(
            f"... and {plural(len(study.cells) - len(cells), 'more network')}, taken to be as "
            f"fast as these; {again} of {len(study.draws)} draws were made again"
        )
    say(
        f"\nestimated training: {duration(total)} (steps alone, timed for {seconds:g} s a "
        "cell with nothing beside it; evaluation comes on top)"
    )
    timing = min(_timing_s(study, timing_s, probes), probes_s(total, timing_s))
    trials = len(study.plan()) + len(tuning)
    say(
        f"estimated in all: {duration(total + timing + START_S * trials / workers + AROUND_S)} "
        f"(with {duration(timing)} of timing, and roughly {START_S:g} s to start a trial and "
        f"{AROUND_S:g} s for imports and the report)"
    )
    return total


def _timing_s(study: Study, each: float, probes: bool) -> float:
    """Of timing cells, and the baseline once more, in three quantities; and two layouts."""
    timed = 1 if study.draws else len(study.cells)
    return each * (3 * (timed + 1) + 2 * probes)


def _shape(cell: Cell) -> str:
    """Widths and depths, and how they meet the study's budget."""
    text = f"{list(cell.net.widths)} x {list(cell.net.depths)}"
    if cell.net.net is not None:
        text = str(cell.net.net)
    if cell.matched is None:
        return text
    return (
        f"{text}, {cell.matched.quantity} {cell.matched.residual:+.2%}, "
        f"shape off by {cell.matched.shape_error:.1%}"
    )


def _recipe(study: Study, cell: Cell) -> str:
    """What of a cell's recipe is not the study's."""
    own = difference(study.recipe(cell), study.train)
    return "".join(f", {name} {value}" for name, value in own.items())


def show_claims(file: ClaimsFile, say: Callable[[str], None]) -> None:
    """Say what claims there are, and what of them would be checked."""
    for number, (name, claim) in enumerate(file.claims.items(), start=1):
        say(f"{number}. {name}: {claim.text}")
        for key in ("checks", "corrections"):
            for check in getattr(claim, key):
                given = check.model_dump(exclude_none=True)
                what = ", ".join(f"{name} = {value}" for name, value in given.items())
                say(f"   {key.removesuffix('s')}: {what}")
        for link in claim.studies:
            say(f"   for it, where it holds: {link}")
        for link in claim.against:
            say(f"   against it, where it holds: {link}")


def show_search(search: Search, say: Callable[[str], object]) -> None:
    """Say what a search would do; raises nothing and trains nothing."""
    table, cost = search.file.search, count(search.baseline)
    say(f"{search.name} on {search.data.name}: {search.file.question}")
    say(
        f"{', '.join(table.samplers)}: {plural(table.repeats, 'repeat')} x "
        f"{plural(table.trials, 'network')} each, "
        f"{table.seeds_each} x {plural(search.train.epochs, 'epoch')}; objectives "
        f"{', '.join(table.objectives)}; pruner {table.pruner}"
    )
    for parameter in search.space.parameters:
        step = f" in steps of {parameter.step:g}" if parameter.step else ""
        values = ", ".join(parameter.choices) or f"{parameter.low:g} to {parameter.high:g}{step}"
        say(f"  {parameter.name}: {values}{' (logarithmic)' if parameter.log else ''}")
    for limit in search.space.limits:
        unit = " ms" if limit.quantity == LATENCY else ""
        bound = "the baseline's" if math.isnan(limit.bound) else f"{limit.bound:,.12g}{unit}"
        say(f"  {limit.quantity}: at {'most' if limit.at_most else 'least'} {bound}")
    if search.file.times_latency:
        timed = search.file.latency
        say(f"  latency: inference of a batch of {timed.batch}, {plural(timed.threads, 'thread')}")
    say(
        f"{search.file.baseline}: {cost.params:,} parameters, {cost.macs:,} MACs, "
        f"{list(search.baseline.widths)} x {list(search.baseline.depths)}"
    )
    say(
        f"then {plural(table.finalists, 'finalist')} and {search.file.baseline} x "
        f"{plural(search.file.seeds, 'seed')}, "
        "on test"
    )
