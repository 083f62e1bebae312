"""Checks of the files beside the trials table: against it, and against what follows from it."""

import itertools
import math
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ablate.bits import unpack
from ablate.errors import InputError, plural
from ablate.networks.cost import count_stages
from ablate.results import schema
from ablate.results.checks.remarks import Remark, fault, note, some
from ablate.results.folder import Run
from ablate.results.names import (
    CORRECT,
    EPOCHS,
    MANIFEST,
    MARKDOWN,
    MECHANISM,
    PARQUET,
    REPORT,
    STAGES,
    STUDY,
    SUMMARY,
    TRIALS,
    TUNING,
)
from ablate.spec.network import NetSpec
from ablate.spec.trial import content_hash
from ablate.study.file import read_study_file
from ablate.study.tuning import COLUMNS, FIRST_SEED, best_rates

DRAWN_FROM = (EPOCHS, STAGES, MECHANISM, CORRECT, TUNING)
STAGE_COLUMNS = ("cell", "net", "stage", "out_size", "params", "macs", "activations")
TEXT = ("key", "cell", "stage", "net", "state", "correct")
Remake = Callable[[Path, Path], object]  # of a copy of a run, and where the run lies
CLOSE = 1e-6  # another version of a library may round otherwise


def parquet(run: Run) -> Iterator[Remark]:
    """The Parquet table equals the CSV, value by value."""
    path = run.folder / PARQUET
    try:
        frame = pd.read_parquet(path)
        schema.validate(frame, str(path))
        pd.testing.assert_frame_equal(frame, run.trials, check_exact=True)
    except FileNotFoundError:
        yield fault("missing") if _holds_all(run) else note("none; `ablate report` makes it")
    except (AssertionError, OSError, ValueError, TypeError) as error:
        yield fault(f"is not what {TRIALS} is: {' '.join(str(error).split())[:200]}")


def epochs(run: Run) -> Iterator[Remark]:
    """Epochs 1, 2, ... of each trial, all of them and with the same end where it is complete."""
    table = _plain(run, EPOCHS, schema.EPOCH_COLUMNS)
    yield from _of_trials(run, table)
    by_key = dict(list(table.groupby("key", sort=False)))
    for row in run.trials.to_dict("records"):
        where = f"{row['cell']}, seed {row['seed']}"
        curve = by_key.get(row["key"], table[:0])
        numbers = list(curve["epoch"])
        if numbers != list(range(1, len(numbers) + 1)):
            yield fault(f"{where}: epochs {some(numbers)}: expected 1, 2, ...")
        elif row["state"] == "complete" and len(numbers) != row["epochs"]:
            yield fault(f"{where}: {len(numbers)} epochs of {row['epochs']}")
        elif row["state"] == "complete":
            for name in ("val_accuracy", "val_loss", "train_loss"):
                last = curve[name].iloc[-1]
                if not math.isclose(last, row[name], rel_tol=CLOSE):
                    yield fault(f"{where}: {name} ends at {last}, not at {row[name]}")


def stages(run: Run) -> Iterator[Remark]:
    """The costs of every cell's stages, counted anew from its network."""
    table = _plain(run, STAGES, STAGE_COLUMNS)
    every = dict(list(table.groupby("cell", sort=False)))
    nets = {row["cell"]: row["key"] for row in run.trials[["cell", "key"]].to_dict("records")}
    for cell, key in nets.items():
        if key not in run.specs:
            continue
        net = run.specs[key].net
        if net.own:
            every.pop(cell, None)
            yield note(
                f"{cell}: has modules of its own, {_own(net)}, which a check does not import"
            )
            continue
        expected = [
            [content_hash(net), stage, size, cost.params, cost.macs, cost.activations]
            for stage, (size, cost) in count_stages(net).items()
        ]
        found = every.pop(cell, table[:0])[list(STAGE_COLUMNS[1:])].to_numpy().tolist()
        if found != expected:
            yield fault(f"{cell}: is not what its network costs: {some(_unlike(found, expected))}")
    if every:
        yield note(f"no trial of {some(every)} has ended")


def _own(net: NetSpec) -> str:
    return ", ".join(dict.fromkeys(str(use) for use in net.own))


def mechanism(run: Run) -> Iterator[Remark]:
    """The stem and every stage, once, of each trial that was measured, all of them complete."""
    if not (run.folder / MECHANISM).exists():
        yield note("none: it was not measured")
        return
    columns = ("key", "cell", "seed", *schema.MECHANISM_COLUMNS)
    table = _plain(run, MECHANISM, columns)
    yield from _of_trials(run, table)
    complete = set(run.trials.loc[run.trials["state"] == "complete", "key"])
    for key, rows in table.groupby("key", sort=False):
        if str(key) not in run.specs:
            continue
        stages = len(run.specs[str(key)].net.widths)
        expected = ["stem", *(f"stage {number}" for number in range(1, stages + 1))]
        if list(rows["stage"]) != expected:
            yield fault(f"{key}: {some(rows['stage'])}: expected {some(expected)}")
        if key not in complete:
            yield fault(f"{key}: measured, but not complete")
    lacking = complete - set(table["key"])
    if lacking:
        yield note(f"not measured in {plural(len(lacking), 'complete trial')}")


def correct(run: Run) -> Iterator[Remark]:
    """Each complete trial once, with as many test images correct as its accuracy says."""
    if not (run.folder / CORRECT).exists():
        yield note("none: which test images were classified correctly was not recorded")
        return
    table = _plain(run, CORRECT, schema.CORRECT_COLUMNS)
    yield from _of_trials(run, table)
    twice = table.loc[table["key"].duplicated(), "key"]
    if len(twice):
        yield fault(f"{some(twice)}: more than once")
    stored = {row["key"]: row for row in table.to_dict("records")}
    for row in run.trials.to_dict("records"):
        where, own = f"{row['cell']}, seed {row['seed']}", stored.get(row["key"])
        if row["state"] != "complete":
            if own is not None:
                yield fault(f"{where}: recorded, but {row['state']}")
        elif own is None:
            yield fault(f"{where}: complete, and not recorded")
        elif pd.isna(row["test_images"]) or own["images"] != row["test_images"]:
            yield fault(f"{where}: {own['images']} images: expected {row['test_images']}")
        else:
            yield from _as_accurate(where, own["correct"], row)


def _as_accurate(where: str, text: Any, row: Mapping[Any, Any]) -> Iterator[Remark]:
    """The bits of a trial give its accuracy."""
    images, accuracy = int(row["test_images"]), row["test_accuracy"]
    try:
        right = int(unpack("" if pd.isna(text) else text, images).sum())
    except InputError as error:
        yield fault(f"{where}: {error}")
        return
    if pd.isna(accuracy) or not math.isclose(right, accuracy * images, rel_tol=CLOSE):
        yield fault(f"{where}: {right} of {images} correct: its accuracy is {accuracy}")


def tuning(run: Run) -> Iterator[Remark]:
    """All tuning trials, with what the storage has of them; each cell's rate is what they chose."""
    tune = read_study_file(run.folder / STUDY).tune
    if tune is None:
        return
    table = _plain(run, TUNING, COLUMNS)
    rates = best_rates(table).set_index("cell")["lr"]
    seeds = range(FIRST_SEED, FIRST_SEED + tune.seeds)
    for cell, rows in run.trials.groupby("cell", sort=False):
        tried = table.loc[table["cell"] == cell, ["lr", "seed"]].itertuples(index=False, name=None)
        if sorted(tried) != sorted(itertools.product(tune.lr, seeds)):
            yield fault(f"{cell}: expected {tune.seeds} trials of each of {len(tune.lr)} rates")
        used = {run.specs[key].train.lr for key in rows["key"] if key in run.specs}
        if used != {rates.get(cell)}:
            yield fault(f"{cell}: trained at {some(sorted(used))}: tuning chose {rates.get(cell)}")
    for row in table.to_dict("records") if run.attempts is not None else ():
        stored = run.ended.get(row["key"], [{}])[-1]
        told = (row["state"], None if math.isnan(row["val_accuracy"]) else row["val_accuracy"])
        if (stored.get("state"), stored.get("val_accuracy")) != told:
            yield fault(f"{row['cell']}, lr {row['lr']}, seed {row['seed']}: not as in the storage")


def findings(run: Run, remake: Remake) -> Iterator[Remark]:
    """Summary, verdicts and the data of figures, against those made anew in another folder.

    Args:
        run: which.
        remake: writes into a copy of a run all that its tables show, over what is there.
    """
    if not (run.folder / SUMMARY).exists() and run.unfinished:
        yield note(f"none yet: {len(run.unfinished)} trials have not ended")
        return
    if not (run.folder / SUMMARY).exists() and not (run.folder / MARKDOWN).exists():
        yield note(f"none yet; `ablate report {run.folder}` makes them")
        return
    again = f"`ablate report {run.folder}` makes it anew"
    with tempfile.TemporaryDirectory() as temporary:
        anew = Path(temporary)
        known = (MANIFEST, "*.toml", "*.csv")
        for path in [path for name in known for path in run.folder.glob(name)]:
            shutil.copy(path, anew)
        remake(anew, run.folder)  # and takes away what is found no more
        folders = (run.folder, anew) if _holds_all(run) else (run.folder,)
        tables = {path.name for folder in folders for path in folder.glob("*.csv")}
        for name in sorted(tables):
            differs = difference(run.folder / name, anew / name)
            if differs:
                yield fault(f"{name}: {differs}; {again}")
        if not _holds_all(run):
            if (run.folder / MARKDOWN).read_bytes() != (anew / MARKDOWN).read_bytes():
                yield fault(f"{MARKDOWN}: is not what the tables give; {again}")
            yield note(f"as it is published: {MARKDOWN} stands for what the report makes")
        for name in (MARKDOWN, REPORT):
            old, new = run.folder / name, anew / name
            if not old.exists() or old.read_bytes() != new.read_bytes():
                yield note(f"{name}: not as these versions of ablate and matplotlib write it")


def _holds_all(run: Run) -> bool:
    """Whether what the report makes is there; of a published run the summary in words will do."""
    return (run.folder / SUMMARY).exists()


def _plain(run: Run, name: str, columns: Sequence[str]) -> pd.DataFrame:
    """A table other than that of the trials; raises `InputError` for one with other columns."""
    path = run.folder / name
    try:
        dtypes = dict.fromkeys(TEXT, "string")
        table = pd.read_csv(path, dtype=dtypes, keep_default_na=False, na_values=[""])
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a table: {' '.join(str(error).split())}") from error
    if list(table.columns) != list(columns):
        raise InputError(f"{path}: columns {some(table.columns)}: expected {', '.join(columns)}")
    words = [name for name in columns if name not in TEXT and table[name].dtype.kind not in "iuf"]
    if words and not table.empty:
        raise InputError(f"{path}: column {words[0]!r}: expected numbers")
    return table


def _of_trials(run: Run, table: pd.DataFrame) -> Iterator[Remark]:
    """Every row is of a trial, by key, cell and seed."""
    names = ["key", "cell", "seed"]
    known = set(run.trials[names].itertuples(index=False, name=None))
    strange = set(table[names].itertuples(index=False, name=None)) - known
    if strange:
        yield fault(f"of no trial in {TRIALS}: {some(sorted(strange, key=str))}")


def _unlike(found: list[list[object]], expected: list[list[object]]) -> list[str]:
    """The rows of two lists that differ."""
    if len(found) != len(expected):
        return [f"{plural(len(found), 'stage')}, not {len(expected)}"]
    return [f"{a}, not {b}" for a, b in zip(found, expected, strict=True) if a != b]


def difference(path: Path, anew: Path) -> str | None:
    """What differs between two tables beyond the last digits of a number; None for nothing."""
    if path.exists() != anew.exists():
        return "missing" if anew.exists() else "the tables give none"
    if not path.exists() or path.read_bytes() == anew.read_bytes():
        return None
    try:
        old, new = (pd.read_csv(file, dtype=str, keep_default_na=False) for file in (path, anew))
    except ValueError as error:
        return f"not a table: {' '.join(str(error).split())}"
    if list(old.columns) != list(new.columns) or len(old) != len(new):
        return f"{len(old)} rows of {some(old.columns)}; expected {len(new)} of {some(new.columns)}"
    for name in new.columns:
        for row, (was, now) in enumerate(zip(old[name], new[name], strict=True), start=2):
            if not _equal(was, now):
                return f"line {row}, {name}: {was or 'nothing'}; expected {now or 'nothing'}"
    return None


def _equal(was: str, now: str) -> bool:
    try:
        return math.isclose(float(was), float(now), rel_tol=CLOSE, abs_tol=CLOSE)
    except ValueError:
        return was == now
