"""Proposals one after another: how often rules keep what is no better, and find what is.

`python -m benchmarks.proposals` prints the tables of benchmarks/README.md; `--streams` says how
many streams a number comes from. All in standard deviations of a run of the kept one.
"""

import argparse
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy import special, stats

from ablate.statistics.stream import ADVISED, Rule, Stream

Noise = Callable[[np.random.Generator], float]
PROPOSALS = 100
RUNS = 8


class Ours:
    """`ablate.statistics.stream`."""

    def __init__(self, kept: list[float], rule: Rule) -> None:
        self.stream = Stream("kept", rule)
        self.count = 0
        for value in kept:
            self.stream.take("kept", value)

    def __call__(self, run: Callable[[], float]) -> tuple[bool, int]:
        self.count += 1
        while True:
            said = self.stream.take(str(self.count), run())
            if said.word != "go on":
                return said.word == "keep", said.runs


class BestSeen:
    """Keep what beats the best run seen, in its first run, by so much."""

    def __init__(self, kept: list[float], by: float) -> None:
        self.best, self.by = max(kept), by

    def __call__(self, run: Callable[[], float]) -> tuple[bool, int]:
        value = run()
        keep = value > self.best + self.by
        self.best = max(self.best, value) if keep else self.best
        return keep, 1


class BetterMean:
    """Keep what has the better mean of as many runs as the kept one."""

    def __init__(self, kept: list[float]) -> None:
        self.kept = kept

    def __call__(self, run: Callable[[], float]) -> tuple[bool, int]:
        values = [run() for _ in self.kept]
        keep = float(np.mean(values)) > float(np.mean(self.kept))
        self.kept = values if keep else self.kept
        return keep, len(values)


class TTest:
    """Keep what has p < 0.05 in a one-sided t-test, looked at after each run from `first` on."""

    def __init__(self, kept: list[float], first: int) -> None:
        self.kept, self.first = kept, first

    def __call__(self, run: Callable[[], float]) -> tuple[bool, int]:
        values: list[float] = []
        while len(values) < RUNS:
            values.append(run())
            if len(values) >= self.first and _p_value(values, self.kept) < 0.05:
                self.kept = values
                return True, len(values)
        return False, RUNS


def _p_value(values: list[float], kept: list[float]) -> float:
    """Of a one-sided t-test with pooled variances."""
    freedom = len(values) + len(kept) - 2
    squares = np.var(values) * len(values) + np.var(kept) * len(kept)
    error = math.sqrt(squares / freedom * (1 / len(values) + 1 / len(kept)))
    return float(special.stdtr(freedom, -(np.mean(values) - np.mean(kept)) / error))


@dataclass(frozen=True, kw_only=True)
class World:
    """What streams are like: noise, spreads of the proposals, runs of the kept one."""

    noise: Noise
    spreads: tuple[float, ...] = (1.0,)
    kept_runs: int = ADVISED


NORMAL = World(noise=lambda rng: rng.standard_normal())
WORLDS = {
    "normal": NORMAL,
    "t with 5 degrees of freedom": replace(
        NORMAL, noise=lambda rng: rng.standard_t(5) / math.sqrt(5 / 3)
    ),
    "t with 3": replace(NORMAL, noise=lambda rng: rng.standard_t(3) / math.sqrt(3)),
    "log-normal, long tail of good runs": replace(
        NORMAL, noise=lambda rng: math.exp(0.7 * rng.standard_normal()) - math.exp(0.245)
    ),
    "log-normal, long tail of bad runs": replace(
        NORMAL, noise=lambda rng: math.exp(0.245) - math.exp(0.7 * rng.standard_normal())
    ),
    "proposals with 1.5 times the spread": replace(NORMAL, spreads=(1.5,)),
    "twice": replace(NORMAL, spreads=(2.0,)),
    "half": replace(NORMAL, spreads=(0.5,)),
    "half, one or two times, by chance": replace(NORMAL, spreads=(0.5, 1.0, 2.0)),
    "normal, the kept one with 8 runs": replace(NORMAL, kept_runs=8),
    "with 3 runs": replace(NORMAL, kept_runs=3),
}
Maker = Callable[[list[float]], Callable[[Callable[[], float]], tuple[bool, int]]]
OTHERS: dict[str, tuple[int, Maker]] = {
    "one run beats the best seen": (1, lambda kept: BestSeen(kept, 0.0)),
    "one run beats it by a standard deviation": (1, lambda kept: BestSeen(kept, 1.0)),
    "the mean of 3 is better than that of 3": (3, BetterMean),
    "t-test of 8 with 8, p < 0.05": (8, lambda kept: TTest(kept, RUNS)),
    "the same, looked at from the third run": (8, lambda kept: TTest(kept, 3)),
}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Of a rule: share of streams with a false keep, runs a null proposal, gains kept, runs."""

    false_keep: float
    null_runs: float
    kept: float
    gain_runs: float


def measure(world: World, make: Maker, streams: int, gain: float = 1.0) -> Outcome:
    """What a rule does in streams of null proposals, and with one gain at a place by chance."""
    rng = np.random.default_rng(0)
    false, null_runs, kept, gain_runs = [], [], [], []
    for _ in range(streams):
        rule = make([world.noise(rng) for _ in range(world.kept_runs)])
        said = [rule(_runs(world, rng, 0.0)) for _ in range(PROPOSALS)]
        false.append(any(keep for keep, _ in said))
        null_runs.extend(runs for _, runs in said)
        rule = make([world.noise(rng) for _ in range(world.kept_runs)])
        for _ in range(int(rng.integers(PROPOSALS))):
            rule(_runs(world, rng, 0.0))
        keep, runs = rule(_runs(world, rng, gain))
        kept.append(keep)
        gain_runs.append(runs)
    return Outcome(
        false_keep=float(np.mean(false)),
        null_runs=float(np.mean(null_runs)),
        kept=float(np.mean(kept)),
        gain_runs=float(np.mean(gain_runs)),
    )


def _runs(world: World, rng: np.random.Generator, gain: float) -> Callable[[], float]:
    """Runs of one proposal, which has one spread."""
    spread = float(rng.choice(world.spreads))
    return lambda: gain + spread * world.noise(rng)


def after_a_keep(streams: int, again: bool) -> tuple[float, float]:
    """Share of streams with a false keep after a true one of two deviations; and how many had it.

    Args:
        streams: tried.
        again: whether what was kept is run until it has as many runs as are advised.
    """
    rng = np.random.default_rng(1)
    false = []
    for _ in range(streams):
        rule = Ours([NORMAL.noise(rng) for _ in range(ADVISED)], Rule(proposals=PROPOSALS))
        keep, runs = rule(_runs(NORMAL, rng, 2.0))
        if not keep:
            continue
        for _ in range(ADVISED - runs if again else 0):
            rule.stream.take(rule.stream.kept, 2 + NORMAL.noise(rng))
        false.append(any(rule(_runs(NORMAL, rng, 2.0))[0] for _ in range(PROPOSALS - 1)))
    return float(np.mean(false)), len(false) / streams


def bound(runs: float, kept_runs: float, part: float, gain: float = 1.0) -> float:
    """The chance of the most powerful test of that level, spread known (Neyman & Pearson 1933)."""
    return float(stats.norm.sf(stats.norm.isf(part) - gain / math.sqrt(1 / runs + 1 / kept_runs)))


def runs_for(power: float, kept_runs: float, part: float) -> float:
    """Runs of a proposal that the most powerful test takes for a gain of one deviation."""
    needed = (stats.norm.isf(part) + stats.norm.isf(1 - power)) ** -2 - 1 / kept_runs
    return math.ceil(1 / needed) if needed > 0 else math.inf


def bounds() -> Iterator[str]:
    """What no rule can exceed: by the runs of the kept one, and by the error."""
    part = 0.05 / PROPOSALS
    yield "| runs of the kept one | kept within 8 runs | runs for 80% |"
    yield "| --: | --: | --: |"
    for kept in (8, 18, 30, 60, 100, math.inf):
        yield f"| {kept} | {bound(RUNS, kept, part):.1%} | {runs_for(0.8, kept, part)} |"
    yield ""
    yield "| proposals announced | kept within 8 runs |"
    yield "| --: | --: |"
    for count in (1, 2, 5, 10, 20, 50, PROPOSALS):
        yield f"| {count} | {bound(RUNS, math.inf, 0.05 / count):.1%} |"
    yield ""
    yield "| share of null streams with a false keep | kept within 8 runs |"
    yield "| --: | --: |"
    for error in (0.05, 0.1, 0.2, 0.55, 0.76, 0.907, 0.99):
        level = 1 - (1 - error) ** (1 / PROPOSALS)
        yield f"| {error:.1%} | {bound(RUNS, math.inf, level):.1%} |"


def _row(name: str, one: Outcome) -> str:
    cells = (f"{one.false_keep:.1%}", f"{one.null_runs:.1f}", f"{one.kept:.1%}")
    return f"| {name} | {' | '.join(cells)} | {one.gain_runs:.1f} |"


def tables(streams: int) -> Iterator[str]:
    """All tables, as Markdown, a line at a time."""
    yield from bounds()
    head = "| {} | a false keep in 100 null proposals | runs of one | gains kept | runs of one |"
    rule = "| --- | --: | --: | --: | --: |"
    yield from ("", head.format("rule, and runs of the kept one"), rule)
    for name, (kept, make) in OTHERS.items():
        yield _row(f"{name} ({kept})", measure(replace(NORMAL, kept_runs=kept), make, streams))
    for kept, most in ((8, 8), (30, 8), (100, 8), (30, 40), (100, 24), (100, 30)):
        asked = Rule(proposals=PROPOSALS, most_runs=most)
        found = measure(replace(NORMAL, kept_runs=kept), lambda v, r=asked: Ours(v, r), streams)
        yield _row(f"`--stream`, at most {most} runs ({kept})", found)
    asked = Rule(proposals=None)
    yield _row(
        "`--stream`, without an end (30)", measure(NORMAL, lambda v: Ours(v, asked), streams)
    )
    asked = Rule(proposals=PROPOSALS)
    yield from ("", head.format("`--stream`, at most 8 runs (30); gain"), rule)
    for gain in (1.5, 2.0, 3.0, 5.0):
        yield _row(f"{gain:g}", measure(NORMAL, lambda v: Ours(v, asked), streams, gain))
    yield from ("", head.format("`--stream`, at most 8 runs (30); noise"), rule)
    for name, world in WORLDS.items():
        yield _row(name, measure(world, lambda v: Ours(v, asked), streams))
    yield ""
    for again in (False, True):
        false, share = after_a_keep(streams, again)
        what = f"run again until {ADVISED}" if again else "left with its runs"
        yield f"after a true keep ({share:.0%}), {what}: a false one in {false:.1%} of streams"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=2000)
    for line in tables(parser.parse_args().streams):
        print(line, flush=True)
