"""How every command ends: its exit status, and in one line what went wrong."""

import argparse
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import NoReturn

from ablate.errors import InputError, printable
from ablate.processes import STOPS

FAILED, BAD_INPUT, STOPPED = 1, 2, 130
STATUSES = "Exit status: 0 done, 2 bad input, 130 stopped."
GOES_ON = "stopped; the same command goes on from here"


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line, without the usage, and ends with status 2."""

    def error(self, message: str) -> NoReturn:
        """Say it, and where to read more, and end the process."""
        self.exit(BAD_INPUT, f"ablate: {printable(message)} (see {self.prog} --help)\n")


def reporting(command: Callable[[], int], stopped: str = "stopped") -> int:
    """Run a command; its exit status, or that of what went wrong, said in one line.

    Args:
        command: returns its exit status.
        stopped: what is said when a signal of `STOPS` ends it.
    """
    for name in STOPS:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.default_int_handler)
    try:
        return command()
    except (InputError, OSError) as error:
        print(f"ablate: {printable(str(error))}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print(f"ablate: {stopped}", file=sys.stderr)
        return STOPPED


def given(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> set[str]:
    """The options that a command line names, such as `--epochs`, also with their default.

    Args:
        parser: of the command; it has taken `argv` before.
        argv: as `parse_args` takes it.
    """
    # argparse sets no default where there is a value: what is not `unset` then was given.
    unset = object()
    names = vars(parser.parse_args(argv))
    values = vars(parser.parse_args(argv, argparse.Namespace(**dict.fromkeys(names, unset))))
    return {f"--{name.replace('_', '-')}" for name in names if values[name] is not unset}


def refuse(options: Iterable[str], why: str) -> None:
    """Raise `InputError` if there are any: an option that would do nothing is not ignored."""
    if options:
        raise InputError(f"{', '.join(sorted(options))}: {why}")
