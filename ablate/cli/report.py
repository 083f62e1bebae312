"""The command that makes reports again: `python -m ablate.report RUN_DIR...`."""

import argparse
import sys
from pathlib import Path

from ablate.errors import InputError

BAD_INPUT = 2


def main(argv: list[str] | None = None) -> int:
    """Run the command and return its exit status: 0, or 2 for bad input."""
    parser = _parser()
    args = parser.parse_args(argv)
    if not args.folders and args.index is None:
        parser.error("expected a RUN_DIR such as results/width_doubling/digits, or --index DIR")
    from ablate.report.comparison_page import write_comparison
    from ablate.report.index_page import write_index
    from ablate.report.write import write_findings
    from ablate.results.names import REPORT

    try:
        for folder in args.folders:
            print(f"{write_findings(folder).answer}\n{folder / REPORT}")
        if len(args.folders) > 1:
            print(write_comparison(args.folders, args.out))
        if args.index is not None:
            print(write_index(args.index))
    except (InputError, OSError) as error:
        print(f"ablate: {error}", file=sys.stderr)
        return BAD_INPUT
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ablate.report",
        description="Make summary, figures and report of runs again from their tables, without "
        "torch. Several runs are compared too.",
    )
    parser.add_argument(
        "folders", nargs="*", type=Path, metavar="RUN_DIR", help="such as results/STUDY/DATASET"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("results/comparison"),
        metavar="DIR",
        help="where the comparison of several runs goes (default: results/comparison)",
    )
    parser.add_argument(
        "--index",
        type=Path,
        metavar="DIR",
        help="also write DIR/index.html, of every run in DIR/STUDY/DATASET",
    )
    return parser
