"""Each package says what it is for, a line a module, and stays small."""

import ast
import re
from pathlib import Path

import pytest

from support import ROOT

PACKAGES = sorted(path.parent for path in (ROOT / "ablate").rglob("__init__.py"))[1:]
OUTER = [package for package in PACKAGES if package.parent == ROOT / "ablate"]
MODULES = sorted((ROOT / "ablate").rglob("*.py"))


def modules(package: Path) -> set[str]:
    return {path.stem for path in package.glob("*.py")} - {"__init__", "__main__"}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_a_package_says_what_each_of_its_modules_is(package: Path) -> None:
    source = (package / "__init__.py").read_text(encoding="utf-8")
    tree = ast.parse(source)
    assert len(tree.body) == 1, "a door plate imports nothing"
    text = ast.get_docstring(tree)
    assert text is not None
    folders = {f"{path.name}/" for path in package.iterdir() if (path / "__init__.py").exists()}
    listed = [line for line in text.splitlines() if re.match(r"- |  ", line)]
    named = set(re.findall(r"`([a-z_0-9]+/?)`", " ".join(listed)))
    assert modules(package) | folders <= named
    assert "May use" in text or "may use" in text


@pytest.mark.parametrize("package", OUTER, ids=lambda path: path.name)
def test_a_package_uses_what_it_says_that_it_may(package: Path) -> None:
    text = ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8")))
    assert text is not None
    said = re.search(r"May use:?\s(.*?)\.(\s|$)", text, re.DOTALL)
    assert said is not None
    if "what is below them" in " ".join(said[1].split()) or said[1] == "everything":
        return  # the import contract says what that is
    assert used(package) <= set(re.findall(r"\w+", said[1]))


def used(package: Path) -> set[str]:
    """The names of what a package imports of the others."""
    names = set()
    for module in package.rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module is not None:
                first = [node.module, *(f"{node.module}.{name.name}" for name in node.names)]
                names |= {name.split(".")[1] for name in first if name.startswith("ablate.")}
    return (names & {path.stem for path in (ROOT / "ablate").iterdir()}) - {package.name}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_a_package_has_fourteen_modules_at_most(package: Path) -> None:
    assert len(modules(package)) <= 14


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_a_module_says_what_it_is_and_is_no_longer_than_one_reads(module: Path) -> None:
    source = module.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 400
    assert ast.get_docstring(ast.parse(source))
