"""Proposals that come one after another: each is kept, discarded, or run again.

A search by hand, by an agent or by AutoML tries change after change against the best so far, the
kept one. Kept is what is better than it, with the chance of one false keep or more at most `error`
over all proposals and all looks at each:

- Each proposal has its part of the error: equal parts of an announced number of them, or
  error / (j (j + 1)) for the j-th of a stream without an end, which sum to the error (Bonferroni).
- A proposal's part is spent over its looks, one after each run from the third to the last, by
  exp(6 runs / most runs) (Hwang, Shih & DeCani 1990), with boundaries by numerical integration at
  the information of proposal and kept one together (Lan & DeMets 1983, Biometrika 70). Where the
  kept one changes meanwhile, what is left of its part is spent against the new one, as if anew.
- Discarding takes no error and gives none back (nonbinding): from the second run on, where the
  chance to be kept by the last one, were the gain one standard deviation or what it seems if that
  is more, has fallen below a share of what it was; after one run only far below the kept one.
- The spread is pooled: over the first kept one's runs, the first two of every proposal, and those
  of later kept ones since they are kept. Later runs of a proposal are there only where its first
  ones were good, which biases their spread, and the first two are always there. A deviation
  beyond four counts as four, so that a run that diverged does not blind the rest (Huber 1964). An
  arm whose own spread is larger is given that, and z-values become t-values of the pooled freedom.

What this assumes: runs are independent (other seeds), with noise about normal and spreads alike;
runs of the kept one are not started because of how a proposal just did. Runs that led to a keep
are too good on average (the winner's curse). They count with the rest of the kept one's, and so
make later keeps rarer, not more frequent. How far it holds beyond, and what no rule can do, was
measured: `python -m benchmarks.proposals`.
"""

import bisect
import dataclasses
import functools
import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import special

from ablate.statistics.spending import hwang_shih_decani

_Column = npt.NDArray[np.float64]
Word = Literal["keep", "discard", "go on", "kept"]
LEAST = 3  # runs before a keep: fewer say nothing of a proposal's own spread
ADVISED = 30  # runs of the kept one, whose error is part of every comparison
GAIN = 1.0  # standard deviations of a run that are worth finding
FUTILITY = 0.1  # share of the first chance to be kept, below which a proposal is given up
HOPELESS = 0.001  # p-value of "not worse" by which one run is enough to discard
KNOWN = 10  # degrees of freedom of the spread, for that
FARTHEST = 4.0  # standard deviations that a deviation counts as, at most
FEWEST, MOST = 301, 2_001  # points of the grid on which the process is followed
LOWEST = -9.0  # standard deviations: a process is never below
SPENDING = hwang_shih_decani(-6)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What is allowed.

    Args:
        error: chance of one false keep or more in the stream, at most.
        proposals: announced number of them; None for a stream without an end.
        most_runs: of a proposal, `LEAST` or more; it is discarded then if it is not kept.
    """

    error: float = 0.05
    proposals: int | None = 100
    most_runs: int = 8

    def part(self, place: int) -> float:
        """The error of a proposal, from its place, counted from 1; 0 beyond those announced."""
        if self.proposals is None:
            return self.error / (place * (place + 1))
        return self.error / self.proposals if place <= self.proposals else 0.0


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What is said after a run.

    Args:
        word: `kept` for a run of the kept one itself.
        name: whose run it was.
        runs: of it so far, up to where it was settled.
        against: the kept one that it was compared with.
        place: of the proposal in the stream, from 1; 0 for the first kept one.
        estimate: its mean less that of the kept one; NaN for the kept one.
        low, high: limits of the difference. The lower ones hold for all looks and proposals
            together with 1 less the rule's error, the upper ones likewise; a proposal is kept where
            its lower one is above zero. Infinite where there is no look yet.
        settled: whether that had been said before this run, which then does not count.
    """

    word: Word
    name: str
    runs: int
    against: str
    place: int
    estimate: float = math.nan
    low: float = -math.inf
    high: float = math.inf
    settled: bool = False


@dataclass
class _Arm:
    """Runs of a proposal or of a kept one, and what its looks have used of its error."""

    name: str
    place: int
    runs: int = 0
    mean: float = 0.0
    squares: float = 0.0
    against: str = ""  # the kept one of the looks below
    looks: tuple["_Look", ...] = ()
    spent: float = 0.0  # share of its error, over all looks
    settled: Decision | None = None

    def take(self, value: float) -> float:
        """Count a run; what it adds to the sum of squared deviations, of one degree of freedom."""
        self.runs += 1
        away = value - self.mean
        self.mean += away / self.runs
        added = away * (value - self.mean)
        self.squares += added
        return added


@dataclass(frozen=True)
class _Look:
    """Information in inverse variances of a run, and the error that is spent at it."""

    information: float
    spend: float


class Stream:
    """Runs in, decisions out, one at a time; the same runs always give the same decisions.

    Args:
        kept: name of the kept one at the start.
        rule: what is allowed.
    """

    def __init__(self, kept: str, rule: Rule) -> None:
        self.rule = rule
        self.proposals = 0
        self._kept = _Arm(name=kept, place=0)
        self._arms = {kept: self._kept}
        self._since = _Arm(name=kept, place=0)  # the kept one's runs since it is kept
        self._spread = _Spread()

    @property
    def kept(self) -> str:
        """Name of the kept one."""
        return self._kept.name

    def take(self, name: str, value: float) -> Decision:
        """What is to be done after one more run.

        Args:
            name: of the kept one, which must have the first run of all, or of a proposal.
            value: finite; higher is better.
        """
        assert math.isfinite(value)
        if name not in self._arms:
            self.proposals += 1
            self._arms[name] = _Arm(name=name, place=self.proposals)
        arm = self._arms[name]
        if arm is self._kept:
            arm.take(value)
            added = self._since.take(value)
            if self._since.runs > 1:
                self._spread.add(added)
            return Decision(word="kept", name=name, runs=arm.runs, against=name, place=arm.place)
        if arm.settled is not None:
            return dataclasses.replace(arm.settled, word="discard", settled=True)
        assert self._kept.runs > 0
        added = arm.take(value)
        if arm.runs == 2:
            self._spread.add(added)
        decision = self._judge(arm)
        if decision.word != "go on":
            arm.settled = decision
        if decision.word == "keep":
            self._kept.settled = dataclasses.replace(
                decision, name=self.kept, runs=self._kept.runs, place=self._kept.place
            )
            arm.settled = None
            self._kept, self._since = arm, _Arm(name=name, place=arm.place)
        return decision

    def _judge(self, arm: _Arm) -> Decision:
        kept, freedom, most = self._kept, self._spread.freedom, self.rule.most_runs
        estimate = arm.mean - kept.mean
        error = math.sqrt(self._variance(arm) / arm.runs + self._variance(kept) / kept.runs)
        wide = math.inf
        if arm.runs >= LEAST:
            boundary = self._boundary(arm)
            wide = _as_t(boundary, freedom) * error if self._spread.variance > 0 else math.inf
        keep = estimate > wide
        discard = not keep and (arm.runs >= most or self._futile(arm, estimate, error))
        return Decision(
            word="keep" if keep else "discard" if discard else "go on",
            name=arm.name,
            runs=arm.runs,
            against=kept.name,
            place=arm.place,
            estimate=estimate,
            low=estimate - wide,
            high=estimate + wide,
        )

    def _variance(self, arm: _Arm) -> float:
        """The pooled variance of a run, or the arm's own where that is larger."""
        return max(self._spread.variance, arm.squares / max(arm.runs - 1, 1))

    def _boundary(self, arm: _Arm) -> float:
        """The z-value that this look takes."""
        if arm.against != self.kept:
            arm.against, arm.looks = self.kept, ()
        spent = min(1.0, SPENDING(arm.runs / self.rule.most_runs, 1.0))
        spend = (spent - arm.spent) * self.rule.part(arm.place)
        arm.spent = spent
        arm.looks = (*arm.looks, _Look(_information(arm.runs, self._kept.runs), spend))
        return _followed(arm.looks)[0]

    def _futile(self, arm: _Arm, estimate: float, error: float) -> bool:
        freedom, part = self._spread.freedom, self.rule.part(arm.place)
        if part == 0:
            return True
        if self._spread.variance == 0:
            return False
        if arm.runs == 1:
            sure = freedom >= KNOWN
            return sure and float(special.stdtr(freedom, estimate / error)) < HOPELESS
        last = _information(self.rule.most_runs, self._kept.runs)
        fraction = _information(arm.runs, self._kept.runs) / last
        boundary = _as_t(-float(special.ndtri(part)), freedom)
        gain = max(GAIN * math.sqrt(self._spread.variance), estimate)
        drift = gain / (error * math.sqrt(fraction))
        before = float(special.ndtr(drift - boundary))
        so_far = estimate / error * math.sqrt(fraction)
        ahead = so_far + drift * (1 - fraction) - boundary
        return float(special.ndtr(ahead / math.sqrt(1 - fraction))) < FUTILITY * before


class _Spread:
    """The pooled variance of a run, from squared deviations of one degree of freedom each."""

    def __init__(self) -> None:
        self.freedom = 0
        self.variance = 0.0
        self._sum = 0.0
        self._squares: list[float] = []

    def add(self, square: float) -> None:
        """Count one; none as more than `FARTHEST` standard deviations of all."""
        self.freedom += 1
        self._sum += square
        bisect.insort(self._squares, square)
        self.variance, left = self._sum / self.freedom, self._sum
        for beyond, largest in enumerate(reversed(self._squares)):
            others = self.freedom - FARTHEST**2 * (beyond + 1)
            if largest <= FARTHEST**2 * self.variance or others <= 0:
                break
            left -= largest
            self.variance = left / others


def _information(runs: int, kept: int) -> float:
    return 1 / (1 / runs + 1 / kept)


def _as_t(z: float, freedom: int) -> float:
    """The t-value that is as far out."""
    return -float(special.stdtrit(freedom, special.ndtr(-z)))


@functools.lru_cache(maxsize=10_000)
def _followed(looks: tuple[_Look, ...]) -> tuple[float, "_Column", "_Column"]:
    """The last look's z-value; places of the process not kept by then, and their mass."""
    *before, last = looks
    place, mass, start = np.zeros(1), np.ones(1), 0.0
    if before:
        _, place, mass = _followed(tuple(before))
        start = before[-1].information
    step, scale = math.sqrt(last.information - start), math.sqrt(last.information)
    low, high = 0.0, -LOWEST
    for _ in range(40):
        z = (low + high) / 2
        beyond = float(special.ndtr((place - z * scale) / step) @ mass)
        low, high = (z, high) if beyond > last.spend else (low, z)
    points = round(min(max(FEWEST, 4 * (high - LOWEST) * scale / step), MOST))
    grid = np.linspace(LOWEST * scale, high * scale, points)
    weights = np.full(points, grid[1] - grid[0])
    weights[[0, -1]] /= 2
    away = (grid[:, None] - place[None, :]) / step
    density = np.exp(-(away**2) / 2) @ mass / (step * math.sqrt(2 * math.pi))
    return high, grid, density * weights
