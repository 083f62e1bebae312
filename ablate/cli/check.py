"""`ablate check`: verify runs."""

from collections.abc import Sequence
from pathlib import Path

from ablate.cli.reporting import FAILED, Parser, reporting
from ablate.errors import printable


def main(argv: Sequence[str] | None = None, prog: str = "ablate check") -> int:
    """Run the command and return its exit status: 0, 1 where there is a fault, 2, 130."""
    args = make_parser(prog).parse_args(argv)
    return reporting(lambda: _check(args.folders))


def _check(folders: list[Path]) -> int:
    from ablate.report.tables.check import verify_judged, verify_study
    from ablate.report.tables.kept import is_judged
    from ablate.report.tables.write_study import is_study
    from ablate.report.write import write_copy
    from ablate.results.check import verify

    faults = 0
    for folder in folders:
        print(folder)
        if is_study(folder):
            lines = verify_study(folder)
        else:
            lines = verify_judged(folder) if is_judged(folder) else verify(folder, write_copy)
        for line in lines:
            print(printable(f"{line.level:5}  {line.check}: {line.text}"), flush=True)
            faults += line.level == "FAULT"
    print(f"{faults or 'no'} fault{'s' if faults > 1 else ''}")
    return FAILED if faults else 0


def make_parser(prog: str) -> Parser:
    """Its options."""
    parser = Parser(
        prog=prog,
        description="Verify runs: schema, hashes, manifest and storage against the tables, seeds "
        "paired, versions equal, findings as made anew. Nothing is changed, and torch is not "
        "needed.",
        epilog="Exit status: 0 no fault, 1 a fault, 2 bad input, 130 stopped.",
    )
    parser.add_argument(
        "folders", nargs="+", type=Path, metavar="RUN_DIR", help="such as results/STUDY/DATASET"
    )
    return parser
