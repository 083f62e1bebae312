"""Phrases as a list in a sentence."""

from collections.abc import Sequence

MOST_NAMED = 3  # arms in one clause; of more, the number and the best
ARTICLES = frozenset(("a", "an", "the", "no", "one"))


def listed(phrases: Sequence[str], last: str = "and") -> str:
    """Phrases as a list; what they begin and end with alike is said once.

    >>> listed(["growing 2.5 times", "growing 3 times"], "or")
    'growing 2.5 or 3 times'
    """
    words = [phrase.split() for phrase in phrases]
    shortest = min(map(len, words))
    before = _alike(words, shortest - 1)
    after = _alike([one[::-1] for one in words], shortest - 1 - before)
    alike = len({len(one) for one in words}) == 1
    middles = [" ".join(one[before : len(one) - after]) for one in words]
    whole = any(" / " in phrase for phrase in phrases) or ARTICLES & set(middles)
    if len(phrases) == 1 or whole or not alike or not (before or after):
        return joined(list(phrases), last)
    start, end = words[0][:before], words[0][len(words[0]) - after :]
    return " ".join([*start, joined(middles, last), *end])


def _alike(words: Sequence[Sequence[str]], most: int) -> int:
    """How many words, from the first on, are the same in all."""
    number = 0
    while number < most and len({one[number] for one in words}) == 1:
        number += 1
    return number


def joined(parts: Sequence[str], last: str = "and") -> str:
    """Parts as a list in a sentence."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {last} {parts[-1]}"
