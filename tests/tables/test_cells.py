"""Cells as their writer meant them: numbers, true and false, and names in several spellings."""

import re
from pathlib import Path

import pandas as pd
import pytest

from ablate.errors import InputError
from ablate.study.toml_file import read_toml
from ablate.tables.arms.repeats import read_repeats
from ablate.tables.cells import holds, others, refuse_spellings
from ablate.tables.file import read_table_file
from ablate.tables.rows import Rows, read_rows


def column(*texts: str | None) -> "pd.Series[str]":
    return pd.Series(texts, dtype="string")


@pytest.mark.parametrize(
    ("texts", "value", "found"),
    [
        (["0.1", "0.10", "1e-1", "0.01", None], "0.1", [0, 1, 2]),
        (["0.1", "0.10", "1e-1", "0.01"], "1E-1", [0, 1, 2]),
        (["1.0", "1", "+1", " 1 ", "10"], "1", [0, 1, 2, 3]),
        (["1", "nan", "1.0"], "1.0", [0, 2]),
        (["12345678901234567", "12345678901234568"], "12345678901234568", [1]),
        (["01", "1", "001"], "1", [1]),  # names
        (["0.1", "high", "0.10"], "0.1", [0]),
        (["1", "1_0", "10"], "10", [2]),
        (["True", "False", "true"], "true", [0, 2]),
        (["True", "truth"], "true", []),
        (["a b", "a", "A"], " a  b", [0]),
        (["\u00e9", "e"], "e\u0301", [0]),
        (["nan", "1"], "nan", [0]),
    ],
)
def test_a_value_is_found_as_what_the_column_holds(
    texts: list[str | None], value: str, found: list[int]
) -> None:
    assert list(holds(column(*texts), value, "it").nonzero()[0]) == found


def test_a_value_in_two_spellings_is_refused_and_another_s_are_not() -> None:
    texts = column("a", "a ", "b")
    with pytest.raises(InputError, match=r"it: 'a' and 'a ' differ in white space"):
        holds(texts, "a", "it")
    assert holds(texts, "b", "it").sum() == 1
    refuse_spellings(["a", "A", "a b"], "it")


@pytest.mark.parametrize(
    ("texts", "value", "says"),
    [
        (["0.01", "0.2", "0.3"], "0.1", "the nearest are 0.01 and 0.2"),
        (["0.2", "0.3"], "0.1", "the nearest is 0.2"),
        (["sgd", "adam"], "agd", "it has 'sgd', 'adam' (did you mean sgd?)"),
        ([None], "a", "it is empty in all rows"),
        (["nan"], "1", "it has 'nan'"),
    ],
)
def test_what_is_there_instead_is_said(texts: list[str | None], value: str, says: str) -> None:
    assert others(column(*texts), value) == says


RATES = ["0.1", "0.10", "1e-1", "0.01"]


@pytest.fixture
def rates(tmp_path: Path) -> Path:
    """Two arms with a row at each rate, as text or as numbers, and whether it is new."""
    path = tmp_path / "rates.csv"
    rows = [f"{arm},{rate},{number == 0},7{number}.{ord(arm)}" for arm in "ab"
            for number, rate in enumerate(RATES)]  # fmt: skip
    path.write_text("\n".join(["arm,rate,new,acc", *rows]) + "\n")
    return path


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
@pytest.mark.parametrize("where", [{"rate": "0.1"}, {"rate": ".10"}, {"new": "false"}])
def test_rows_are_taken_by_number_from_any_kind_of_file(
    rates: Path, suffix: str, where: dict[str, str]
) -> None:
    path = rates.with_suffix(f".{suffix}")
    frame = pd.read_csv(rates)
    if suffix == "parquet":
        frame.to_parquet(path)
    elif suffix == "jsonl":
        frame.to_json(path, orient="records", lines=True)
    assert len(read_repeats(path, ["arm"], "acc", where=where).frame) == 6


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ({"rate": "0.02"}, "no row has rate = 0.02; the nearest are 0.01 and 0.1"),
        ({"arm": "aa"}, "no row has arm = aa; it has 'a', 'b' (did you mean a?)"),
        ({"rate": "0.01", "new": "true"}, "no row has rate = 0.01 and new = true, though some"),
    ],
)
def test_where_no_row_is_there_the_nearest_is_said(
    rates: Path, where: dict[str, str], says: str
) -> None:
    with pytest.raises(InputError, match=re.escape(says)):
        read_repeats(rates, ["arm"], "acc", where=where)


def study(table: Path, where: str) -> Rows:
    path = table.with_name("mine.toml")
    path.write_text(
        'kind = "table"\nquestion = "Is b better?"\nbaseline = "a"\n[source]\nfile = "rates.csv"\n'
        '[columns]\noutcome = { one = "acc" }\narm = "arm"\n' + f"[where]\n{where}\n"
    )
    return read_rows(read_table_file(read_toml(path)), table)


@pytest.mark.parametrize(
    ("where", "rows"),
    [
        ("rate = 0.1", 6),
        ('rate = "0.10"', 6),
        ('rate = { one_of = ["1e-1", 0.01] }', 8),
        ("new = true", 2),
        ('new = "true"', 2),
        ('arm = " a"', 4),
    ],
)
def test_a_study_file_s_where_compares_alike(rates: Path, where: str, rows: int) -> None:
    assert study(rates, where).meant == rows


def test_a_study_file_s_where_says_the_nearest(rates: Path) -> None:
    with pytest.raises(InputError, match=r"where\.rate = 0\.3; the nearest is 0\.1"):
        study(rates, "rate = 0.3")
    with pytest.raises(InputError, match=r"where\.arm = aa; it has .*did you mean a"):
        study(rates, 'arm = "aa"')
