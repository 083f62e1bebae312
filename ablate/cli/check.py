"""The command that verifies runs: `python -m ablate.check RUN_DIR...`."""

import argparse
import sys
from pathlib import Path

from ablate.errors import InputError, printable

FAULTS, BAD_INPUT = 1, 2


def main(argv: list[str] | None = None) -> int:
    """Run the command and return its exit status: 0, 1 where there is a fault, 2 bad input."""
    args = _parser().parse_args(argv)
    from ablate.report.write import write_findings
    from ablate.results.check import verify

    faults = 0
    try:
        for folder in args.folders:
            print(folder)
            for line in verify(folder, write_findings):
                print(printable(f"{line.level:5}  {line.check}: {line.text}"), flush=True)
                faults += line.level == "FAULT"
    except (InputError, OSError) as error:
        print(f"ablate: {printable(str(error))}", file=sys.stderr)
        return BAD_INPUT
    print(f"{faults or 'no'} fault{'s' if faults > 1 else ''}")
    return FAULTS if faults else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ablate.check",
        description="Verify runs: schema, hashes, manifest and storage against the tables, seeds "
        "paired, versions equal, findings as made anew. Nothing is changed, and torch is not "
        "needed.",
        epilog="Exit status: 0 no fault, 1 a fault, 2 bad input.",
    )
    parser.add_argument(
        "folders", nargs="+", type=Path, metavar="RUN_DIR", help="such as results/STUDY/DATASET"
    )
    return parser
