"""Training loops side by side, on the same network and data: `python -m benchmarks.loops`.

Ours, the usual PyTorch loop, Lightning's, timm's, a bare loop, and the rate of matmuls alone.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from ablate.cli.reporting import BAD_INPUT
from ablate.errors import InputError
from ablate.processes import cpu_count
from ablate.training.machine import describe, pick_device
from ablate.training.timing import Times, interleave, speed_ratio
from benchmarks.contenders import OURS, absent, contenders
from benchmarks.equal_work import STEPS, TOLERANCE, UnequalWorkError, prove_equal_work
from benchmarks.limit import matmul_seconds, step_flops
from benchmarks.processes import Settings, running
from benchmarks.saved import last_run, next_path, save
from benchmarks.table import report
from benchmarks.work import NET, RECIPE

PEERS = ("pillow", "lightning", "timm")
FAILED = 1


def main(argv: list[str] | None = None) -> int:
    """Prove equal work, time, print, save; return 0, 1 for unequal work or 2 for bad input."""
    args = _parser().parse_args(argv)
    try:
        settings = Settings(args.images, args.rounds, pick_device(args.device), cpu_count())
        run = measure(settings, args.compiled)
    except InputError as error:
        print(f"benchmarks.loops: {error}", file=sys.stderr)
        return BAD_INPUT
    except UnequalWorkError as error:
        print(f"benchmarks.loops: {error}", file=sys.stderr)
        return FAILED
    last = last_run() if args.compare else None
    print(report(run, last))
    if args.compare and last is None:
        print("nothing saved to compare with")
    path = args.json or next_path()
    save(path, run)
    print(f"saved as {path}")
    return 0


def measure(settings: Settings, compiled: bool = False) -> dict[str, Any]:
    """A run: what is saved, and what `report` prints."""
    entrants = contenders(compiled)
    _tell("proving equal work")
    differences = prove_equal_work(entrants, settings.threads)
    times, matmul = _time(entrants, settings)
    work = settings.work()
    images, flops = work.steps * work.train.batch_size, step_flops(NET)
    machine = describe(settings.device)
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {key: value for key, value in machine.items() if key != "versions"},
        "versions": json.loads(machine["versions"])
        | {name: version(name) for name in PEERS if name not in absent()},
        "settings": asdict(settings),
        "network": asdict(NET),
        "recipe": asdict(RECIPE),
        "proof": {"steps": STEPS, "tolerance": TOLERANCE, "differences": differences},
        "images": images,
        "flops_per_image": flops,
        "seconds": {name: own.tolist() for name, own in times.items()},
        "matmul_seconds_per_flop": matmul.tolist(),
        "ratios": ratios(times),
        "share": asdict(speed_ratio(matmul, times[OURS] / (images * flops))),
        "absent": absent(),
    }


def ratios(times: Mapping[str, Times]) -> dict[str, dict[str, float]]:
    """How many times as fast as each of the others ours is."""
    others = {name: own for name, own in times.items() if name != OURS}
    return {name: asdict(speed_ratio(own, times[OURS])) for name, own in others.items()}


def _time(entrants: Iterable[str], settings: Settings) -> tuple[dict[str, Times], Times]:
    """Seconds of an epoch for each, and of a matmul's operation: (rounds, 2)."""
    _tell("warming up")
    torch.set_num_threads(settings.threads)
    with running(entrants, settings) as epochs:
        visits: list[Callable[[], float]] = [
            *epochs.values(),
            partial(matmul_seconds, torch.device(settings.device)),
        ]
        for visit in visits:
            visit()
        _tell(f"timing {settings.rounds} rounds")
        *times, matmul = interleave(visits, settings.rounds)
    return dict(zip(epochs, times, strict=True)), matmul


def _tell(what: str) -> None:
    print(f"benchmarks.loops: {what}", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.loops", description="Training loops side by side."
    )
    parser.add_argument(
        "--images", type=_at_least(RECIPE.batch_size), default=2048, metavar="N",
        help="random images an epoch, default: 2048",
    )  # fmt: skip
    parser.add_argument(
        "--rounds", type=_at_least(2), default=6, metavar="N",
        help="each times two epochs of every contender, default: 6",
    )  # fmt: skip
    parser.add_argument("--device", default="auto", help="as torch names it, default: auto")
    parser.add_argument("--compiled", action="store_true", help="ours by torch.compile, too")
    parser.add_argument("--compare", action="store_true", help="print the last saved run's ratios")
    parser.add_argument(
        "--json", type=Path, metavar="PATH", help="where to save, default: .benchmarks/loops-NNNN"
    )
    return parser


def _at_least(least: int) -> Callable[[str], int]:
    def count(text: str) -> int:
        if int(text) < least:
            raise argparse.ArgumentTypeError(f"{text}: expected {least} or more")
        return int(text)

    return count


if __name__ == "__main__":
    sys.exit(main())
