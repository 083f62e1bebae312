"""The words that a study file gives for what it varies: `says` of an axis, and of an arm.

They change what is read, and nothing that is trained: a study with them has the trials of the same
study without.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ablate.errors import InputError
from ablate.study.toml_file import Toml

SAYS = "says"
LONGEST, MOST_WORDS = 60, 10  # characters and words


@dataclass(frozen=True, kw_only=True)
class Words:
    """What a study's axes and arms are called in a sentence.

    Args:
        axes: by axis.
        arms: by axis and arm.
    """

    axes: Mapping[str, str] = field(default_factory=dict)
    arms: Mapping[tuple[str, str], str] = field(default_factory=dict)


def take_words(toml: Toml) -> tuple[Toml, Words]:
    """A study file without its words, and these.

    Raises:
        InputError: one line with the file, the key, and what would be right.
    """
    tables = toml.content.get("axes")
    if not isinstance(tables, dict):
        return toml, Words()
    axes: dict[str, str] = {}
    arms: dict[tuple[str, str], str] = {}
    left: dict[str, Any] = {}
    for axis, table in tables.items():
        if not isinstance(table, dict):
            return toml, Words()  # the reader of the file says what is wrong
        left[axis] = {}
        for name, value in table.items():
            if name == SAYS and not isinstance(value, dict):
                axes[axis] = _phrase(f"{toml.path}: axes.{axis}.{SAYS}", value)
            elif isinstance(value, dict) and SAYS in value:
                where = f"{toml.path}: axes.{axis}.{name}.{SAYS}"
                arms[axis, name] = _phrase(where, value[SAYS])
                left[axis][name] = {key: own for key, own in value.items() if key != SAYS}
            else:
                left[axis][name] = value
    content = {**toml.content, "axes": left}
    return replace(toml, content=content), Words(axes=axes, arms=arms)


def _phrase(where: str, value: object) -> str:
    if (
        isinstance(value, str)
        and value.isprintable()
        and value == value.strip()
        and 0 < len(value) <= LONGEST
        and len(value.split()) <= MOST_WORDS
        and not value.endswith(".")
    ):
        return value
    raise InputError(
        f"{where} = {value!r}: expected a few words for the middle of a sentence, at most "
        f"{MOST_WORDS} words and {LONGEST} characters, without a full stop"
    )
