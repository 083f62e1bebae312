"""`ablate slurm`: workers as a Slurm job array."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ablate.cli.options import PASSWORD, add_worker_options, count, positive, worker_of
from ablate.cli.reporting import STATUSES, Parser, reporting
from ablate.engine.cluster.slurm import submit
from ablate.errors import InputError, plural

REQUEUES = 20


def main(argv: Sequence[str] | None = None, prog: str = "ablate slurm") -> int:
    """Submit the jobs and return the exit status: 0, 2 bad input, 130 stopped."""
    args = make_parser(prog).parse_args(argv)
    return reporting(lambda: _submit(args))


def _submit(args: argparse.Namespace) -> int:
    from ablate.engine.storage import find_study_name, is_shared, shown

    try:
        from ablate.engine.cluster.slurm_job import ArrayWorker
    except ImportError as error:
        raise InputError(
            "ablate slurm needs submitit, which is not installed: pip install "
            "'ablate-resnet[slurm]'"
        ) from error
    if args.cluster == "slurm" and not is_shared(args.storage):
        raise InputError(
            f"--storage {shown(args.storage)}: the jobs' machines cannot share a SQLite file; "
            "expected postgresql://... or grpc://HOST:PORT"
        )
    study = find_study_name(args.storage, args.study)
    # Not by the CPUs that the process sees: not every Slurm keeps a job to those it was given.
    workers = args.workers or (1 if args.gpus else args.cpus)
    worker = replace(
        worker_of(args).from_anywhere(),
        study=study,
        workers=workers,
        threads=max(1, args.cpus // workers),
    )
    request: dict[str, Any] = {
        "timeout_min": args.minutes,
        "gpus_per_node": args.gpus or None,
        "cpus_per_task": args.cpus,
        "mem_gb": args.memory,
        "slurm_partition": args.partition,
        "slurm_additional_parameters": dict(args.sbatch),
        # Since Slurm 22.05 srun does not take the number over from sbatch.
        "slurm_srun_args": [f"--cpus-per-task={args.cpus}"],
    }
    jobs = submit(
        ArrayWorker(worker), args.jobs, args.folder, args.cluster, args.requeues, **request
    )
    print(f"{plural(len(jobs), 'worker')} of {study}: jobs {', '.join(job.job_id for job in jobs)}")
    print(f"what they print is in {args.folder}")
    return 0


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!r}: expected NAME=VALUE, such as account=mine")
    return name, value


def make_parser(prog: str) -> Parser:
    """Its options."""
    parser = Parser(
        prog=prog,
        description="Submit workers of a study that `ablate run` has planned, as one Slurm job "
        "array. A job that reaches its time limit is queued again.",
        epilog=f"{PASSWORD} {STATUSES}",
    )
    add_worker_options(parser)
    parser.add_argument("--jobs", required=True, type=count, metavar="N", help="jobs of the array")
    parser.add_argument(
        "--minutes", type=count, default=60, metavar="N", help="time limit of a job (default: 60)"
    )
    parser.add_argument(
        "--cpus", type=count, default=1, metavar="N", help="CPUs of a job (default: 1)"
    )
    parser.add_argument(
        "--gpus", type=int, choices=(0, 1), default=0, help="GPUs of a job (default: 0)"
    )
    parser.add_argument("--memory", type=positive(1e6), metavar="GB", help="memory of a job")
    parser.add_argument("--partition", metavar="NAME", help="Slurm's partition")
    parser.add_argument(
        "--sbatch",
        type=_setting,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="any other option of sbatch, such as account=mine; may be given again",
    )
    parser.add_argument(
        "--requeues",
        type=count,
        default=REQUEUES,
        metavar="N",
        help="how often a job at its time limit is queued again (default: %(default)s)",
    )
    parser.add_argument(
        "--cluster",
        choices=("slurm", "local"),
        default="slurm",
        help="slurm (default), or local: processes on this machine, to try it out",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path("slurm"),
        metavar="DIR",
        help="for the jobs' files and output, seen by all machines (default: slurm)",
    )
    return parser
