"""Which file a study is, and of which kind."""

from pathlib import Path
from typing import Literal

from ablate.errors import InputError, nearest
from ablate.study.toml_file import Toml, read_toml

Kind = Literal["study", "search", "claims", "table"]


def kind_of(toml: Toml) -> Kind:
    """What a TOML file is meant to be.

    A table of claims makes it a file of claims, and so does a kind that is no other's: the reader
    of claims then says which kinds there are.
    """
    content = toml.content
    if content.get("kind") == "search" or "search" in content:
        return "search"
    if content.get("kind") == "table":
        return "table"
    return "claims" if "claims" in content or "kind" in content else "study"


def study_folders() -> tuple[Path, Path]:
    """Where studies are looked for: the working directory's, then those that came with ablate."""
    package = Path(__file__).resolve().parent.parent
    shipped = package / "studies"
    return Path("studies"), shipped if shipped.is_dir() else package.parent / "studies"


def find_studies() -> dict[str, Path]:
    """Study files by name; the working directory's hide those that came with ablate."""
    found: dict[str, Path] = {}
    for folder in study_folders():
        for path in sorted(folder.glob("*.toml")):
            found.setdefault(path.stem, path)
    return found


def find_study(wanted: str) -> Path:
    """The file of a study given by name, or by a path that ends in .toml."""
    if wanted.endswith(".toml"):
        return Path(wanted)
    found = find_studies()
    if wanted not in found:
        raise InputError(
            f"no study {wanted!r}{nearest(wanted, found)}: expected one of "
            f"{', '.join(sorted(found))}, or a path to a .toml file"
        )
    return found[wanted]


def name_or_path(path: Path) -> str:
    """What `--study` takes for a file: its name where that finds it, else its path."""
    own = find_studies().get(path.stem)
    return path.stem if own is not None and own.resolve() == path.resolve() else str(path)


def question_of(path: Path | Toml) -> str:
    """What a file asks, of whatever kind, without working out more of it."""
    toml = read_toml(path)
    question = toml.content.get("question")
    if not isinstance(question, str) or not question:
        raise InputError(f"{toml.path}: question = {question!r}: expected a sentence")
    return question
