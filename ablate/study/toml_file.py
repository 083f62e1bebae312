"""Tables of a TOML file, read strictly: every fault is one line with the file and the key."""

import codecs
import contextlib
import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from ablate.errors import InputError, looks_like_formula, nearest


class StrictTable(BaseModel):
    """A table that refuses keys it does not know and values of another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _name(name: str) -> str:
    if looks_like_formula(name):
        raise ValueError(f"the name {name!r} begins like a formula of a spreadsheet")
    if not name.isprintable() or name != name.strip() or not name or " / " in name:
        raise ValueError(f"the name {name!r} is not printable text without ' / '")
    return name


Name = Annotated[str, AfterValidator(_name)]
MOST_BYTES = 2**20
_File = TypeVar("_File", bound="StrictTable")


@dataclass(frozen=True)
class Toml:
    """A TOML file that has been read.

    Args:
        path: of the file.
        text: all of it.
        content: its tables.
    """

    path: Path
    text: str
    content: Mapping[str, Any]


def read_toml(path: Path | Toml) -> Toml:
    """A TOML file, read, or as it was read before; raises `InputError` where it cannot be."""
    if isinstance(path, Toml):
        return path
    try:
        with path.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
        source = _decoded(content)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such study file") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    if len(content) > MOST_BYTES:
        raise InputError(f"{path}: too large; expected at most {MOST_BYTES:,} bytes")
    try:
        return Toml(path, source, tomllib.loads(source))
    except (ValueError, RecursionError) as error:  # tomllib.TOMLDecodeError is a ValueError
        raise InputError(f"{path}: not valid TOML: {error}") from error


def _decoded(content: bytes) -> str:
    """UTF-8, with a byte-order mark or without; raises ValueError that names another encoding."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ValueError("its encoding is UTF-16; save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        for other in ("EUC-KR", "CP949", "Shift-JIS", "GB18030", "Latin-1"):
            with contextlib.suppress(UnicodeDecodeError):
                content.decode(other)
                line = content[: error.start].count(b"\n") + 1
                raise ValueError(
                    f"line {line} is not UTF-8 (perhaps {other}); save it as UTF-8"
                ) from error
        raise


def validated(
    toml: Toml,
    model: type[_File],
    tables: Mapping[tuple[str, ...], type[StrictTable]],
) -> _File:
    """A file's content as its model.

    Args:
        toml: the file.
        model: of the whole file.
        tables: the model of each table within it, by the path to the table without the names
            that a user gives: `("datasets",)` for `[datasets.NAME]`.

    Raises:
        InputError: one line with the file, the key, and what would be right.
    """
    try:
        return model.model_validate(toml.content)
    except ValidationError as error:
        raise InputError(f"{toml.path}: {_explain(error, model, tables)}") from error


def check_stem(path: Path) -> None:
    """Raise `InputError` for a file whose name cannot name a folder of results."""
    if not re.fullmatch(r"[^\W_][\w-]{0,63}", unicodedata.normalize("NFC", path.stem)):
        raise InputError(
            f"{path}: the file's name names the study and its folder: expected "
            "letters of any script, digits, _ and -, at most 64"
        )


def _explain(
    error: ValidationError,
    model: type[StrictTable],
    tables: Mapping[tuple[str, ...], type[StrictTable]],
) -> str:
    """The first fault that pydantic found, in one line."""
    # A misspelt key is also a missing one: say the former.
    fault = min(error.errors(), key=lambda fault: fault["type"] != "extra_forbidden")
    key = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        # Every second part of the path is a name that the user gave, or a place in a list.
        within = tuple(str(part) for part in fault["loc"][:-1][::2])
        known = (tables[within] if within else model).model_fields
        return (
            f"{key}: unknown key{nearest(str(fault['loc'][-1]), known)}: expected one of "
            f"{', '.join(known)}"
        )
    given = "" if fault["type"] == "missing" else f" = {fault['input']!r}"
    if fault["type"] in ("dict_type", "model_type"):
        return f"{key}{given}: expected a table"
    if fault["loc"][-1] in ("constrained-float", "literal['baseline']"):
        key = ".".join(str(part) for part in fault["loc"][:-1])
        return f'{key}{given}: expected a number above 0, or "baseline"'
    if fault["loc"][0] == "match" and fault["loc"][-1] in ("str", "float"):
        return f'match.{fault["loc"][1]}{given}: expected "reference" or a number'
    return f"{key}{given}: {fault['msg'][0].lower()}{fault['msg'][1:]}"
