"""Study files: a small one, and random ones."""

import json
import tempfile
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from ablate.errors import InputError
from ablate.spec.choices import CHOICES
from ablate.spec.network import NetSpec
from ablate.spec.recipe import TrainSpec
from ablate.study.layers import WIDTH_RULE
from ablate.study.plan import Study, load_study

STUDY = """\
question = "Which?"
baseline = "narrow"
seeds = 3

[net]
base_width = 8
norm = "group"

[train]
epochs = 4

[axes.width]
narrow = { growth = "constant" }
wide = { growth = 3 }

[datasets.digits]
seeds = 2
net = { base_width = 4, activation = "gelu" }
train = { batch_size = 64 }
"""


def load(path: Path, text: str, dataset: str = "digits") -> Study:
    path.write_text(text, encoding="utf-8")
    return load_study(path, dataset)


def changed(old: str, new: str) -> str:
    """The example with one thing changed."""
    assert old in STUDY
    return STUDY.replace(old, new, 1)


NARROW = 'growth = "constant"'


def valid_or_one_line(source: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fuzzed.toml"
        path.write_bytes(source)
        try:
            plan = load_study(path).plan()
        except InputError as error:
            message = str(error)
        else:
            assert len({planned.spec.key for planned in plan}) == len(plan) > 0
            return
    assert message.startswith(f"{path}: ")
    assert len(message.splitlines()) == 1


settings_keys = st.sampled_from(
    [*WIDTH_RULE, *(f.name for f in (*fields(NetSpec), *fields(TrainSpec)))]
)


names = settings_keys | st.text(st.characters(exclude_categories=["C", "Z"]), max_size=5)


choices = st.sampled_from(["doubling", *(word for words in CHOICES.values() for word in words)])


scalars = choices | names | st.booleans() | st.integers(-3, 40) | st.floats(-100, 100)


small = st.lists(st.integers(0, 4), min_size=2, max_size=3)


values = small | st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)


def toml(value: Any) -> str:
    """A value as inline TOML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(key)} = {toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str | bool) else repr(value)


def document(table: dict[str, Any]) -> bytes:
    """A whole TOML file."""
    return "".join(f"{toml(key)} = {toml(value)}\n" for key, value in table.items()).encode()


def tables(value: Any) -> Iterator[dict[str, Any]]:
    """Every table in a value, the value itself first."""
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from tables(item)


wholes, numbers = st.integers(-3, 40), st.floats(-100, 100)


well_typed: dict[str, st.SearchStrategy[Any]] = {
    **{key: st.sampled_from(words) for key, words in CHOICES.items() if key != "schedule"},
    **dict.fromkeys(("preact", "antialias", "zero_init"), st.booleans()),
    **dict.fromkeys(("base_width", "width_multiple", "growth_shift", "groups"), wholes),
    **dict.fromkeys(("expansion", "width_per_group", "stem_width", "head_width"), wholes),
    **dict.fromkeys(("kernel", "group_width", "norm_groups"), wholes),
    **dict.fromkeys(("stem_kernel", "stem_stride"), wholes),
    **dict.fromkeys(
        ("growth", "widen", "se_ratio", "drop_path", "dropout", "residual_scale"), numbers
    ),
    **dict.fromkeys(("depths", "strides", "dilations"), small),
    "widths": st.lists(wholes | small, max_size=3),
}
