"""`ablate worker`: join a study from any machine."""

import argparse

from ablate.cli.options import add_worker_options, reporting, worker_of
from ablate.processes import TRIAL_IMPORTS, prepare_forks, wait_politely


def main(argv: list[str] | None = None) -> int:
    """Run the command and return its exit status: 0, 2 bad input, 130 stopped."""
    args = _parser().parse_args(argv)
    wait_politely()
    prepare_forks(TRIAL_IMPORTS)  # imports beside us what takes us as long
    return reporting(lambda: _work(args))


def _work(args: argparse.Namespace) -> int:
    from ablate.engine.progress import plain_or_bar

    for _ in worker_of(args).run(plain_or_bar):
        pass
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ablate.worker",
        description="Run trials of a study that python -m ablate.run has planned on a storage.",
        epilog="A password that is not in the URL is taken from PGPASSWORD or PGPASSFILE.",
    )
    add_worker_options(parser)
    return parser
