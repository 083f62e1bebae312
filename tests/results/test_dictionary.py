"""The dictionary of columns, held against tables that the code writes."""

import csv
import re
import shutil
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from ablate.analysis.hypotheses import COLUMNS as OF_HYPOTHESES
from ablate.analysis.populations import COLUMNS as OF_ARMS
from ablate.analysis.summary import SUMMARY_COLUMNS
from ablate.data.dataset import Dataset, Images
from ablate.networks.presets import preset
from ablate.report.comparison_page import write_comparison
from ablate.report.verdict_file import COLUMNS as OF_VERDICT
from ablate.report.write import write_findings
from ablate.results import schema
from ablate.results.dictionary import COSTS, TABLES, Dictionary, stands_for
from ablate.results.drawn import DRAWN
from ablate.results.tables import write_sweep
from ablate.search.baseline import Timing, baseline_of, write_baseline
from ablate.search.explored import COLUMNS as OF_SEARCH
from ablate.spec.network import NetSpec
from ablate.spec.recipe import TrainSpec
from ablate.study.tuning import COLUMNS as OF_TUNING
from ablate.training.execution import Execution
from ablate.training.throughput import sweep
from support import PUBLISHED, ROOT
from support.commands import command
from support.drawings import undrawn

RUNS = (
    *("width_doubling", "width_tuned", "width_iso_macs", "abstraction"),
    *("shortcut_x_growth", "design_space", "search_pareto"),
)
TIMING = Timing(
    latency_batch=1,
    latency_threads=1,
    latency_device="cpu: a machine",
    latency=2.5,
    latency_control=1.0,
    latency_control_low=0.99,
    latency_control_high=1.01,
    latency_control_off=False,
)
EVERY = {**TABLES, **DRAWN}
Written = Mapping[str, set[str]]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, digits: Dataset) -> Written:
    """The columns of each table that seven runs, claims, a comparison and a sweep leave."""
    root = tmp_path_factory.mktemp("written")
    with undrawn():
        for study in RUNS:
            source = PUBLISHED / study / "digits"
            write_findings(Path(shutil.copytree(source, root / study / "digits")))
        of_growth = ("digits", "fashion_mnist", "folder-cifar10-jpeg")
        runs = [PUBLISHED / "width_iso_macs" / dataset for dataset in of_growth]
        write_comparison([*runs, PUBLISHED / "width_doubling" / "digits"], root / "compared")
    status, _, errors = command("--study", "claims", "--out", root / "of claims")
    assert status == 0, errors
    (networks,) = root.glob("of claims/claims/*/networks.csv")
    networks.rename(networks.with_name("torchvision.csv"))
    few = replace(digits, train=Images(digits.train.images[:16], digits.train.labels[:16]))
    net = NetSpec(widths=(2, 4), depths=(1, 1), strides=(1, 2), in_channels=1, image_size=8)
    rows = sweep({"net": net}, TrainSpec(), few, Execution(device="cpu", threads=1), [8], 0.0)
    (root / "swept").mkdir()
    write_sweep(root / "swept", rows)
    write_baseline(root / "swept", baseline_of(preset("cifar_resnet20"), TIMING))
    found = defaultdict(set)
    for path in root.rglob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            found[path.stem] |= set(next(csv.reader(file)))
    return found


def test_every_table_that_is_written_is_described(written: Written) -> None:
    assert set(written) == set(EVERY)


@pytest.mark.parametrize("name", EVERY)
def test_columns_are_described_and_described_columns_are_written(
    written: Written, name: str
) -> None:
    described, columns = EVERY[name], written[name]
    undescribed = [
        column for column in columns if not any(stands_for(own, column) for own in described)
    ]
    assert undescribed == []
    unwritten = [own for own in described if not any(stands_for(own, column) for column in columns)]
    assert unwritten == []


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("summary", SUMMARY_COLUMNS),
        ("hypotheses", OF_HYPOTHESES),
        ("verdict", OF_VERDICT),
        ("arms", OF_ARMS),
        ("tuning", OF_TUNING),
        ("search", OF_SEARCH),
        ("epochs", schema.EPOCH_COLUMNS),
        ("correct", schema.CORRECT_COLUMNS),
    ],
)
def test_columns_are_described_in_their_order(name: str, columns: tuple[str, ...]) -> None:
    assert list(TABLES[name]) == list(columns)


@pytest.mark.parametrize("dictionary", EVERY.values(), ids=EVERY)
def test_what_a_column_holds_is_said_in_one_line(dictionary: Dictionary) -> None:
    """It stands in a table of Markdown: nothing in it may end a cell or a row."""
    for about in dictionary.values():
        assert about
        assert about == about.strip()
        assert "\n" not in about


def test_a_name_stands_for_itself_but_for_axes_and_costs() -> None:
    assert stands_for("cell", "cell")
    assert not stands_for("cell", "seed")
    assert stands_for("axis_NAME", "axis_growth")
    assert not stands_for("axis_NAME", "cell")
    assert all(stands_for("COST", cost) for cost in COSTS)
    assert not stands_for("COST", "rank")


def test_the_page_of_columns_has_every_table() -> None:
    text = (ROOT / "docs" / "columns.md").read_text(encoding="utf-8")
    named = re.findall(r"<!-- columns(?:: (\S+))? -->", text)
    assert sorted(name or "trials" for name in named) == sorted(EVERY)
