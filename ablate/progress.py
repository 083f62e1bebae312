"""Progress of long work: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def plain_or_bar(items: Iterable[T], total: int, unit: str) -> Iterator[T]:
    """Pass items on, each shown as `str(item)` with the count and the time left.

    Args:
        items: as they come.
        total: how many to expect.
        unit: what they are called, such as "trial".
    """
    return _bar(items, total, unit) if sys.stderr.isatty() else _lines(items, total, unit)


def _bar(items: Iterable[T], total: int, unit: str) -> Iterator[T]:
    from tqdm import tqdm

    with tqdm(total=total, unit=unit, dynamic_ncols=True, smoothing=0.1) as bar:
        for item in items:
            bar.set_postfix_str(str(item), refresh=False)
            bar.update()
            yield item


def _lines(items: Iterable[T], total: int, unit: str) -> Iterator[T]:
    start = time.monotonic()
    for number, item in enumerate(items, start=1):
        left = (time.monotonic() - start) / number * (total - number)
        print(f"{unit} {number}/{total}: {item}; about {left:.0f} s left", flush=True)
        yield item
