"""What a worker must know to make the looks of a study with `[stop]`, kept in its storage.

A look is a pure function of the study file and of the trials below it, so whichever worker ends
the last of these makes it. It is stored once and binds every worker from then on.
"""

import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablate.results.schema import to_frame
from ablate.results.stopping import Fate, Looks
from ablate.results.tables import plan_row
from ablate.study.file import StudyFile, read_study_file
from ablate.study.plan import Planned, Study
from ablate.study.stop import as_run
from ablate.study.toml_file import Toml

if TYPE_CHECKING:
    from ablate.results.looks import Look

OF_A_TRIAL = ("seed", "key", "spec")


@dataclass(frozen=True, kw_only=True)
class StopRule:
    """The looks of a study, and what they are decided from.

    Args:
        study: its name.
        source: its file.
        planned: looks, as `Study.looks`.
        columns: of each cell, in the order of the study, what all its rows have in common.
        keys: of all trials, seed by seed, in the order of the cells.
    """

    study: str
    source: str
    planned: tuple[int, ...]
    columns: Mapping[str, Mapping[str, Any]]
    keys: tuple[str, ...]

    @cached_property
    def name(self) -> str:
        """Differs where another file, other looks or other trials would be decided on."""
        asked = repr((self.source, self.planned, tuple(self.columns), self.keys))
        return hashlib.sha256(asked.encode()).hexdigest()[:16]

    @cached_property
    def trials(self) -> dict[str, tuple[str, int]]:
        """Cell and seed of each key."""
        places = ((cell, seed) for seed in range(self.planned[-1]) for cell in self.columns)
        return dict(zip(self.keys, places, strict=True))

    @cached_property
    def _file(self) -> StudyFile:
        toml = Toml(Path(f"{self.study}.toml"), self.source, tomllib.loads(self.source))
        return as_run(read_study_file(toml), self.planned[-1])

    def attribute(self, seeds: int) -> str:
        """The name under which the look at so many seeds is kept."""
        return f"look:{self.name}:{seeds}"

    def seen_by(self, looks: Looks, seeds: int) -> list[str]:
        """Keys of the trials that a look sees."""
        return [
            key
            for key, (cell, seed) in self.trials.items()
            if seed < seeds and looks.fate(cell, seed) is Fate.TRAINED
        ]

    def needed(self, looks: Looks) -> list[str]:
        """Keys of the trials that are needed, so far as is known."""
        return [
            key for key, trial in self.trials.items() if looks.fate(*trial) is not Fate.NOT_NEEDED
        ]

    def look(
        self, looks: Looks, seeds: int, ended: Iterable[tuple[str, str, Mapping[str, Any]]]
    ) -> "Look":
        """Make a look.

        Args:
            looks: those made before.
            seeds: of this one.
            ended: of each trial that it sees: key, description, and measured columns of its row.
        """
        from ablate.results.looks import decide

        rows = []
        for key, spec, row in ended:
            cell, seed = self.trials[key]
            rows.append({**self.columns[cell], "seed": seed, "key": key, "spec": spec, **row})
        table = to_frame(rows)
        complete = table[table["state"] == "complete"].reset_index(drop=True)
        return decide(self._file, complete, seeds, looks.made)

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "name": self.name,
            "study": self.study,
            "source": self.source,
            "planned": list(self.planned),
            "columns": self.columns,
            "keys": list(self.keys),
        }


def stop_rule_from_json(raw: Mapping[str, Any]) -> StopRule:
    """The inverse of `StopRule.to_json`."""
    return StopRule(
        study=raw["study"],
        source=raw["source"],
        planned=tuple(raw["planned"]),
        columns=raw["columns"],
        keys=tuple(raw["keys"]),
    )


def stop_rule(study: Study, measured: Mapping[str, Mapping[str, Any]]) -> StopRule | None:
    """The rule of a study; None where it trains all its seeds in any case.

    Args:
        study: in which every rate is tuned.
        measured: costs and throughput of each cell by name, columns of its rows.
    """
    if not study.looks:
        return None
    columns = {}
    for cell in study.cells:
        row = plan_row(study, Planned(cell, study.trial(cell, 0))) | dict(measured[cell.name])
        columns[cell.name] = {name: row[name] for name in row if name not in OF_A_TRIAL}
    return StopRule(
        study=study.name,
        source=study.source,
        planned=study.looks,
        columns=columns,
        keys=tuple(planned.spec.key for planned in study.plan()),
    )
