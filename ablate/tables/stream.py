"""Rows that come one by one, as CSV with a header or as JSON lines, and what is said of each.

Nothing is kept but what was read: the same rows from the start are answered the same.
"""

import csv
import dataclasses
import itertools
import json
import math
import sys
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ablate.errors import InputError, nearest
from ablate.statistics.stream import LEAST, Decision, Rule, Stream
from ablate.tables.cells import spelled

STDIN = "-"
WAIT = 0.5  # seconds between looks at a file that grows


@dataclass(frozen=True, kw_only=True)
class Run:
    """A row: the name of what was run, and its outcome; row counts from 1, below a header."""

    row: int
    name: str
    value: float


def checked(rule: Rule) -> Rule:
    """The rule; raises `InputError` where its settings are out of range."""
    if not 0 < rule.error <= 0.5:
        raise InputError(f"error is {rule.error:g}; expected above 0 and at most 0.5")
    if rule.proposals is not None and rule.proposals < 1:
        raise InputError(f"proposals is {rule.proposals}; expected 1 or more")
    if not LEAST <= rule.most_runs <= 1000:
        raise InputError(f"most runs is {rule.most_runs}; expected {LEAST} to 1000")
    return rule


def lines(source: str, follow: bool = False) -> Iterator[str]:
    """Lines of a file, or of standard input where the source is `-`, as they come.

    Args:
        source: path, or `-`.
        follow: wait for more at the end of a file, until the process is stopped.

    Raises:
        InputError: no such file, or not UTF-8 text.
    """
    try:
        if source == STDIN:
            yield from sys.stdin
            return
        with Path(source).open(encoding="utf-8", newline="") as stream:
            part = ""
            while True:
                part += stream.readline()
                if part.endswith("\n"):
                    yield part
                    part = ""
                elif follow:
                    time.sleep(WAIT)
                else:
                    break
            if part:
                yield part
    except FileNotFoundError as error:
        raise InputError(f"{source}: no such file") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{source}: is not UTF-8 text") from error
    except OSError as error:
        raise InputError(f"{source}: cannot be read: {error.strerror}") from error


def runs(source: str, text: Iterable[str], arm: str, outcome: str) -> Iterator[Run]:
    """The rows of a stream.

    Args:
        source: what messages call it.
        text: its lines: JSON lines where the first begins with a brace, else CSV with a header.
        arm, outcome: columns.

    Raises:
        InputError: one line with the source, the row and what would be right.
    """
    text = iter(text)
    first = next((line for line in text if line.strip()), None)
    if first is None:
        raise InputError(f"{source}: holds no row")
    if first.lstrip().startswith("{"):
        rows = _json(source, first, text)
    else:
        rows = _csv(source, first, text, (arm, outcome))
    count = 0
    for count, cells in enumerate(rows, 1):
        for column in (arm, outcome):
            if column not in cells:
                raise InputError(
                    f"{source}: row {count}: no column {column!r}{nearest(column, cells)}: "
                    f"expected one of {', '.join(cells)}"
                )
        if isinstance(cells[arm], list | dict):
            raise InputError(
                f"{source}: row {count}: column {arm!r} is {cells[arm]!r}; expected a name"
            )
        name = spelled(str(cells[arm] if cells[arm] is not None else ""))
        if not name:
            raise InputError(f"{source}: row {count}: column {arm!r} is empty; expected a name")
        yield Run(row=count, name=name, value=_number(source, count, outcome, cells[outcome]))
    if count == 0:
        raise InputError(f"{source}: holds no row")


def decisions(
    source: str, rows: Iterable[Run], rule: Rule, baseline: str | None = None, lower: bool = False
) -> Iterator[Decision]:
    """What is said after each row.

    Args:
        source: what messages call it.
        rows: as `runs` gives them.
        rule: what is allowed.
        baseline: the kept one at the start; that of the first row if None.
        lower: whether lower is better; estimates then have the sign of the outcome.

    Raises:
        InputError: a proposal before the first run of the kept one, or beyond those announced.
    """
    stream = None
    sign = -1 if lower else 1
    for run in rows:
        if stream is None:
            stream = Stream(spelled(baseline) if baseline else run.name, rule)
            if run.name != stream.kept:
                raise InputError(
                    f"{source}: row {run.row} is of {run.name!r}; expected a run of the baseline "
                    f"{stream.kept!r} first"
                )
        decision = stream.take(run.name, sign * run.value)
        if rule.proposals is not None and stream.proposals > rule.proposals:
            raise InputError(
                f"{source}: row {run.row}: {run.name!r} is proposal {stream.proposals}, and "
                f"{rule.proposals} were announced, among which all of the error is shared out; "
                "start a new stream from the one that is kept"
            )
        yield _turned(decision, lower)


def _turned(one: Decision, lower: bool) -> Decision:
    """A decision in the outcome's own sign."""
    if not lower:
        return one
    return dataclasses.replace(one, estimate=-one.estimate, low=-one.high, high=-one.low)


def _csv(
    source: str, header: str, text: Iterator[str], asked: Collection[str]
) -> Iterator[Mapping[str, object]]:
    try:
        names = [name.strip() for name in next(csv.reader([header.removeprefix("\ufeff")]))]
        for name in names:
            if name in asked and names.count(name) > 1:
                raise InputError(
                    f"{source}: {names.count(name)} columns are called {name!r}; expected one"
                )
        for count, cells in enumerate(filter(None, csv.reader(text)), 1):
            if len(cells) != len(names):
                raise InputError(
                    f"{source}: row {count} has {len(cells)} cells; expected {len(names)}, as the "
                    "header"
                )
            yield dict(zip(names, cells, strict=True))
    except csv.Error as error:
        raise InputError(f"{source}: cannot be read as CSV: {error}") from error


def _json(source: str, first: str, text: Iterator[str]) -> Iterator[Mapping[str, object]]:
    for count, line in enumerate(filter(str.strip, itertools.chain([first], text)), 1):
        try:
            cells = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{source}: row {count}: cannot be read as JSON: {error}") from error
        if not isinstance(cells, dict):
            raise InputError(f"{source}: row {count}: expected an object in braces")
        yield cells


def _number(source: str, row: int, column: str, cell: object) -> float:
    if isinstance(cell, str | int | float) and not isinstance(cell, bool):
        try:
            value = float(cell)
        except (ValueError, OverflowError):
            value = math.nan
        if math.isfinite(value):
            return value
    raise InputError(
        f"{source}: row {row}: column {column!r} is {cell!r}; expected a finite number"
    )
