"""Modules of one's own that a study file names: read, found and hashed; nothing is imported."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ablate.errors import InputError
from ablate.networks.own import reachable, source_hash
from ablate.spec.network import OWN
from ablate.spec.own import Use, use_of

WHOLLY = ("head", "net")  # have no value but a module of one's own


def names_own(key: str, value: Any) -> bool:
    """Whether a setting is a module of one's own."""
    path = isinstance(value, str) and (":" in value or key in WHOLLY)
    return key in OWN and (path or isinstance(value, Mapping))


def read_own(file: str, where: str, value: str | Mapping[str, Any]) -> Use:
    """A module of one's own, with a hash of its code.

    It may lie in the current folder or in that of the study file.

    Raises:
        InputError: it cannot be found, or what it is called with is of no kind that a file has.
    """
    reachable([Path.cwd(), Path(file).parent])
    try:
        use = use_of(value)
        return replace(use, source=source_hash(use.module))
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def own_modules(content: Mapping[str, Any]) -> list[str]:
    """The modules that the networks of a study file import, once each, in its order.

    Args:
        content: the file's tables.
    """
    return list(dict.fromkeys(_modules(content)))


def _modules(table: Mapping[str, Any]) -> Iterator[str]:
    for key, value in table.items():
        values = value if isinstance(value, list) else [value]
        for one in values:
            if names_own(key, one):
                path = one if isinstance(one, str) else one.get("use")
                if isinstance(path, str):  # else an axis of that name, with an arm called use
                    yield path.split(":")[0]
                    continue
            if isinstance(one, Mapping):
                yield from _modules(one)
