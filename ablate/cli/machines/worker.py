"""`ablate worker`: join a study from any machine."""

import argparse
from collections.abc import Sequence

from ablate.cli.options import PASSWORD, add_worker_options, worker_of
from ablate.cli.reporting import GOES_ON, STATUSES, Parser, reporting
from ablate.processes import TRIAL_IMPORTS, prepare_forks, wait_politely


def main(argv: Sequence[str] | None = None, prog: str = "ablate worker") -> int:
    """Run the command and return its exit status: 0, 2 bad input, 130 stopped."""
    args = make_parser(prog).parse_args(argv)
    wait_politely()
    prepare_forks(TRIAL_IMPORTS)  # imports beside us what takes us as long
    return reporting(lambda: _work(args), GOES_ON)


def _work(args: argparse.Namespace) -> int:
    from ablate.engine.progress import plain_or_bar

    for _ in worker_of(args).run(plain_or_bar):
        pass
    return 0


def make_parser(prog: str) -> Parser:
    """Its options."""
    parser = Parser(
        prog=prog,
        description="Run trials of a study that `ablate run` has planned on a storage.",
        epilog=f"{PASSWORD} {STATUSES}",
    )
    add_worker_options(parser)
    return parser
