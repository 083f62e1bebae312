"""A worker: it joins a study that a launcher has planned, from any machine."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ablate.errors import InputError

if TYPE_CHECKING:
    from ablate.engine.progress import Progress
    from ablate.engine.supervisor import Done, Tracker


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
    from ablate.data.dataset import load
    from ablate.engine.child import training_of
    from ablate.engine.exploring import ExploringQueue
    from ablate.engine.preparation import usual_split
    from ablate.engine.storage import find_study_name
    from ablate.engine.supervisor import supervise
    from ablate.processes import cpu_count
    from ablate.spec import DataSpec
    from ablate.training.execution import Execution
    from ablate.training.machine import pick_device

    queue = ExploringQueue(storage, find_study_name(storage, study))
    try:
        job = queue.recall("job")
        if job is None:
            raise InputError(f"--study {study}: was not planned by `ablate run`")
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
