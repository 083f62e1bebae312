"""Workers of a study as a Slurm job array."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablate.errors import InputError

if TYPE_CHECKING:
    from submitit import Job

    from ablate.engine.cluster.slurm_job import ArrayWorker


def submit(
    worker: "ArrayWorker", jobs: int, folder: Path, cluster: str, requeues: int, **request: Any
) -> "list[Job[None]]":
    """Submit `jobs` workers, on Slurm as one array.

    Args:
        worker: what each does.
        jobs: how many.
        folder: where submitit keeps what it sends and the jobs' output; all machines see it. It
            is made for its owner alone: the storage's URL lies there.
        cluster: `slurm`, or `local` for processes on this machine.
        requeues: how often a job is queued again that has reached its time limit.
        request: submitit's parameters of a job, such as `timeout_min`.

    Raises:
        InputError: there is no Slurm here, or it refuses the jobs.
    """
    from submitit import AutoExecutor
    from submitit.core.utils import FailedJobError, FailedSubmissionError

    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        executor = AutoExecutor(
            folder, cluster, slurm_max_num_timeout=requeues, local_max_num_timeout=requeues
        )
        executor.update_parameters(
            name="ablate",
            slurm_array_parallelism=jobs,
            stderr_to_stdout=True,
            **request,
        )
        with executor.batch():
            submitted = [executor.submit(worker) for _ in range(jobs)]
    except (RuntimeError, FailedJobError, FailedSubmissionError) as error:
        line = " ".join(str(error).split())
        raise InputError(f"--cluster {cluster}: nothing was submitted ({line})") from error
    return submitted
