"""How every command ends: its exit status, and in one line what went wrong."""

import argparse
import contextlib
import io
import os
import select
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn

from ablate.errors import InputError, printable
from ablate.processes import STOPS

FAILED, BAD_INPUT, STOPPED = 1, 2, 130
UNREAD = 141  # whoever read the output is gone, as `head` when it has enough; 128 + SIGPIPE
STATUSES = "Exit status: 0 done, 2 bad input, 130 stopped."
GOES_ON = "stopped; the same command goes on from here"


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line, without the usage, and ends with status 2."""

    def error(self, message: str) -> NoReturn:
        """Say it, and where to read more, and end the process."""
        self.exit(BAD_INPUT, f"ablate: {printable(message)} (see {self.prog} --help)\n")

    def _print_message(self, message: str, file: Any = None) -> None:
        """As the parser's own, which lets through what `exit` then finds out."""
        with contextlib.suppress(BrokenPipeError):
            super()._print_message(message, file)

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """As the parser's own, also where nobody reads the help any more."""
        super().exit(UNREAD if _unread() else status, message)


def reporting(command: Callable[[], int], stopped: str = "stopped") -> int:
    """Run a command; its exit status, or that of what went wrong, said in one line.

    Args:
        command: returns its exit status.
        stopped: what is said when a signal of `STOPS` ends it.
    """
    os.environ["MPLBACKEND"] = "agg"  # figures go to files, whatever the user draws with
    for stream in (sys.stdout, sys.stderr):  # a letter that a terminal lacks ends nothing
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    for name in STOPS:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.default_int_handler)
    try:
        status = command()
        return UNREAD if _unread() else status
    except (InputError, OSError) as error:
        if isinstance(error, BrokenPipeError) and _unread():
            return UNREAD
        said = str(error)
        if "AF_UNIX path too long" in said:  # of the sockets of processes that train
            said = f"TMPDIR = {tempfile.gettempdir()}: too long; expected a short one, such as /tmp"
        print(f"ablate: {printable(said)}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print(f"ablate: {stopped}", file=sys.stderr)
        return STOPPED


def _unread() -> bool:
    """Whether whoever read our output is gone; what is left of it then goes nowhere."""
    try:
        sys.stdout.flush()
        if not _is_broken(sys.stdout.fileno()):  # what is not buffered leaves nothing to flush
            return False
    except BrokenPipeError:
        pass
    except (OSError, ValueError):  # no file, as where a test captures it; or closed, or full
        return False
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return True


def _is_broken(pipe: int) -> bool:
    """Whether the end of a pipe that reads is closed; no, where the system cannot tell."""
    if not hasattr(select, "poll"):
        return False
    poll = select.poll()
    poll.register(pipe, 0)  # asks for nothing but errors
    return any(events & select.POLLERR for _, events in poll.poll(0))


def given(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> set[str]:
    """The options that a command line names, such as `--epochs`, also with their default.

    Args:
        parser: of the command; it has taken `argv` before.
        argv: as `parse_args` takes it.
    """
    # argparse sets no default where there is a value: what is not `unset` then was given.
    unset: list[object] = []  # a list, since an option that may come several times appends to it
    names = vars(parser.parse_args(argv))
    values = vars(parser.parse_args(argv, argparse.Namespace(**dict.fromkeys(names, unset))))
    return {f"--{name.replace('_', '-')}" for name in names if values[name] is not unset}


def refuse(options: Iterable[str], why: str) -> None:
    """Raise `InputError` if there are any: an option that would do nothing is not ignored."""
    if options:
        raise InputError(f"{', '.join(sorted(options))}: {why}")


def say_imports(content: Mapping[str, Any]) -> None:
    """Say which modules of one's own a study file, of those tables, has imported."""
    from ablate.study.own import own_modules

    for module in own_modules(content):
        print(f"imports {module}, which the study file names", file=sys.stderr)
