"""Progress of long work: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar, runtime_checkable

from ablate.processes import duration

T = TypeVar("T")
RECENT = 20  # items whose mean rate says how long the rest takes


@runtime_checkable
class HasCounts(Protocol):
    """An item that knows what goes on beside it."""

    @property
    def running(self) -> int:
        """How many are at work now."""

    @property
    def failed(self) -> int:
        """How many have failed so far."""


@runtime_checkable
class HasSpared(Protocol):
    """An item that knows that fewer are to come."""

    @property
    def spared(self) -> int:
        """How many of those that were expected will not come."""


class Progress(Protocol):
    """Shows items as they come; `plain_or_bar` is one."""

    def __call__(self, items: Iterable[T], total: int, unit: str) -> Iterator[T]:
        """Pass on `items`, of which `total` are expected."""


def plain_or_bar(items: Iterable[T], total: int, unit: str) -> Iterator[T]:
    """Pass items on, each shown as `str(item)` with the count and the time left.

    An item that is `HasCounts` has its counts shown too, and one that is `HasSpared` says how many
    fewer are to come. The time left is that of the mean rate of
    the last `RECENT` items; nothing that was done before counts.

    Args:
        items: as they come.
        total: how many to expect.
        unit: what they are called, such as "trial".
    """
    return _bar(items, total, unit) if sys.stderr.isatty() else _lines(items, total, unit)


def time_left(ended: Iterable[float], left: int) -> float:
    """Seconds until the last of `left` items ends, at the mean rate of those that ended.

    Args:
        ended: at least two times, in order: when the work began or an item ended, seconds.
        left: how many are to come.
    """
    times = tuple(ended)
    return (times[-1] - times[0]) / (len(times) - 1) * left


def _bar(items: Iterable[T], total: int, unit: str) -> Iterator[T]:
    from tqdm import tqdm

    shape = "{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} {unit}s in {elapsed}{postfix}"
    with tqdm(total=total, unit=unit, dynamic_ncols=True, bar_format=shape) as bar:
        for item, left in _timed(items, total):
            bar.total = total - _spared(item)
            bar.set_postfix_str(f"{left}{_counts(item)}: {item}", refresh=False)
            bar.update()
            yield item


def _lines(items: Iterable[T], total: int, unit: str) -> Iterator[T]:
    for number, (item, left) in enumerate(_timed(items, total), start=1):
        expected = total - _spared(item)
        print(f"{unit} {number}/{expected}: {item}{_counts(item)}; {left}", flush=True)
        yield item


def _timed(items: Iterable[T], total: int) -> Iterator[tuple[T, str]]:
    """Each item, and about how long the rest will take."""
    ended = deque([time.monotonic()], maxlen=RECENT + 1)
    for number, item in enumerate(items, start=1):
        ended.append(time.monotonic())
        left = max(total - _spared(item) - number, 0)
        yield item, f"about {duration(time_left(ended, left))} left"


def _spared(item: object) -> int:
    return item.spared if isinstance(item, HasSpared) else 0


def _counts(item: object) -> str:
    return f"; {item.running} running, {item.failed} failed" if isinstance(item, HasCounts) else ""
