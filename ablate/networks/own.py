"""Modules of one's own: found and hashed without running them, imported and called to build.

Only a network that is built imports them. Tables, pages and checks read what was built before.
"""

import hashlib
import importlib
import importlib.metadata
import inspect
import sys
from collections.abc import Collection, Iterable, Mapping
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from ablate.errors import InputError
from ablate.spec.own import Use

DIGITS = 16  # of a hash


def reachable(folders: Iterable[Path]) -> None:
    """Modules in these folders can be imported too, after all others."""
    for folder in dict.fromkeys(str(folder.resolve()) for folder in folders):
        if folder not in sys.path:
            sys.path.append(folder)


def source_hash(module: str) -> str:
    """A hash of a module's code: of its file, and of the version of what is installed.

    Nothing is imported. What the module imports in its turn is not in it.

    Raises:
        InputError: there is no such module, or it has no Python code.
    """
    path, code = None, None
    for place, name in enumerate(names := module.split(".")):
        spec = PathFinder.find_spec(".".join(names[: place + 1]), path)
        if spec is None:
            raise InputError(
                f"no module {module!r}: nothing called {name!r} can be imported here; expected it "
                "installed, or in the current folder or that of the study file"
            )
        path, code = spec.submodule_search_locations, spec.origin
    if code is None or not code.endswith(".py"):
        raise InputError(f"{module!r}: has no Python code; expected a file {names[-1]}.py")
    content = Path(code).read_bytes()
    return hashlib.sha256(content + b"\0" + _version(names[0]).encode()).hexdigest()[:DIGITS]


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def check_own(uses: Iterable[Use], allowed: Collection[str]) -> None:
    """Raise `InputError` for a module that may not be imported, or is not what was planned with."""
    for use in uses:
        if use.module not in allowed:
            raise InputError(f"{use.module}: nobody has allowed to import it here")
        _check_source(use)


def made(use: Use, given: Mapping[str, Any], offered: Mapping[str, Any] | None = None) -> Any:
    """What is made by calling a module of one's own.

    Args:
        use: what is imported and called, with its own keyword arguments.
        given: keyword arguments that it must take.
        offered: further ones, of which it gets those that it names.

    Raises:
        InputError: it cannot be imported, is not the code that was planned with, or cannot be made.
    """
    call = _imported(use)
    options = dict(use.options)
    named = inspect.signature(call).parameters
    every = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in named.values())
    wanted = {name: one for name, one in (offered or {}).items() if name in named}
    for name in given:
        if name not in named and not every:
            raise InputError(f"{use.use}: does not take {name}; it gets {', '.join(given)}")
    for name in options:
        if name in given:
            raise InputError(f"{use.use}: {name} is given to it; take it out of the study file")
    try:
        return call(**{**given, **wanted, **options})
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{use}: {type(error).__name__}: {_line(error)}") from error


def _check_source(use: Use) -> None:
    found = source_hash(use.module)
    if use.source and found != use.source:
        raise InputError(
            f"{use.module}: is not the code that the trial was planned with (its hash is {found} "
            f"here, {use.source} there); expected the same file and version everywhere"
        )


def _imported(use: Use) -> Any:
    _check_source(use)
    name = use.use.split(":")[1]
    try:
        module = importlib.import_module(use.module)
    except Exception as error:
        raise InputError(
            f"{use.module}: cannot be imported: {type(error).__name__}: {_line(error)}"
        ) from error
    call = getattr(module, name, None)
    if not callable(call):
        raise InputError(f"{use.use}: {use.module} has no class or function of that name")
    return call


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
