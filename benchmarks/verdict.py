"""Time to a verdict: `ablate run` beside the script that one would write for the same question.

`python -m benchmarks.verdict` answers `width_doubling` on digits three ways, in turn and back
again: with ablate's defaults; by `benchmarks.by_hand`, a loop over arms and seeds around the usual
loop over a DataLoader; and by that script with its trials in an Optuna study on SQLite. Each is a
command of its own with the machine to itself, from its first import to its last line.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from ablate.analysis.wording import aligned
from ablate.training.machine import describe
from ablate.training.timing import Ratio, control_is_off, speed_ratio
from benchmarks.saved import save

OURS, AGAIN = "ablate", "ablate again"
WAYS = {
    OURS: ["ablate.run"],
    AGAIN: ["ablate.run"],
    "a script": ["benchmarks.by_hand"],
    "a script with Optuna": ["benchmarks.by_hand", "--optuna"],
}


@dataclass(frozen=True)
class Visit:
    """One command, run to its end.

    Args:
        wall_s, cpu_s: seconds; those of the CPU of all its processes.
        peak_mib: of its largest process.
        accuracies: of each arm's trials on the test split, fractions.
    """

    wall_s: float
    cpu_s: float
    peak_mib: float
    accuracies: dict[str, list[float]]


def main() -> None:
    """Run each way in turn, print the table, and save it if asked to."""
    args = _parser().parse_args()
    what = ["--study", args.study, "--dataset", args.dataset, "--data-root", str(args.data_root)]
    for name in ("subset", "seeds", "epochs"):
        if getattr(args, name) is not None:
            what += [f"--{name}", str(getattr(args, name))]
    ways = [way for way in WAYS if way not in args.without]
    found: dict[str, list[list[Visit]]] = {way: [] for way in ways}
    for number in range(args.rounds):
        for way in ways:
            found[way].append([])
        for way in (*ways, *reversed(ways)):
            found[way][-1].append(visit(way, what))
            print(f"round {number + 1}, {way}: {found[way][-1][-1].wall_s:.1f} s", file=sys.stderr)
    run = summary(what, found)
    print("\n".join(report(run)))
    if args.json:
        save(args.json, run)


def visit(way: str, what: list[str]) -> Visit:
    """Run a way once, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", *WAYS[way], *what, "--out", folder]
        before = os.times()
        with (Path(folder) / "said.txt").open("w") as said:
            process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        after = os.times()
        if process.returncode:
            raise SystemExit((Path(folder) / "said.txt").read_text())
        (table,) = Path(folder).rglob("trials.csv")
        accuracies: dict[str, list[float]] = {}
        with table.open(newline="") as rows:
            for row in csv.DictReader(rows):
                accuracies.setdefault(row["cell"], []).append(float(row["test_accuracy"]))
    return Visit(
        wall_s=after.elapsed - before.elapsed,
        cpu_s=usage.ru_utime + usage.ru_stime,
        peak_mib=usage.ru_maxrss / 1024,
        accuracies=accuracies,
    )


def summary(what: list[str], found: dict[str, list[list[Visit]]]) -> dict[str, Any]:
    """All that was measured, as it is saved: ratios are wall times over ablate's, round by round.

    Args:
        what: options of all commands.
        found: two visits a round of each way.
    """
    walls = {
        way: np.array([[one.wall_s for one in pair] for pair in own]) for way, own in found.items()
    }
    machine = describe("cpu")
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"device": machine["device"], "commit": machine["commit"]},
        "versions": json.loads(machine["versions"]),
        "settings": {"asked": " ".join(what)},
        "ratios": {
            way: asdict(speed_ratio(own, walls[OURS])) for way, own in walls.items() if way != OURS
        },
        "visits": {
            way: [[asdict(one) for one in pair] for pair in own] for way, own in found.items()
        },
    }


def report(run: Mapping[str, Any]) -> list[str]:
    """A run as lines; where the control is off, no ratio."""
    off = AGAIN in run["ratios"] and control_is_off(Ratio(**run["ratios"][AGAIN]))
    lines = [["", "wall s", "CPU s", "trials", "MiB", "times as long as ablate"]]
    arms = []
    for way, pairs in run["visits"].items():
        visits = [one for pair in pairs for one in pair]
        said = ""
        if way != OURS:
            ratio = Ratio(**run["ratios"][way])
            said = f"{ratio.value:.2f} [{ratio.low:.2f}, {ratio.high:.2f}]"
        if off and way not in (OURS, AGAIN):
            said = "not measurable now"
        accuracies = visits[0]["accuracies"]
        lines.append(
            [
                way,
                f"{mean(one['wall_s'] for one in visits):.1f}",
                f"{mean(one['cpu_s'] for one in visits):.1f}",
                str(sum(map(len, accuracies.values()))),
                f"{max(one['peak_mib'] for one in visits):.0f}",
                said,
            ]
        )
        means = ", ".join(f"{arm} {mean(values):.1%}" for arm, values in accuracies.items())
        arms.append(f"{way}: {means}")
    rounds = len(run["visits"][OURS])
    legend = f"means of {rounds} rounds of two runs; ratios: median of rounds, 95% interval"
    return [*aligned(lines, ["", lines[0][-1]]), legend, *arms]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", default="width_doubling")
    parser.add_argument("--dataset", default="digits")
    parser.add_argument("--data-root", type=Path, default=Path("data"))
    parser.add_argument("--subset", type=float)
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--rounds", type=int, default=3, help="of two runs of each (default: 3)")
    parser.add_argument("--without", nargs="*", default=[], choices=list(WAYS)[1:])
    parser.add_argument("--json", type=Path)
    return parser


if __name__ == "__main__":
    main()
