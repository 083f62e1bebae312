"""A module of one's own in a network: where it is imported from, and with which settings."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ablate.errors import InputError

PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
Option = bool | int | float | str | tuple["Option", ...]


@dataclass(frozen=True, kw_only=True)
class Use:
    """A module of one's own, in place of a block, shortcut, stem, activation, norm, head or net.

    Args:
        use: what is imported and called, as `package.module:Name`.
        options: keyword arguments of the call, by name.
        source: a hash of the module's code, so that edited code makes another trial.
    """

    use: str
    options: tuple[tuple[str, Option], ...] = ()
    source: str = ""

    def __post_init__(self) -> None:
        if not PATH.fullmatch(self.use):
            raise InputError(f"{self.use!r}: expected package.module:Name")

    @property
    def module(self) -> str:
        """What is imported."""
        return self.use.split(":")[0]

    def __str__(self) -> str:
        """As it reads in a table, such as `blocks:SEBasic(reduction=8)`."""
        options = ", ".join(f"{name}={value}" for name, value in self.options)
        return f"{self.use}({options})" if options else self.use


def use_of(value: str | Mapping[str, Any], source: str = "") -> Use:
    """What a study file names: a path, or a table with `use` and keyword arguments.

    Keyword arguments stand beside `use`, or in a table `args`.

    Raises:
        InputError: it names no module, or an argument is of no kind that a file has.
    """
    if isinstance(value, str):
        return Use(use=value, source=source)
    use, args = value.get("use"), value.get("args", {})
    if not isinstance(use, str):
        raise InputError('expected a table with use = "package.module:Name"')
    if not isinstance(args, Mapping):
        raise InputError(f"args = {args!r}: expected a table of keyword arguments")
    beside = {name: one for name, one in value.items() if name not in ("use", "args")}
    twice = sorted(beside.keys() & args.keys())
    if twice:
        raise InputError(f"{twice[0]}: stands beside use and in args; expected it once")
    given = sorted((beside | dict(args)).items())
    return Use(
        use=use, options=tuple((name, _option(name, one)) for name, one in given), source=source
    )


def used(value: Any) -> Any:
    """A value of a description that was JSON or TOML in between: a table becomes its `Use`."""
    if isinstance(value, tuple):
        return tuple(map(used, value))
    if not isinstance(value, Mapping):
        return value
    options = tuple((name, _option(name, one)) for name, one in value.get("options", ()))
    return Use(use=value["use"], options=options, source=value.get("source", ""))


def in_file(use: Use) -> dict[str, Any]:
    """A module of one's own as a study file names it; of its code nothing is said there."""
    return {"use": use.use, "args": {name: _listed(value) for name, value in use.options}}


def _listed(value: Option) -> Any:
    return [_listed(one) for one in value] if isinstance(value, tuple) else value


def _option(name: str, value: Any) -> Option:
    if isinstance(value, list | tuple):
        return tuple(_option(name, one) for one in value)
    if isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise InputError(f"{name} = {value!r}: expected a number, text, true, false, or a list of them")
