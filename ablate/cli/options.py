"""Options that several commands share, and how their values are read."""

import argparse
import math
from collections.abc import Callable
from pathlib import Path

from ablate.engine.worker import Worker
from ablate.processes import DAY_S, MOST_WORKERS

PASSWORD = "A password that is not in the URL is taken from PGPASSWORD or PGPASSFILE."


def add_machine_options(parser: argparse.ArgumentParser) -> None:
    """The options that say how a machine trains, and who is told of it."""
    parser.add_argument(
        "--data-root",
        type=Path,
        default=Path("data"),
        metavar="DIR",
        help="where torchvision's datasets lie, and decoded folders are kept (default: data)",
    )
    parser.add_argument(
        "--workers",
        type=workers,
        metavar="N",
        help="trials side by side, each in a process with its share of the CPUs; auto (default): "
        f"the fastest by a short probe, at most {MOST_WORKERS}; one on a GPU",
    )
    parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda or cuda:N")
    parser.add_argument(
        "--time-limit",
        type=positive(365 * DAY_S),
        metavar="S",
        help="seconds after which a trial counts as hung and is ended (default: a day)",
    )
    parser.add_argument(
        "--tensorboard",
        type=Path,
        metavar="DIR",
        help="write each trial's curves there, for TensorBoard (ablate-resnet[tensorboard])",
    )
    parser.add_argument(
        "--mlflow",
        metavar="URI",
        help="log each trial to this MLflow server (ablate-resnet[mlflow])",
    )


def add_worker_options(parser: argparse.ArgumentParser) -> None:
    """The options of a process that joins a study, whatever starts it."""
    parser.add_argument("--storage", required=True, metavar="URL", help="where the trials are kept")
    parser.add_argument("--study", required=True, metavar="NAME", help="STUDY or STUDY/DATASET")
    parser.add_argument(
        "--checkpoints",
        type=Path,
        default=Path("checkpoints"),
        metavar="DIR",
        help="where the trials' states are kept while they run; where all machines see it, any "
        "goes on with what another has left (default: checkpoints)",
    )
    parser.add_argument(
        "--weights",
        type=Path,
        default=Path("weights"),
        metavar="DIR",
        help="where the weights that trials end with are kept, if `ablate run` was given "
        "--keep-weights: its RESULTS/weights, where all machines see that (default: weights)",
    )
    parser.add_argument(
        "--imports",
        action="append",
        default=[],
        metavar="MODULE",
        help="a module of one's own that the study names and its trials may import here",
    )
    add_machine_options(parser)


def worker_of(args: argparse.Namespace) -> Worker:
    """The worker that the options of `add_worker_options` describe."""
    return Worker(
        storage=args.storage,
        study=args.study,
        workers=args.workers,
        device=args.device,
        data_root=args.data_root,
        checkpoints=args.checkpoints,
        weights=args.weights,
        time_limit_s=args.time_limit,
        imports=tuple(args.imports),
        tensorboard=args.tensorboard,
        mlflow=args.mlflow,
    )


def count(text: str) -> int:
    """Reads a whole number of 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number of 1 or more")
    return int(text)


def workers(text: str) -> int | None:
    """Reads a number of processes, or None for `auto`."""
    return None if text == "auto" else count(text)


def counts(text: str) -> tuple[int, ...]:
    """Reads whole numbers with commas between them."""
    return tuple(count(word) for word in text.split(","))


def positive(most: float) -> Callable[[str], float]:
    """Reads a number above 0 and at most `most`."""

    def number(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not 0 < value <= most:
            raise argparse.ArgumentTypeError(f"{text!r}: expected above 0 and at most {most:g}")
        return value

    return number
