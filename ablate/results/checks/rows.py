"""Checks of the trials table alone: each row by itself, and the rows against each other."""

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from ablate.errors import InputError, plural
from ablate.networks.cost import count
from ablate.results.checks import recipes
from ablate.results.checks.remarks import Remark, fault, note, some
from ablate.results.folder import Run
from ablate.results.names import STUDY
from ablate.results.schema import axis_columns
from ablate.results.stopping import Fate
from ablate.spec.choices import AXIS_PREFIX
from ablate.spec.trial import TrialSpec, content_hash
from ablate.study.draws import NETWORK
from ablate.study.file import read_study_file
from ablate.study.trial_json import trial_from_json

NEEDED = ("test_accuracy", "val_accuracy", "val_loss", "train_loss", "train_seconds")
IMAGES = {"test_accuracy": "test_images", "val_accuracy": "val_images"}
# A mixture of these within a table is a fault: they decide the numbers, for all arms alike.
ALIKE = (
    *("study", "dataset", "dtype", "memory_format", "compiled", "deterministic", "match"),
    *("train_images", "val_images", "test_images"),
)
# Many machines may have worked on one study.
MAY_DIFFER = ("commit", "device", "os", "driver", "train_threads")


def specs(run: Run) -> Iterator[Remark]:
    """Each row's key, network and counts, worked out anew from its description."""
    for row in run.trials.to_dict("records"):
        where = f"{row['cell']}, seed {row['seed']} ({row['key']})"
        try:
            spec = trial_from_json(row["spec"])
            expected = _follows(spec)
        except InputError as error:
            yield fault(f"{where}: spec: {error}")
            continue
        wrong = [name for name, value in expected.items() if row[name] != value]
        if wrong:
            says = some(f"{name} = {row[name]}, not {expected[name]}" for name in wrong)
            yield fault(f"{where}: from its spec follows otherwise: {says}")


def _follows(spec: TrialSpec) -> dict[str, Any]:
    """The columns that a trial's description decides."""
    counted = {}
    if not spec.net.own:  # else it would have to be imported, and a table names nothing to import
        cost = count(spec.net)
        counted = {name: getattr(cost, name) for name in ("params", "macs", "activations")}
    return {
        "key": spec.key,
        "net": content_hash(spec.net),
        "seed": spec.seed,
        "dataset": spec.data.name,
        "epochs": spec.train.epochs,
        "batch": spec.train.batch_size,
        "shortcut": spec.net.shortcut_text,
        **{name: json.dumps(getattr(spec.net, name)) for name in ("widths", "depths", "strides")},
        **counted,
    }


def cells(run: Run) -> Iterator[Remark]:
    """Each cell is one network and one arm of every axis, and no other cell is."""
    for name, rows in run.trials.groupby("cell", sort=False):
        for column in ("net", *axis_columns(run.trials)):
            values = rows[column].unique()
            if len(values) > 1:
                yield fault(f"{name}: {len(values)} values of {column}: {some(values)}")
        strange = set(rows[axis_columns(run.trials)].stack()) - set(str(name).split(" / "))
        if strange:
            yield fault(f"{name}: is not named after its arms: {some(sorted(strange))}")


def states(run: Run) -> Iterator[Remark]:
    """A complete trial has what it measured and no failure; another has no test accuracy."""
    for row in run.trials.to_dict("records"):
        for text in _contradictions(row):
            yield fault(f"{row['cell']}, seed {row['seed']}: {row['state']}, but {text}")
    lost = run.trials[run.trials["state"] != "complete"]
    for state, rows in lost.groupby("state"):
        yield note(f"{len(rows)} of {len(run.trials)} trials are {state}")


def _contradictions(row: Mapping[Any, Any]) -> Iterator[str]:
    if row["state"] == "complete":
        lacking = [name for name in NEEDED if pd.isna(row[name])]
        if lacking:
            yield f"without {some(lacking)}"
        if not pd.isna(row["failure"]):
            yield f"with a failure: {row['failure']}"
    else:
        if not pd.isna(row["test_accuracy"]):
            yield f"with a test accuracy of {row['test_accuracy']}"
        if pd.isna(row["failure"]) and row["state"] != "pruned":
            yield "without a failure that says why"
    for name, images in IMAGES.items():
        if not (pd.isna(row[name]) or pd.isna(row[images])):
            right = row[name] * row[images]
            if abs(right - round(right)) > 1e-6:
                yield f"{name} = {row[name]} is no whole number of {row[images]} images"
    if row["finished"] < row["started"]:
        yield f"finished ({row['finished']}) before it started ({row['started']})"


def pairs(run: Run) -> Iterator[Remark]:
    """Cells that are compared have the same seeds, their arms' recipes, and the same data."""
    file = read_study_file(run.folder / STUDY)
    # Of sampled networks, those of one draw are compared, and have seeds of their own.
    draws = (
        run.trials[f"{AXIS_PREFIX}{NETWORK}"] if file.sample else pd.Series("", run.trials.index)
    )
    for _, drawn in run.trials.groupby(draws, sort=False):
        seeds = {name: set(rows["seed"]) for name, rows in drawn.groupby("cell", sort=False)}
        every = set().union(*seeds.values())
        for name, own in seeds.items():
            if own != every:
                say = note if run.unfinished else fault
                lacking = sorted(
                    seed for seed in every - own if run.fate(str(name), seed) is not Fate.NOT_NEEDED
                )
                if lacking:
                    yield say(f"{name!s}: not paired: without seed {some(lacking)}")
    yield from recipes.differing(run, file)
    for name, values in _differing(dataclasses.asdict(spec.data) for spec in run.specs.values()):
        yield fault(f"data.{name} differs between trials: {some(values)}")


def alike(run: Run) -> Iterator[Remark]:
    """Versions, and what else decides the numbers, are equal in all rows."""
    try:
        versions = [json.loads(text) for text in run.trials["versions"].unique()]
        for name, values in _differing(versions):
            yield fault(f"{name} differs between trials: {some(values)}")
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        yield fault(f"versions: not a JSON object: {error}")
    for columns, say in ((ALIKE, fault), (MAY_DIFFER, note)):
        for name in columns:
            found = run.trials[name].dropna().unique()
            if len(found) > 1 and not (name == "dtype" and _set_by_arms(run, "precision")):
                yield say(f"{name} differs between trials: {some(found)}")
    dirty = int(run.trials["dirty"].sum())
    if dirty:
        yield note(f"{plural(dirty, 'trial')} made by code with uncommitted changes")


def _set_by_arms(run: Run, name: str) -> bool:
    return name in recipes.set_by_arms(read_study_file(run.folder / STUDY))


def _differing(tables: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, list[Any]]]:
    """Keys whose values are not the same in all tables, with the values, each once."""
    every = list(tables)
    for name in dict.fromkeys(name for table in every for name in table):
        values = list(dict.fromkeys(repr(table.get(name)) for table in every))
        if len(values) > 1:
            yield name, values
