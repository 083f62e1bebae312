"""Join a study from any machine: `python -m ablate.worker --storage URL --study NAME`."""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ablate.options import TRIAL_IMPORTS, add_worker_options, reporting
from ablate.processes import prepare_forks, wait_politely
from ablate.spec import InputError

if TYPE_CHECKING:
    from ablate.progress import Progress
    from ablate.supervisor import Done, Tracker


def work(
    storage: str,
    study: str,
    *,
    workers: int | None = None,
    threads: int | None = None,
    device: str = "auto",
    data_root: Path = Path("data"),
    checkpoints: Path = Path("checkpoints"),
    time_limit_s: float | None = None,
    trackers: "Sequence[Tracker]" = (),
    progress: "Progress | None" = None,
) -> "Iterator[Done]":
    """Run trials of a study that a launcher has planned, until it is done; yield each as it ends.

    Args:
        storage: the storage's URL.
        study: `STUDY/DATASET`, or `STUDY` where the storage has one of that name.
        workers: trials at once; one a CPU, or one on a GPU, if None.
        threads: CPU threads of each; an equal share if None.
        device: as torch names it, or auto.
        data_root: where the dataset lies here.
        checkpoints: where the trials' states are kept; on a file system that all machines share,
            any of them takes up what another has left.
        time_limit_s: of one trial; the launcher's if None.
        trackers: told how it goes.
        progress: shows the trials as they end.

    Raises:
        InputError: no such study there, or its dataset is not here.
        KeyboardInterrupt: asked to stop; what ran was queued again.
    """
    from ablate.data import load
    from ablate.execution import Execution
    from ablate.machine import cpu_count, pick_device
    from ablate.preparation import usual_split
    from ablate.search_queue import ExploringQueue
    from ablate.spec import DataSpec
    from ablate.storage import find_study_name
    from ablate.supervisor import supervise
    from ablate.trial_process import training_of

    queue = ExploringQueue(storage, find_study_name(storage, study))
    try:
        job = queue.recall("job")
        if job is None:
            raise InputError(f"--study {study}: was not planned by python -m ablate.run")
        load(DataSpec(**job["data"]), data_root)  # or say at once that it is not here
        execution = Execution(device=pick_device(device), threads=cpu_count())
        while True:
            left, job = queue.unfinished(), queue.recall("job")
            slots, share = usual_split(execution, workers, max(1, left))
            training = training_of(job, data_root, checkpoints, execution.device, threads or share)
            limit = time_limit_s or job["time_limit_s"]
            done = supervise(queue, training, slots, limit, trackers)
            yield from done if progress is None else progress(done, left, "trial")
            if not queue.recall("more"):  # the launcher tunes first, and plans the rest then
                return
            time.sleep(1.0)
    finally:
        queue.close()


def main(argv: list[str] | None = None) -> int:
    """Run the command and return its exit status: 0, 2 bad input, 130 stopped."""
    args = _parser().parse_args(argv)
    wait_politely()
    prepare_forks(TRIAL_IMPORTS)  # imports beside us what takes us as long
    return reporting(lambda: _work(args))


def _work(args: argparse.Namespace) -> int:
    from ablate.progress import plain_or_bar
    from ablate.trackers import tracking

    with tracking(args.study.partition("/")[0], args.tensorboard, args.mlflow) as trackers:
        done = work(
            args.storage,
            args.study,
            workers=args.workers,
            device=args.device,
            data_root=args.data_root,
            checkpoints=args.checkpoints,
            time_limit_s=args.time_limit,
            trackers=trackers,
            progress=plain_or_bar,
        )
        for _ in done:
            pass
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ablate.worker",
        description="Run trials of a study that python -m ablate.run has planned on a storage.",
        epilog="A password that is not in the URL is taken from PGPASSWORD or PGPASSFILE.",
    )
    add_worker_options(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
