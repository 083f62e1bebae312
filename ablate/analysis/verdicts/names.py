"""What arms and axes are called in a sentence, and which predictions answer the question."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ablate.analysis.findings import Findings
from ablate.analysis.verdicts.answer import Reply
from ablate.results.schema import axis_columns
from ablate.spec.choices import AXIS_PREFIX
from ablate.study.file import HypothesisTable, StudyFile, read_study_file, read_words
from ablate.study.find import kind_of, study_folders
from ablate.study.toml_file import read_toml
from ablate.study.words import Words

# What joins the words of a second axis to those of the first; where none does, "with" is put there.
JOINTS = frozenset(
    "after as at before below beside by from in inside instead of on over per through under when "
    "where with within without".split()
)


@dataclass(frozen=True, kw_only=True)
class Names:
    """What is said of a run.

    Args:
        cells: each in words; its name where the study file has none for it.
        axes: likewise.
        raw: cells that are called by their names.
        answers: the predictions that answer the question, in order, and what the answer is where
            one holds.
    """

    cells: Mapping[str, str]
    axes: Mapping[str, str]
    raw: frozenset[str]
    answers: Mapping[str, Reply]

    def plain(self) -> "Names":
        """The same without the study file's words."""
        axes = {axis: axis.replace("_", " ") for axis in self.axes}
        cells = {cell: cell for cell in self.cells}
        return replace(self, cells=cells, axes=axes, raw=frozenset(cells))


def names_of(found: Findings) -> Names:
    """What is said of a run: by its study file, or the one of that name that came with ablate.

    The latter is for runs that are older than such words. It counts for arms and predictions that
    are the same in both.
    """
    words, answers = found.words, _answers(found.file)
    shipped = study_folders()[1] / f"{found.trials['study'].iloc[0]}.toml"
    if not words.arms and not answers and shipped.is_file():
        words, answers = _as_shipped(found.file, shipped)
    first = next(iter(found.file.hypotheses), None)
    if not answers and first is not None:
        answers = {first: "yes"}
    axes = {axis: words.axes.get(axis, axis.replace("_", " ")) for axis in found.file.axes}
    cells = _cells(found, words)
    named = {cell: cell if said is None else said for cell, said in cells.items()}
    raw = frozenset(cell for cell, said in cells.items() if said is None)
    return Names(cells=named, axes=axes, raw=raw, answers=answers)


def _answers(file: StudyFile) -> dict[str, Reply]:
    return {name: own.answers for name, own in file.hypotheses.items() if own.answers is not None}


def _as_shipped(file: StudyFile, path: Path) -> tuple[Words, dict[str, Reply]]:
    toml = read_toml(path)
    if kind_of(toml) != "study":
        return Words(), {}
    other, words = read_study_file(toml), read_words(toml)
    same = {(axis, arm) for axis, arms in file.axes.items() for arm in arms}
    answers = {
        name: reply
        for name, reply in _answers(other).items()
        if name in file.hypotheses and _same(file.hypotheses[name], other.hypotheses[name])
    }
    arms = {place: says for place, says in words.arms.items() if place in same}
    return Words(axes=words.axes, arms=arms), answers


def _same(one: HypothesisTable, other: HypothesisTable) -> bool:
    """Whether two predictions predict the same, in whatever words."""
    words = {"says", "answers", "margin"}
    return one.model_dump(exclude=words) == other.model_dump(exclude=words)


def _cells(found: Findings, words: Words) -> dict[str, str | None]:
    """The words for each cell; None where the file has not some for each of its arms."""
    trials = found.compared.drop_duplicates("cell")
    columns = [AXIS_PREFIX + axis for axis in found.file.axes]
    columns = [name for name in columns if name in axis_columns(trials)]
    named: dict[str, str | None] = {}
    for row in trials.to_dict("records"):
        cell = str(row["cell"])
        arms = [(name.removeprefix(AXIS_PREFIX), str(row[name])) for name in columns]
        said = [words.arms.get(arm, "") for arm in arms]
        named[cell] = _with(said) if said and all(said) else None
    return named


def _with(phrases: Sequence[str]) -> str:
    """Phrases as one: "doubling" and "a fixed head" as "doubling with a fixed head"."""
    first, *others = phrases
    joined = [one if one.split()[0] in JOINTS else f"with {one}" for one in others]
    return " ".join([first, *joined])


def sentence(clause: str, names: Names) -> str:
    """A clause as a sentence; it is not capitalised where it begins with a name as it is."""
    if any(re.match(rf"{re.escape(cell)}(?!\w)", clause) for cell in names.raw):
        return f"{clause}."
    return f"{clause[:1].upper()}{clause[1:]}."
