"""A search from start to end: explore on validation, then confirm what was found on test."""

import tomllib
from collections.abc import Callable
from dataclasses import replace

import torch

from ablate.data.catalog import DatasetInfo
from ablate.data.dataset import load
from ablate.engine.preparation import usual_cpu_split
from ablate.engine.progress import Progress
from ablate.engine.runner import Setup, locked, run_study
from ablate.engine.supervisor import supervise
from ablate.engine.trial_process import Training
from ablate.engine.weights import say_kept, say_unkept
from ablate.errors import InputError, plural
from ablate.processes import cpu_count
from ablate.results.names import CHECKPOINTS, LATENCY
from ablate.search.baseline import Timing, baseline_of, read_baseline, write_baseline
from ablate.search.chain import Latency
from ablate.search.confirmation import write_confirmation
from ablate.search.explored import Explored, write_explored
from ablate.search.plan import Search
from ablate.search.queue import SearchQueue
from ablate.search.words import finalist_lines, notes
from ablate.spec.network import NetSpec
from ablate.spec.trial import content_hash
from ablate.study.own import own_modules
from ablate.study.plan import load_study
from ablate.training.execution import Execution, set_up
from ablate.training.machine import describe
from ablate.training.throughput import MeasuredLatency, latency_control
from ablate.training.timing import control_is_off

Say = Callable[[str], None]


def run_search(
    search: Search, info: DatasetInfo, setup: Setup, say: Say, progress: Progress
) -> tuple[str, ...]:
    """Run what is left of a search, confirm its finalists, and write the tables of both.

    Returns a line for each trial of the confirmation that failed.

    Exploring looks at the validation split alone. The finalists and the baseline are then an
    ordinary study, with seeds that exploring never used and one test evaluation a trial.

    Args:
        search: what is looked for, and how.
        info: the dataset.
        setup: where and on what to run; its layout is the same in both parts.
        say: prints a line.
        progress: shows trials as they end.

    Raises:
        InputError: the dataset is missing, the folder is in use or cannot be written, or nothing
            that may be trained was found.
        KeyboardInterrupt: after the tables of what is done were written.
    """
    say(f"{search.name} on {search.data.name}: {search.file.question}")
    explored = _explore(search, setup, say, progress)
    if explored.networks["finalist"].isna().all():
        raise InputError(f"{search.path}: no network that may be trained was found; see [limits]")
    for prediction in explored.comparisons.to_dict("records"):
        say(f"{prediction['verdict']}: {prediction['says']}\n    {prediction['sentence']}")
    path = setup.folder / f"{search.name}.toml"
    write_confirmation(path, search, explored)
    return run_study(load_study(path, info, subset=search.data.subset), setup, say, progress)


def _explore(search: Search, setup: Setup, say: Say, progress: Progress) -> Explored:
    device = set_up(setup.execution)
    load(search.data, setup.data_root, setup.download)  # or say at once that it is not here
    table = search.file.search
    most = len(table.samplers) * table.repeats * table.trials * table.seeds_each
    slots, threads = usual_cpu_split(
        setup.execution, setup.workers, len(table.samplers) * table.repeats * table.at_once
    )
    training = Training(
        data=search.data,
        data_root=setup.data_root,
        execution=replace(setup.execution, threads=threads),
        mechanism=False,
        checkpoints=setup.folder / CHECKPOINTS,
        weights=setup.weights,
        imports=tuple(own_modules(tomllib.loads(search.source))),
    )
    with locked(setup.folder), setup.tracked(search.name) as trackers:
        search, latency = _measured(search, setup, device)
        queue = SearchQueue(setup.storage_url, f"{search.name}/{search.data.name}", search, latency)
        try:
            queue.remember("job", training.to_job() | {"time_limit_s": setup.time_limit_s})
            say(
                f"exploring up to {most:,} trials on validation; {plural(slots, 'worker')} x "
                f"{plural(threads, 'thread')}, on {describe(setup.execution.device)['device']}"
            )
            outcomes = queue.outcomes()
            say_unkept(setup.weights, outcomes, outcomes, say)
            done = supervise(queue, training, slots, setup.time_limit_s, trackers)
            try:
                for _ in progress(done, most - len(outcomes), "trial"):
                    pass
                outcomes = queue.outcomes()
                say_kept(setup.weights, outcomes, outcomes, say)
            finally:
                explored = write_explored(setup.folder, search, queue.rows())
        finally:
            queue.close()
    front = (explored.networks["rank"] == 1).sum()
    beyond = (explored.rows["state"] == "infeasible").sum()
    say(
        f"{len(explored.networks):,} networks were trained, {front:,} are on the front; "
        f"{beyond:,} that may not be trained were drawn, and were not"
    )
    for line in (*finalist_lines(explored), *notes(explored)):
        say(line)
    return explored


def _timing(
    search: Search, setup: Setup, device: torch.device, measured: MeasuredLatency
) -> Timing:
    """The baseline's latency, and its control: as an earlier try of the run has found them."""
    batch, threads = search.file.latency.batch, search.file.latency.threads
    name = describe(str(device))["device"]
    kept = read_baseline(setup.folder)
    same = (content_hash(search.baseline), batch, threads, name)
    if (
        kept
        and (timing := kept.timing)
        and same
        == (
            kept.net,
            timing.latency_batch,
            timing.latency_threads,
            timing.latency_device,
        )
    ):
        return timing
    latency = 1e3 * measured(search.baseline, batch)
    control = latency_control(
        search.baseline, batch, Execution(device=str(device), threads=threads), setup.timing_s
    )
    assert control is not None, "a network that was timed alone fits twice"
    return Timing(
        latency_batch=batch,
        latency_threads=threads,
        latency_device=name,
        latency=latency,
        latency_control=control.value,
        latency_control_low=control.low,
        latency_control_high=control.high,
        latency_control_off=control_is_off(control),
    )


def _measured(search: Search, setup: Setup, device: torch.device) -> tuple[Search, Latency | None]:
    """The search at the baseline's latency, and what times a network, where any is timed."""
    if not search.file.times_latency:
        write_baseline(setup.folder, baseline_of(search.baseline))
        return search, None
    batch, threads = search.file.latency.batch, search.file.latency.threads
    if threads > cpu_count():
        raise InputError(
            f"{search.path}: latency.threads = {threads}: expected at most the {cpu_count()} CPUs "
            "that this process has"
        )
    measured = MeasuredLatency(setup.folder / LATENCY, device, threads)
    timing = _timing(search, setup, device, measured)
    write_baseline(setup.folder, baseline_of(search.baseline, timing))

    def latency(net: NetSpec) -> float:
        return 1e3 * measured(net, batch)

    return search.at_latency(timing.latency), latency
