"""Tables that are none of ours, or were changed: refused in one line, and nothing is lost."""

from pathlib import Path
from typing import Any

import pytest

from ablate.errors import InputError
from ablate.results import schema
from ablate.results.csv import read_correct, read_trials, write_table
from support.rows import row


def test_an_unknown_column_is_refused() -> None:
    with pytest.raises(InputError, match="colour"):
        schema.to_frame([row(colour="red")])
    frame = schema.to_frame([row()])
    with pytest.raises(InputError, match="colour"):
        schema.validate(frame.assign(colour="red"), "here")


@pytest.mark.parametrize(
    ("column", "value"), [("seed", "abc"), ("seed", 1.5), ("dirty", "maybe"), ("params", 2**63)]
)
def test_a_value_of_another_type_is_refused(column: str, value: Any) -> None:
    with pytest.raises(InputError, match=column):
        schema.to_frame([row(**{column: value})])


@pytest.mark.parametrize("name", ["None", "NA", "null", "nan", "N/A"])
def test_arms_called_nothing_come_back(tmp_path: Path, name: str) -> None:
    write_table(schema.to_frame([row(cell=name, axis_growth=name)]), tmp_path / "t.csv")
    assert read_trials(tmp_path / "t.csv")["cell"].tolist() == [name]


def test_large_counts_beside_missing_ones_are_exact() -> None:
    frame = schema.to_frame([row(train_images=None), row(key="1", train_images=2**60 + 1)])
    assert frame["train_images"].tolist()[1] == 2**60 + 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("doubling,doubling,0", "doubling,doubling,1.5"),
        ("11000", "9" * 30),
        (",spec\n", ",spec,colour\n"),
    ],
)
def test_more_tampering_is_refused(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "trials.csv"
    write_table(schema.to_frame([row()]), path)
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(InputError):
        read_trials(path)


@pytest.mark.parametrize(
    "content", [b"hello world\n1,2,3,4\n", b"\0" * 100], ids=["words", "zeros"]
)
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "trials.csv").write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_trials(tmp_path / "trials.csv")
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    "content",
    ["", "hello\n1,2,3\n", "\0" * 100, "cell,seed,key,images,correct\na,one,b,8,ff\n"],
    ids=["empty", "words", "zeros", "a seed"],
)
def test_another_file_is_no_table_of_test_images(tmp_path: Path, content: str) -> None:
    path = tmp_path / "correct.csv"
    assert read_correct(path) is None
    path.write_text(content)
    with pytest.raises(InputError, match=r"correct\.csv: not a table of test images: ") as caught:
        read_correct(path)
    assert len(str(caught.value).splitlines()) == 1


def test_a_folder_is_no_table(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "trials.csv"):
        (tmp_path / "trials.csv").mkdir(exist_ok=True)
        with pytest.raises(InputError):
            read_trials(path)
