"""`ablate profile`: what a network costs, stage by stage."""

import argparse
from collections.abc import Sequence

from ablate.cli.options import count
from ablate.cli.reporting import STATUSES, Parser, given, refuse, reporting, say_imports
from ablate.errors import InputError
from ablate.networks.elsewhere.fits import find
from ablate.networks.presets import PRESETS, preset
from ablate.spec.network import NetSpec


def main(argv: Sequence[str] | None = None, prog: str = "ablate profile") -> int:
    """Print the table of a preset or of a study's cells; the exit status: 0, 2 bad input, 130."""
    parser = make_parser(prog)
    args = parser.parse_args(argv)

    def command() -> int:
        if args.preset is not None:
            others = given(parser, argv) - {"--preset", "--batch", "--gpu"}
            refuse(others, "only with --study: a preset is one network")
        return _profile(args)

    return reporting(command)


def _profile(args: argparse.Namespace) -> int:
    from ablate.cli.elsewhere_table import predicted
    from ablate.cli.network_table import table

    source, fits = find(args.gpu) if args.gpu is not None else (None, ())
    for name, spec in _networks(args):
        print(f"{name}\n{table(spec, args.batch)}\n")
        if source is not None:
            print(f"{predicted(spec, args.batch, source, fits)}\n")
    return 0


def _networks(args: argparse.Namespace) -> list[tuple[str, NetSpec]]:
    if args.preset is not None:
        return [(args.preset, preset(args.preset))]
    from ablate.study.find import find_study
    from ablate.study.plan import load_study
    from ablate.study.toml_file import read_toml

    toml = read_toml(find_study(args.study))
    say_imports(toml.content)
    study = load_study(toml, args.dataset)
    cells = [cell for cell in study.cells if args.cell in (None, cell.name)]
    if not cells:
        names = ", ".join(cell.name for cell in study.cells)
        raise InputError(f"--cell {args.cell!r}: expected one of {names}")
    return [(f"{study.name}, {cell.name}", cell.net) for cell in cells]


def make_parser(prog: str) -> Parser:
    """Its options."""
    parser = Parser(
        prog=prog,
        description="What a network costs, stage by stage, counted without building it.",
        epilog=STATUSES,
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--preset", metavar="NAME", help=f"one of {', '.join(PRESETS)}")
    what.add_argument("--study", metavar="NAME", help="a study: every cell, or the one of --cell")
    parser.add_argument("--cell", metavar="NAME", help="a cell of the study")
    parser.add_argument("--dataset", default="digits", metavar="NAME", help="default: digits")
    parser.add_argument("--batch", type=count, default=128, metavar="N", help="default: 128")
    parser.add_argument(
        "--gpu",
        metavar="NAME",
        help="predict images a second there, such as rtx4090, from timings of other networks "
        "(benchmarks.gpu_prediction writes a .json of your own)",
    )
    return parser
