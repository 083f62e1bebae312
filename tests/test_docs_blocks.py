"""What the pages tell a user to type runs: TOML blocks load, commands parse, no key is left out."""

import dataclasses
import re
import shlex
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import MISSING, dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from pydantic import BaseModel

from ablate.cli.main import make_parser
from ablate.data.catalog import DATASETS, FOLDER, DatasetInfo
from ablate.networks.cost import count
from ablate.networks.presets import PRESETS
from ablate.networks.weights.torchvision import residual_networks
from ablate.report.claims import file as claims
from ablate.search import file as search
from ablate.search.plan import load_search
from ablate.spec.network import NetSpec
from ablate.spec.recipe import TrainSpec
from ablate.study import file as study
from ablate.study.find import find_studies, kind_of
from ablate.study.layers import EXTRAS, FROM_DATASET
from ablate.study.plan import load_study
from ablate.study.toml_file import read_toml
from ablate.tables import columns
from ablate.tables import file as table
from pages import PAGES, ROOT

DOCS = ROOT / "docs"
STUDY_FILES, SEARCH = DOCS / "study-files.md", DOCS / "searching.md"
TABLE_PAGE = DOCS / "tables.md"
TABLE_KEYS: dict[str, type] = {
    "Keys of a table's file": table.TableFile,
    "Keys of `[source]`": table.SourceTable,
    "Keys of `[columns]`": columns.ColumnsTable,
    "Keys of stages in one column": columns.StagesColumn,
    "Keys of a condition": columns.Condition,
    "Keys of a table's `[match]`": table.MatchTable,
    "Keys of `[power]`": table.PowerTable,
    "Keys of `[describe]`": table.DescribeTable,
    "Keys of a table's `[hypotheses.NAME]`": table.TableHypothesis,
}
NEEDED, NONE = "needed", "none"
KEYS: dict[tuple[Path, str], type] = {  # of each table of keys, by the heading above it
    (STUDY_FILES, "Keys of the file"): study.StudyFile,
    (STUDY_FILES, "Keys of `[net]`"): NetSpec,
    (STUDY_FILES, "Keys of `[train]`"): TrainSpec,
    (STUDY_FILES, "Keys of `[hypotheses.NAME]`"): study.HypothesisTable,
    (STUDY_FILES, "Keys of `[match]`"): study.MatchTable,
    (STUDY_FILES, "Keys of `[data]`"): study.DataTable,
    (STUDY_FILES, "Keys of `[datasets.NAME]`"): study.DatasetTable,
    (STUDY_FILES, "Keys of `[tune]`"): study.TuneTable,
    (STUDY_FILES, "Keys of `[stop]`"): study.StopTable,
    (STUDY_FILES, "Keys of `[sample]`"): study.SampleTable,
    (STUDY_FILES, "Keys of a claims file"): claims.ClaimsFile,
    (STUDY_FILES, "Keys of `[claims.NAME]`"): claims.ClaimTable,
    (STUDY_FILES, "Keys of a check"): claims.CheckTable,
    **{(TABLE_PAGE, heading): model for heading, model in TABLE_KEYS.items()},
    (SEARCH, "Keys of the file"): search.SearchFile,
    (SEARCH, "Keys of `[search]`"): search.SearchTable,
    (SEARCH, "Keys of `[limits]`"): search.LimitTable,
    (SEARCH, "Keys of `[latency]`"): search.LatencyTable,
    (SEARCH, "Keys of `[comparisons.NAME]`"): search.ComparisonTable,
}


@dataclass(frozen=True)
class Block:
    """A fenced block of a page: its language, the line that it begins on, its text."""

    page: Path
    language: str
    line: int
    text: str

    @property
    def whole(self) -> bool:
        """Whether it is a complete file."""
        return "question" in tomllib.loads(self.text)

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks_of(page: Path, *languages: str) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for match in re.finditer(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        if match[1] in languages:
            yield Block(page, match[1], text.count("\n", 0, match.start()) + 1, match[2])


# The blocks of the architecture are of code that is changed as it says: test_docs_house runs them.
TOML = [
    block for page in PAGES if page != DOCS / "architecture.md" for block in blocks_of(page, "toml")
]
FILES = [block for block in TOML if block.whole]
PARTS = [block for block in TOML if not block.whole and block.page.parent == DOCS]


def commands_in(text: str) -> Iterator[list[str]]:
    """The words after `ablate` of each of its commands, in the text of a shell."""
    for line in text.replace("\\\n", " ").splitlines():
        for command in line.split(" && "):
            words = shlex.split(command, comments=True)
            if words[:1] == ["ablate"]:
                yield words[1:]
            elif words[:3] == ["python", "-m", "ablate"]:
                yield words[3:]
            elif words[:2] == ["python", "-m"] and words[2].startswith("ablate."):
                yield [words[2].removeprefix("ablate."), *words[3:]]


COMMANDS = [
    (block, words)
    for page in PAGES
    for block in blocks_of(page, "sh", "console", "bash")
    for words in commands_in(block.text)
]


# Files


def info_of(name: str) -> DatasetInfo:
    """What is known of a data set; a folder of images is taken to be like CIFAR-10."""
    return replace(DATASETS["cifar10"], name=name) if name.startswith(FOLDER) else DATASETS[name]


def load(path: Path) -> None:
    """Load a file as the command does, on digits and on each data set that it names."""
    toml = read_toml(path)
    kind = kind_of(toml)
    if kind == "table":
        table.read_table_file(toml)
        return
    if kind == "claims":
        claims.read_claims(path, find_studies(), residual_networks())
        return
    for name in ("digits", *toml.content.get("datasets", {})):
        if kind == "search":
            load_search(toml, info_of(name))
        else:
            load_study(toml, info_of(name), latency=lambda net, batch: batch * count(net).macs)


def merged(
    file: Mapping[str, Any], part: Mapping[str, Any], inline: Collection[str]
) -> dict[str, Any]:
    """A file with the keys of a part in it, in place of those that it has.

    Args:
        file, part: as they are read.
        inline: keys of the part that give a whole table in one line.
    """
    return {**file} | {
        key: merged(file[key], value, inline)
        if isinstance(value, dict) and isinstance(file.get(key), dict) and key not in inline
        else value
        for key, value in part.items()
    }


@pytest.mark.parametrize("block", FILES, ids=str)
def test_a_complete_file_loads(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "pasted.toml"
    path.write_text(block.text, encoding="utf-8")
    load(path)


@pytest.mark.parametrize("block", PARTS, ids=str)
def test_a_part_loads_in_the_first_complete_file_of_its_page(block: Block, tmp_path: Path) -> None:
    """Of the page about study files where its own page has none."""
    file = next(file for page in (block.page, STUDY_FILES) for file in FILES if file.page == page)
    inline = re.findall(r"^(\S+) = \{", block.text, re.MULTILINE)
    content = merged(tomllib.loads(file.text), tomllib.loads(block.text), inline)
    path = tmp_path / "pasted.toml"
    path.write_text(tomli_w.dumps(content), encoding="utf-8")
    load(path)


def test_the_pages_about_files_begin_with_a_complete_one() -> None:
    for page in (STUDY_FILES, SEARCH):
        first = next(block for block in TOML if block.page == page)
        assert first.whole, first


# Commands


@pytest.mark.parametrize(
    ("block", "words"), COMMANDS, ids=lambda one: str(one) if isinstance(one, Block) else one[0]
)
def test_a_command_is_one_that_the_parser_takes(block: Block, words: list[str]) -> None:
    """With its options and the values that it may have; nothing is run."""
    args = make_parser("ablate").parse_args(words)
    preset, wanted = getattr(args, "preset", None), getattr(args, "study", None)
    assert preset is None or preset in PRESETS
    assert wanted is None or Path(wanted).stem in {*find_studies(), *made_on_pages()}


def made_on_pages() -> set[str]:
    """Names of studies that a page has its reader write: by `ablate new`, or by hand."""
    texts = [page.read_text(encoding="utf-8") for page in PAGES]
    made = {words[1] for _, words in COMMANDS if words[0] == "new"}
    return made | {
        name
        for text in texts
        for name in re.findall(r"`(?:(?:studies|examples)/)?([\w-]+)\.toml`", text)
    }


def test_there_are_commands_to_check() -> None:
    assert {words[0] for _, words in COMMANDS} >= {"run", "report", "check", "export", "worker"}


# Keys


def keys_of(model: type) -> dict[str, str]:
    """The keys of a table and their defaults, as the pages write them."""
    if issubclass(model, BaseModel):
        return {
            name: NEEDED
            if field.is_required()
            else written(field.get_default(call_default_factory=True))
            for name, field in model.model_fields.items()
        }
    return {
        field.name: NEEDED if field.default is MISSING else written(field.default)
        for field in dataclasses.fields(model)
        if field.name not in FROM_DATASET
    }


def written(value: object) -> str:
    """A default as TOML has it; a table that is left out is none."""
    if value is None or isinstance(value, BaseModel) or value in ({}, []):
        return NONE
    text = tomli_w.dumps({"key": list(value) if isinstance(value, tuple) else value})
    one_line = re.sub(r"\s+", " ", text).strip()
    return f"`{one_line.removeprefix('key = ').replace('[ ', '[').replace(', ]', ']')}`"


def tables_under(page: Path) -> dict[str, list[list[str]]]:
    """The rows of the tables on a page, cell by cell, by the heading above them."""
    found: dict[str, list[list[str]]] = {}
    heading = ""
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
        elif line.startswith("| `"):
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            found.setdefault(heading, []).append(cells)
    return found


@pytest.mark.parametrize(("page", "heading"), KEYS, ids=lambda one: getattr(one, "stem", one))
def test_every_key_is_on_its_page_with_its_default(page: Path, heading: str) -> None:
    rows = tables_under(page).get(heading, [])
    assert {row[0].strip("`"): row[1] for row in rows} == keys_of(KEYS[page, heading])
    assert all(len(row) == 3 and row[2] for row in rows)


def test_every_rule_for_widths_is_on_the_page() -> None:
    """Their defaults are no field's."""
    rows = tables_under(STUDY_FILES)["Keys that set widths and depths by a rule"]
    assert [row[0].strip("`") for row in rows] == [
        *("base_width", "growth", "width_multiple", "widen", "growth_shift", "equal_stages")
    ]
    assert {row[0].strip("`") for row in rows} == set(EXTRAS)


def test_every_model_of_a_file_has_a_table() -> None:
    models = {
        model
        for module in (study, search, claims, table)
        for name, model in vars(module).items()
        if isinstance(model, type) and issubclass(model, study.StrictTable)
    }
    assert models - {study.StrictTable} == {*KEYS.values()} - {NetSpec, TrainSpec}
