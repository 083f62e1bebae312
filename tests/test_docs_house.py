"""The page on the architecture is true: its drawing, the names on it, and its examples."""

import importlib
import itertools
import os
import re
import shutil
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET
from functools import reduce
from pathlib import Path

import pytest

from ablate.spec.network import NetSpec
from ablate.spec.trial import content_hash
from support import PUBLISHED, ROOT
from test_doors import PACKAGES

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
SVG = "{http://www.w3.org/2000/svg}"
TOP = sorted(path.stem for path in (ROOT / "ablate").iterdir() if path.suffix in ("", ".py"))
PROSE = re.sub(r"^```.*?^```", "", PAGE, flags=re.DOTALL | re.MULTILINE)
NAMES = sorted(set(re.findall(rf"`((?:{'|'.join(TOP)})(?:\.\w+)+)`", PROSE)))
NAMES = [name for name in NAMES if not name.endswith((".py", ".md"))]
FILES = sorted(set(re.findall(r"`((?:ablate|tests|benchmarks|docs)/[\w/.]*)`", PROSE)))
NEW = "ablate/cli/keys.py"  # that an example makes


def layers() -> list[list[str]]:
    """The layers of the import contract, top first."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
        "importlinter"
    ]["contracts"]
    rows = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    return [row.split(" | ") for row in rows]


def test_the_drawing_has_the_layers_of_the_contract() -> None:
    drawing = ET.parse(ROOT / "docs" / "_static" / "house.svg")
    rows = [
        [mark.text for mark in layer.iter() if mark.get("class") == "package"]
        for layer in drawing.iter()
        if layer.get("class") == "layer"
    ]
    assert rows == layers()


def test_every_layer_lies_below_the_one_before() -> None:
    drawing = ET.parse(ROOT / "docs" / "_static" / "house.svg")
    groups = [layer for layer in drawing.iter() if layer.get("class") == "layer"]
    boxes = [
        [
            (float(box.get("y", 0)), float(box.get("height", 0)))
            for box in group
            if "rect" in box.tag
        ]
        for group in groups
    ]
    for above, below in itertools.pairwise(boxes):
        assert len({*above}) == 1
        assert sum(above[0]) < below[0][0]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_on_the_page_exists(name: str) -> None:
    assert look_up(name) is not None


def look_up(name: str) -> object:
    """A module, or what it holds, by its name below `ablate`."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        try:
            module = importlib.import_module(".".join(["ablate", *parts[:count]]))
        except ModuleNotFoundError:
            continue
        return reduce(getattr, parts[count:], module)
    raise AssertionError(name)


def test_a_name_that_is_none_is_found_out() -> None:
    assert len(NAMES) > 40
    for name in ("study.plan.load_studies", "study.plans", "spec.TrialSpec.kee"):
        with pytest.raises(AttributeError):
            look_up(name)


@pytest.mark.parametrize("file", FILES)
def test_a_file_on_the_page_exists(file: str) -> None:
    assert (ROOT / file).exists() or file == NEW


def test_the_page_shows_the_door_plate_of_every_package() -> None:
    outer = {package.name for package in PACKAGES if package.parent == ROOT / "ablate"}
    shown = set(re.findall(r"automodule:: ablate\.(\w+)", PAGE))
    assert shown == outer | {"spec", "files", "bits", "errors", "processes"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code with every example of the page added."""
    copy = tmp_path_factory.mktemp("house")
    for folder in ("ablate", "studies", "tests/support"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "axis.toml").write_text(block("toml", "layer_scale"), encoding="utf-8")
    (copy / NEW).write_text(block("python", "ablate keys"), encoding="utf-8")
    for diff in blocks("diff"):
        done = subprocess.run(
            ["git", "apply", "-"],
            cwd=copy,
            input=diff,
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"GIT_CEILING_DIRECTORIES": str(copy.parent)},
        )
        assert done.returncode == 0, f"{done.stderr}\n{diff}"
    return copy


def blocks(language: str) -> list[str]:
    """The code of one language on the page."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)


def block(language: str, word: str) -> str:
    """The one with a word in it."""
    (found,) = [code for code in blocks(language) if word in code]
    return found


def ran(folder: Path, *words: str) -> str:
    """What Python printed, in a copy of the code."""
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": f"{folder}{os.pathsep}{folder / 'tests'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_new_axis_is_built_counted_and_drawn_at_random(built: Path) -> None:
    code = """
from ablate.networks.cost import count
from ablate.networks.model import build
from ablate.spec.network import NetSpec
from ablate.spec.trial import content_hash
from support.nets import net_specs
import hypothesis, warnings
spec = NetSpec(layer_scale=True)
params = sum(parameter.numel() for parameter in build(spec).parameters())
assert count(spec).params == params == count(NetSpec()).params + 2 * (16 + 32 + 64)
assert count(spec).kept > count(NetSpec()).kept
drawn = set()
@hypothesis.settings(max_examples=30, deadline=None, derandomize=True, database=None)
@hypothesis.given(net_specs())
def draw(net):
    drawn.add(net.layer_scale)
    assert count(net).params == sum(p.numel() for p in build(net).parameters())
draw()
assert drawn == {True, False}
print(content_hash(NetSpec()))
"""
    assert ran(built, "-c", code).split() == [content_hash(NetSpec())]


def test_a_trial_of_the_new_axis_has_the_new_column(built: Path) -> None:
    code = """
from dataclasses import replace
from pathlib import Path
from ablate.data.dataset import load
from ablate.results.schema import COLUMNS
from ablate.study.plan import load_study
from ablate.training.execution import Execution
from ablate.training.trial import run_trial
study = load_study(Path("axis.toml"))
plain, scaled = study.plan()[:2]
assert (plain.spec.net.layer_scale, scaled.spec.net.layer_scale) == (False, True)
outcome = run_trial(scaled.spec, load(study.data, Path("nowhere")), Execution())
assert outcome.row["state"] == "complete", outcome.row
assert outcome.row["grad_norm"] == outcome.epochs[-1]["grad_norm"] > 0
assert "grad_norm" in {column.name for column in COLUMNS}
"""
    ran(built, "-c", code)


def test_a_published_run_gets_the_new_figure_and_needs_no_new_column(built: Path) -> None:
    folder = built / "runs/width_doubling/digits"
    shutil.copytree(PUBLISHED / "width_doubling/digits", folder)
    ran(built, "-m", "ablate", "report", str(folder))
    assert (folder / "seconds.svg").exists()
    assert "Training time of every trial" in (folder / "report.html").read_text(encoding="utf-8")


def test_the_new_command_data_set_and_sampler_are_there(built: Path) -> None:
    search = (ROOT / "studies/search_pareto.toml").read_text(encoding="utf-8")
    (built / "other.toml").write_text(search.replace('"nsga2"', '"tpe_univariate"'))
    code = """
from pathlib import Path
from ablate.cli.main import main
from ablate.data.catalog import dataset_info
from ablate.search.plan import load_search
from ablate.search.samplers import make_sampler
from ablate.study.plan import load_study
assert main(["keys", "axis.toml"]) == 0
info = dataset_info("kmnist")
study = load_study(Path("axis.toml"), "kmnist")
assert study.cells[0].net.image_size == info.image_size == 28
asked = load_search(Path("other.toml"), dataset_info("digits")).file.search
assert "tpe_univariate" in asked.samplers
make_sampler("tpe_univariate", asked, 0)
"""
    keys = ran(built, "-W", "error", "-c", code).splitlines()
    assert [line.split()[1:] for line in keys] == [
        ["plain", "0"], ["scaled", "0"], ["plain", "1"], ["scaled", "1"],
    ]  # fmt: skip
    assert "print the key of every trial" in ran(built, "-m", "ablate", "--help")
