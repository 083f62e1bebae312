"""`ablate run`: train a study, search for networks, or check claims."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ablate.cli.options import add_machine_options, count, counts, positive
from ablate.cli.reporting import FAILED, GOES_ON, Parser, given, refuse, reporting, say_imports
from ablate.errors import InputError
from ablate.processes import DAY_S, TRIAL_IMPORTS, prepare_forks, wait_politely

if TYPE_CHECKING:
    from ablate.data.catalog import DatasetInfo
    from ablate.engine.runner import Setup
    from ablate.spec.network import NetSpec
    from ablate.study.plan import Study
    from ablate.study.toml_file import Toml
    from ablate.training.execution import Execution


LONGEST_TIMING_S = 600


def main(argv: Sequence[str] | None = None, prog: str = "ablate run") -> int:
    """Run the command and return its exit status: 0, 1 failed trials, 2 bad input, 130 stopped."""
    parser = make_parser(prog)
    args = parser.parse_args(argv)
    wait_politely()
    return reporting(lambda: _command(args, given(parser, argv)), GOES_ON)


def _command(args: argparse.Namespace, options: set[str]) -> int:
    """What is asked for, unless there are options that it does not use."""
    if args.list:
        refuse(options - {"--list"}, "not used by --list")
        from ablate.cli.list import show_studies

        return show_studies()
    if args.engine != "ray":
        refuse(options & {"--ray-cpus", "--ray-gpus"}, "only with --engine ray")
    from ablate.study.find import find_study, kind_of
    from ablate.study.toml_file import read_toml

    toml = read_toml(find_study(args.study))
    kind = kind_of(toml)
    if kind == "claims":
        why = f"--study {args.study} checks claims and trains nothing; it takes only --out and "
        refuse(options - {"--study", "--out", "--dry-run"}, f"{why}--dry-run")
        return _claims(args)
    if kind == "table":
        why = f"--study {args.study} judges a table and trains nothing; it takes only --table and "
        refuse(options - {"--study", "--out", "--table"}, f"{why}--out")
        from ablate.cli.tables.study import judge_table

        return judge_table(toml, args.table, args.out)
    refuse(options & {"--table"}, "only for a study of kind `table`")
    say_imports(toml.content)
    if kind == "search":
        return _search(args, toml)
    return _dry_run(args, toml) if args.dry_run else _run(args, toml)


def make_parser(prog: str) -> Parser:
    """Its options."""
    parser = Parser(
        prog=prog,
        description="Train every cell of a study under one recipe, and say what it shows.",
        epilog="A run that is stopped goes on where it was when the same command is given again. "
        "Exit status: 0 done, 1 failed trials, 2 bad input, 130 stopped.",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--study", metavar="NAME", help="a study by name, or a path to a .toml file")
    what.add_argument("--list", action="store_true", help="list the studies and their questions")
    parser.add_argument(
        "--dataset",
        default="digits",
        metavar="NAME",
        help="digits (default), cifar10, cifar100, fashion_mnist, svhn, or folder:PATH for your "
        "own images in PATH/train/CLASS/ and PATH/test/CLASS/",
    )
    parser.add_argument(
        "--image-size",
        type=count,
        metavar="N",
        help="pixels that a folder's images are scaled and cropped to (default: as they are)",
    )
    parser.add_argument(
        "--subset",
        type=positive(1),
        default=1.0,
        metavar="F",
        help="train and validate on this fraction of the images, of each class alike; the test "
        "split stays whole (default: 1)",
    )
    parser.add_argument("--download", action="store_true", help="fetch the dataset if missing")
    parser.add_argument("--seeds", type=count, metavar="N", help="seeds a cell")
    parser.add_argument("--epochs", type=count, metavar="N", help="epochs a trial")
    parser.add_argument(
        "--spread",
        type=positive(100),
        metavar="POINTS",
        help="standard deviation of the test accuracy over seeds, in percentage points, by which "
        "is said what the planned seeds can show (default: that of published runs on the dataset)",
    )
    add_machine_options(parser)
    parser.add_argument(
        "--storage",
        metavar="URL",
        help="keep the trials in postgresql://USER@HOST/DATABASE or behind grpc://HOST:PORT, so "
        "that other machines can join (ablate worker), or in sqlite:///FILE, for workers on this "
        "machine; default: a file with the results",
    )
    parser.add_argument(
        "--engine",
        choices=("here", "ray"),
        default="here",
        help="here (default): processes of this machine; ray: tasks of a Ray cluster "
        "(ablate-resnet[ray])",
    )
    parser.add_argument(
        "--ray-cpus", type=count, default=1, metavar="N", help="CPUs of a Ray task (default: 1)"
    )
    parser.add_argument(
        "--ray-gpus",
        type=positive(1),
        default=0.0,
        metavar="F",
        help="share of a GPU of a Ray task (default: none)",
    )
    parser.add_argument(
        "--retry",
        action="store_true",
        help="try again the trials that failed, ran out of memory or out of time",
    )
    parser.add_argument(
        "--layout",
        choices=("auto", "contiguous", "channels_last"),
        default="auto",
        help="of tensors, in all arms; auto (default): channels_last where a probe finds it safe "
        "and faster",
    )
    parser.add_argument(
        "--compile",
        action="store_true",
        help="compile each network (torch.compile; on a GPU with CUDA graphs); takes a C++ "
        "compiler, and some time for each network",
    )
    parser.add_argument(
        "--deterministic",
        action="store_true",
        help="refuse operators whose result can differ from run to run (matters on a GPU)",
    )
    parser.add_argument(
        "--batch-sweep",
        type=counts,
        default=(),
        metavar="N,N,...",
        help="also time each cell at these batch sizes (throughput.csv)",
    )
    parser.add_argument(
        "--mechanism",
        action="store_true",
        help="also measure each trained network stage by stage: linear probe, effective rank, dead "
        "channels, gradient, accuracy without a block (mechanism.csv)",
    )
    parser.add_argument(
        "--keep-weights",
        action="store_true",
        help="keep the weights that each trial ends with, in weights/KEY.safetensors of its "
        "results (for `ablate export`)",
    )
    parser.add_argument(
        "--timing-seconds",
        type=positive(LONGEST_TIMING_S),
        default=0.5,
        metavar="S",
        help="of timing each cell and quantity before the training (default: 0.5)",
    )
    parser.add_argument(
        "--table",
        type=Path,
        metavar="PATH",
        help="of a study of kind `table`: where the table lies (default: as the file says)",
    )
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


def _claims(args: argparse.Namespace) -> int:
    """Check claims, or with --dry-run print them."""
    from ablate.cli.dry_run import show_claims
    from ablate.networks.weights.torchvision import residual_networks, stage_table
    from ablate.report.claims.file import read_claims
    from ablate.report.claims.page import write
    from ablate.report.claims.verdict import judge
    from ablate.results.published import published_root
    from ablate.study.find import find_studies, find_study

    path = find_study(args.study)
    file = read_claims(path, find_studies(), residual_networks())
    if args.dry_run:
        show_claims(file, say=print)
        return 0
    networks = stage_table(file.networks)
    judged = judge(file, networks, args.out, published_root())
    summary, report = write(path, file.question, judged, networks, args.out)
    print(f"{summary}\nReport: {report}")
    return 0


def _dataset(args: argparse.Namespace) -> "DatasetInfo":
    """What is known of the dataset; a folder of images is decoded first."""
    from ablate.data.sources import find_dataset
    from ablate.engine.progress import plain_or_bar
    from ablate.processes import cpu_count

    info = find_dataset(args.dataset, args.image_size, args.data_root, cpu_count(), plain_or_bar)
    if info.note:
        print(f"{args.dataset}: {info.note}", file=sys.stderr)
    return info


def _load(args: argparse.Namespace, toml: "Toml") -> "tuple[Study, DatasetInfo]":
    """The study, and what is known of its dataset."""
    from ablate.processes import cpu_count
    from ablate.results.names import LATENCY
    from ablate.study.plan import load_study

    info = _dataset(args)
    kept = None if args.dry_run else _folder(args, toml.path.stem, info) / LATENCY

    def latency(net: "NetSpec", batch: int) -> float:
        import torch

        from ablate.training.machine import pick_device
        from ablate.training.throughput import MeasuredLatency

        device = torch.device(pick_device(args.device))
        return MeasuredLatency(kept, device, cpu_count())(net, batch)

    study = load_study(toml, info, args.seeds, args.epochs, latency, args.subset, args.mechanism)
    return study, info


def _folder(args: argparse.Namespace, study: str, info: "DatasetInfo") -> Path:
    """Where the results go."""
    folder: Path = args.out / study / info.name.replace(":", "-")
    return folder


def _execution(args: argparse.Namespace, threads: int) -> "Execution":
    from ablate.training.execution import Execution
    from ablate.training.machine import pick_device

    return Execution(
        device=pick_device(args.device),
        threads=threads,
        channels_last=args.layout == "channels_last",
        compiled=args.compile,
        deterministic=args.deterministic,
    )


def _dry_run(args: argparse.Namespace, toml: "Toml") -> int:
    """Print cells, costs, and the time to train them; train nothing."""
    study, info = _load(args, toml)
    from ablate.cli.dry_run import show_plan
    from ablate.cli.power import show_power
    from ablate.engine.preparation import usual_cpu_split
    from ablate.processes import cpu_count

    execution = _execution(args, cpu_count())
    workers, threads = usual_cpu_split(execution, args.workers, len(study.plan()))
    execution = replace(execution, threads=threads)
    images = info.sizes(study.data)[0]
    timing = {"timing_s": args.timing_seconds, "probes": args.layout == "auto"}
    show_plan(study, images, execution, workers, say=print, **timing)
    show_power(study, toml, _spread(args), say=print)
    return 0


def _spread(args: argparse.Namespace) -> float | None:
    """The spread over seeds that is given, as a fraction."""
    return None if args.spread is None else float(args.spread) / 100


def _search(args: argparse.Namespace, toml: "Toml") -> int:
    """Search for networks, or with --dry-run say how; a search has no mechanism to measure."""
    from ablate.engine.progress import plain_or_bar
    from ablate.search.plan import load_search

    for name in ("mechanism", "batch_sweep", "retry", "spread"):
        if getattr(args, name):
            raise InputError(f"--{name.replace('_', '-')}: not for a search; leave it out")
    if args.engine != "here":
        raise InputError(f"--engine {args.engine}: not for a search; start `ablate worker` instead")
    info = _dataset(args)
    search = load_search(toml, info, args.seeds, args.epochs, args.subset)
    if not args.dry_run:
        prepare_forks(TRIAL_IMPORTS)
    from ablate.cli.dry_run import show_search
    from ablate.engine.runner import locked
    from ablate.search.runner import run_search

    if args.dry_run:
        show_search(search, say=print)
        return 0
    setup = _setup(args, search.name, info)
    with locked(setup.folder):
        return _show(setup, run_search(search, info, setup, say=print, progress=plain_or_bar))


def _run(args: argparse.Namespace, toml: "Toml") -> int:
    study, info = _load(args, toml)
    print(study.title)  # before all that takes long to import
    prepare_forks(TRIAL_IMPORTS)  # imports beside us what takes us as long
    from ablate.cli.power import power_warning
    from ablate.engine.progress import plain_or_bar
    from ablate.engine.runner import locked, run_study

    setup = _setup(args, study.name, info)
    warning = power_warning(study, toml, _spread(args))
    if warning:
        print(f"warning: {warning}")
    with locked(setup.folder):
        return _show(setup, run_study(study, setup, say=print, progress=plain_or_bar))


def _setup(args: argparse.Namespace, study: str, info: "DatasetInfo") -> "Setup":
    from ablate.engine.cluster.ray_workers import RayShare
    from ablate.engine.runner import Setup
    from ablate.processes import cpu_count

    return Setup(
        folder=_folder(args, study, info),
        data_root=args.data_root,
        download=args.download,
        execution=_execution(args, cpu_count()),
        pick_layout=args.layout == "auto",
        workers=args.workers,
        batches=args.batch_sweep,
        timing_s=args.timing_seconds,
        storage=args.storage,
        retry=args.retry,
        time_limit_s=args.time_limit or DAY_S,
        tensorboard=args.tensorboard,
        mlflow=args.mlflow,
        keep_weights=args.keep_weights,
        ray=RayShare(cpus=args.ray_cpus, gpus=args.ray_gpus) if args.engine == "ray" else None,
    )


def _show(setup: "Setup", failures: Sequence[str]) -> int:
    """Write and say what a run has shown; its exit status."""
    from ablate.analysis.verdicts.verdict import prediction_lines
    from ablate.analysis.wording import text_table
    from ablate.report.index_page import write_index
    from ablate.report.write import write_findings
    from ablate.results.names import REPORT

    root = setup.folder.parent.parent
    found, verdict = write_findings(setup.folder, root)
    write_index(root)
    print("\n" + "\n".join(verdict.lines()))
    print(f"\n{text_table(found.summary)}\n")
    for line in prediction_lines(found, verdict):
        print(line)
    print(f"\nReport: {setup.folder / REPORT}")
    for failure in failures:
        print(f"ablate: {failure}", file=sys.stderr)
    if failures:
        print("ablate: --retry tries again what failed", file=sys.stderr)
    return FAILED if failures else 0
