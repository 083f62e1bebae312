"""Which trials of a study with `[stop]` are trained, as far as its looks have been made.

A trial waits until every look at no more seeds than its own number has been made, and is not needed
where one of them has settled its cell.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from ablate.errors import InputError

if TYPE_CHECKING:
    from ablate.results.looks import Look


class Fate(Enum):
    """What the looks say of a trial."""

    TRAINED = "trained"
    WAITS = "waits for a look"
    NOT_NEEDED = "not needed"


@dataclass(frozen=True, kw_only=True)
class Looks:
    """The looks at a study: those that are planned, and those that have been made.

    Args:
        planned: numbers of seeds, ascending; the last is the most that are trained.
        made: the first ones of these, in order.
    """

    planned: tuple[int, ...]
    made: "tuple[Look, ...]" = ()

    @property
    def over(self) -> bool:
        """Whether no look is to come."""
        return len(self.made) == len(self.planned) or (bool(self.made) and not self.made[-1].needed)

    @property
    def next(self) -> int | None:
        """Seeds of the look that comes next; None where none does."""
        return None if self.over else self.planned[len(self.made)]

    @property
    def seeds(self) -> int:
        """Seeds that the last look saw; 0 before the first."""
        return self.made[-1].seeds if self.made else 0

    def fate(self, cell: str, seed: int) -> Fate:
        """What becomes of a trial."""
        if self.settled_at(cell, seed) is not None:
            return Fate.NOT_NEEDED
        return Fate.TRAINED if len(self.made) >= self._before(seed) else Fate.WAITS

    def settled_at(self, cell: str, seed: int) -> int | None:
        """Seeds of the look after which a trial is not needed; None where it is, so far."""
        before = self.made[: self._before(seed)]
        return next((look.seeds for look in before if cell not in look.needed), None)

    def is_seen(self, seed: int) -> bool:
        """Whether a look has been made that such trials were part of."""
        return seed < self.seeds

    def saved(self, cells: Iterable[str]) -> int:
        """Trials of the cells that are not needed."""
        return sum(
            self.fate(cell, seed) is Fate.NOT_NEEDED
            for cell in cells
            for seed in range(self.planned[-1])
        )

    def _before(self, seed: int) -> int:
        """How many looks are to be made before a trial is trained."""
        return bisect_right(self.planned, seed)


def look_to_json(look: "Look") -> dict[str, Any]:
    """A look as JSON values."""
    return {"seeds": look.seeds, "settled": dict(look.settled), "needed": list(look.needed)}


def look_from_json(raw: Mapping[str, Any]) -> "Look":
    """The inverse of `look_to_json`; raises `KeyError` or `TypeError` for what is no look."""
    from ablate.results.looks import Look  # SciPy, which is needed where there are looks alone

    return Look(
        seeds=raw["seeds"],
        settled={str(name): str(how) for name, how in dict(raw["settled"]).items()},
        needed=tuple(raw["needed"]),
    )


def looks_to_json(looks: Looks, cells: Iterable[str]) -> dict[str, Any]:
    """What a manifest says of the looks at a study.

    Args:
        looks: planned and made.
        cells: of the study.
    """
    return {
        "looks": list(looks.planned),
        "made": [look_to_json(look) for look in looks.made],
        "seeds_used": looks.seeds,
        "trials_saved": looks.saved(cells),
    }


def looks_from_json(raw: Any, where: str) -> Looks:
    """The inverse of `looks_to_json`; raises `InputError` that begins with `where`."""
    try:
        looks = Looks(
            planned=tuple(int(seeds) for seeds in raw["looks"]),
            made=tuple(look_from_json(look) for look in raw["made"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{where}: stop: not the looks of a run") from error
    seen = tuple(look.seeds for look in looks.made)
    if not looks.planned or seen != looks.planned[: len(seen)]:
        raise InputError(f"{where}: stop: the looks made are not the first of those planned")
    return looks


def not_needed(looks: Looks, cell: str, seed: int) -> str:
    """Why a trial is not needed, in words."""
    return f"not needed: settled at the look at {looks.settled_at(cell, seed)} seeds"


def extended_text(numbers: Sequence[int], seeds: int) -> str:
    """That a run was given more seeds after it had ended, in one sentence.

    Args:
        numbers: of seeds that it had ended with.
        seeds: that it has now, or at most.
    """
    before = ", then ".join(map(str, numbers))
    return (
        f"The number of seeds was changed from {before} to {seeds} after a result was seen, so "
        "p-values and intervals hold less than they say."
    )


def saved_text(looks: Looks, cells: Iterable[str]) -> str:
    """How many looks there were and what they saved, in one sentence."""
    every = list(cells)
    made = "look" if len(looks.made) == 1 else "looks"
    return (
        f"{len(looks.made)} {made} of {len(looks.planned)}, the last at {looks.seeds} seeds of "
        f"{looks.planned[-1]}: {looks.saved(every)} of {len(every) * looks.planned[-1]} trials "
        "were not needed."
    )


def settled_text(look: "Look") -> str:
    """What a look settled, in words."""
    if not look.settled:
        return "nothing is settled"
    return ", ".join(
        f"{name} {'given up as open' if how == 'open' else how}"
        for name, how in look.settled.items()
    )
