"""`ablate judge --stream`: proposals one by one, and after each row what is to be done."""

import dataclasses
import json
import math
import sys

from ablate.errors import printable
from ablate.statistics.stream import ADVISED, Decision, Rule
from ablate.tables.stream import checked, decisions, lines, runs


def run(
    source: str,
    arm: str,
    outcome: str,
    *,
    baseline: str | None = None,
    lower: bool = False,
    said: str = "",
    error: float = 0.05,
    proposals: int | None = 100,
    most_runs: int = 8,
    follow: bool = False,
    as_json: bool = False,
) -> int:
    """Say after each row whether to keep, discard or go on; the exit status.

    Args:
        source: a file, CSV with a header or JSON lines, or `-` for standard input.
        arm, outcome: columns: what was run, and how well it did.
        baseline: the one to beat at the start; that of the first row if None.
        lower: whether lower is better.
        said: what is said before the first row, on standard error where answers are JSON.
        error: chance of one false keep or more in the stream, at most.
        proposals: announced number of them; None for a stream without an end.
        most_runs: of a proposal.
        follow: wait for more rows at the end of a file.
        as_json: a line of JSON for each row instead of text.

    Raises:
        InputError: a setting, the source or a row is wrong; what was said before stands.
    """
    rule = checked(Rule(error=error, proposals=proposals, most_runs=most_runs))
    rows = runs(source, lines(source, follow), arm, outcome)
    if said:
        print(printable(said), file=sys.stderr if as_json else sys.stdout, flush=True)
    for decision in decisions(source, rows, rule, baseline, lower):
        print(as_object(decision) if as_json else sentence(decision), flush=True)
    return 0


def sentence(one: Decision) -> str:
    """A decision in a line."""
    name = printable(one.name)
    count = f"{one.runs} run{'' if one.runs == 1 else 's'}"
    if one.word == "kept":
        advice = f" of {ADVISED} that are advised" if one.runs < ADVISED else ""
        return f"kept {name} ({count}{advice})"
    if one.settled:
        return f"{one.word} {name} (settled before, after {count})"
    if math.isinf(one.low):
        mean = f"{one.estimate:+.4g} on average against {printable(one.against)}"
        return f"{one.word} {name} ({count}; {mean})"
    limits = f"may be anything from {one.low:+.4g} to {one.high:+.4g}"
    return f"{one.word} {name} ({count}; {limits} against {printable(one.against)})"


def as_object(one: Decision) -> str:
    """A decision as JSON; what is not known yet is null."""
    cells = {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in dataclasses.asdict(one).items()
    }
    return json.dumps(cells)
