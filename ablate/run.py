"""The command line: `python -m ablate.run --study width_doubling`."""

import argparse
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ablate.spec import InputError

if TYPE_CHECKING:
    from ablate.spec import NetSpec
    from ablate.study import Cell, Study

FAILED_TRIALS, BAD_INPUT, INTERRUPTED = 1, 2, 130
MOST_WORKERS = 8


def main(argv: list[str] | None = None) -> int:
    """Run the command and return its exit status: 0, 1 failed trials, 2 bad input, 130 stopped."""
    args = _parser().parse_args(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if args.list:
            return _list()
        return _dry_run(args) if args.dry_run else _run(args)
    except InputError as error:
        print(f"ablate: {error}", file=sys.stderr)
        return BAD_INPUT
    except OSError as error:
        print(f"ablate: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("ablate: stopped; the same command goes on from here", file=sys.stderr)
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ablate.run",
        description="Train every cell of a study under one recipe, and say what it shows.",
        epilog="A run that is stopped goes on where it was when the same command is given again.",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--study", metavar="NAME", help="a study by name, or a path to a .toml file")
    what.add_argument("--list", action="store_true", help="list the studies and their questions")
    parser.add_argument(
        "--dataset",
        default="digits",
        metavar="NAME",
        help="digits (default), cifar10, cifar100, fashion_mnist or svhn",
    )
    parser.add_argument(
        "--data-root",
        type=Path,
        default=Path("data"),
        metavar="DIR",
        help="where torchvision's datasets lie (default: data)",
    )
    parser.add_argument("--download", action="store_true", help="fetch the dataset if missing")
    parser.add_argument("--seeds", type=_count, metavar="N", help="seeds a cell")
    parser.add_argument("--epochs", type=_count, metavar="N", help="epochs a trial")
    parser.add_argument(
        "--workers",
        type=_count,
        metavar="N",
        help="processes that train side by side (default: one a CPU, at most "
        f"{MOST_WORKERS}; one on a GPU)",
    )
    parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda or cuda:N")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("results"),
        metavar="DIR",
        help="where results go, in STUDY/DATASET/ (default: results)",
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="print the plan, its costs and an estimate of the time; train nothing",
    )
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number of 1 or more")
    return int(text)


def _list() -> int:
    from ablate.study import find_studies, question_of

    for name, path in sorted(find_studies().items()):
        print(f"{name:20} {question_of(path)}")
    return 0


def _load(args: argparse.Namespace) -> "Study":
    from ablate.study import find_study, load_study

    path = find_study(args.study)
    kept = None if args.dry_run else args.out / path.stem / args.dataset / "latency.json"

    def latency(net: "NetSpec", batch: int) -> float:
        import torch

        from ablate.machine import cpu_count, pick_device
        from ablate.throughput import MeasuredLatency

        device = torch.device(pick_device(args.device))
        return MeasuredLatency(kept, device, cpu_count())(net, batch)

    return load_study(path, args.dataset, args.seeds, args.epochs, latency)


def _split(args: argparse.Namespace, device: str, trials: int) -> tuple[int, int]:
    """Worker processes, and CPU threads for each."""
    from ablate.machine import cpu_count

    cpus = cpu_count()
    default = 1 if device.startswith("cuda") else min(cpus, MOST_WORKERS)
    workers = min(args.workers or default, max(trials, 1))
    return workers, max(1, cpus // workers)


def _dry_run(args: argparse.Namespace) -> int:
    """Print cells, costs, and the time to train them, from timing a few steps of each."""
    study = _load(args)
    import torch

    from ablate.cost import count
    from ablate.datasets import dataset_info
    from ablate.machine import describe, pick_device
    from ablate.throughput import measure

    device = pick_device(args.device)
    workers, threads = _split(args, device, len(study.plan()))
    images, _, _ = dataset_info(args.dataset).sizes(
        study.data.val_fraction, study.data.test_fraction
    )
    print(f"{study.name} on {args.dataset}: {study.question}")
    print(
        f"{len(study.cells)} cells x {study.seeds} seeds = {len(study.plan())} trials of "
        f"{study.train.epochs} epochs; {workers} workers x {threads} threads on "
        f"{describe(device)['device']}\n"
    )
    width = max(len(cell.name) for cell in study.cells)
    print(f"{'cell':{width}}  {'params':>11}  {'MACs':>13}  {'s/trial':>8}  widths x depths")
    total = 0.0
    for cell in study.cells:
        cost = count(cell.net)
        rate = measure(cell.net, study.train, torch.device(device), threads, seconds=0.3)
        seconds = study.train.epochs * images / rate.train_images_per_s
        total += seconds * study.seeds
        print(
            f"{cell.name:{width}}  {cost.params:11,}  {cost.macs:13,}  {seconds:8.1f}  "
            f"{_shape(cell)}"
        )
    print(
        f"\nestimated training: {_duration(total / workers)} (steps alone, timed for 0.3 s a "
        "cell; evaluation and start-up come on top)"
    )
    return 0


def _run(args: argparse.Namespace) -> int:
    study = _load(args)
    from ablate.machine import pick_device
    from ablate.progress import plain_or_bar
    from ablate.runner import Setup, run_study
    from ablate.wording import text_table

    device = pick_device(args.device)
    workers, threads = _split(args, device, len(study.plan()))
    setup = Setup(
        folder=args.out / study.name / args.dataset,
        data_root=args.data_root,
        download=args.download,
        device=device,
        workers=workers,
        threads=threads,
    )
    result = run_study(study, setup, say=print, progress=plain_or_bar)
    print(
        f"\n{text_table(result.summary)}\n\n{result.answer}\n\nTables and figures: {setup.folder}"
    )
    for failure in result.failures:
        print(f"ablate: {failure}", file=sys.stderr)
    return FAILED_TRIALS if result.failures else 0


def _shape(cell: "Cell") -> str:
    """Widths and depths, and how they meet the study's budget."""
    text = f"{list(cell.net.widths)} x {list(cell.net.depths)}"
    if cell.matched is None:
        return text
    return (
        f"{text}, {cell.matched.quantity} {cell.matched.residual:+.2%}, "
        f"shape off by {cell.matched.shape_error:.1%}"
    )


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


if __name__ == "__main__":
    sys.exit(main())
