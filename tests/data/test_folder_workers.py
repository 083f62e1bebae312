"""Images decoded by many processes: the same bits, and none outlives what it works for."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import ablate.data.folder
from ablate.data.folder import BLOCK, prepare, read_folder
from ablate.engine.progress import plain_or_bar
from support.photos import fill, make, read, same


def test_worker_processes_give_the_same_bits(many: Path, tmp_path: Path) -> None:
    serial, parallel = tmp_path / "serial", tmp_path / "parallel"
    one = make(many, serial, 7)
    assert one.images == 2 * (BLOCK + 3)
    assert make(many, parallel, 7, processes=2) == one
    assert same(read_folder(serial, one.checksum), read_folder(parallel, one.checksum))


def test_workers_do_not_import_torch() -> None:
    with ablate.data.folder._workers(BLOCK, 2) as each:
        loaded = "[name in __import__('sys').modules for name in ('torch', 'ablate.data.folder')]"
        assert list(each(eval, [loaded])) == [[False, True]]


def test_workers_leave_ctrl_c_to_the_parent() -> None:
    with ablate.data.folder._workers(BLOCK, 2) as each:
        handler = "(s := __import__('signal')).getsignal(s.SIGINT) is s.SIG_IGN"
        assert list(each(eval, [handler])) == [True]


def interrupted(work: Callable[[Path], object], items: list[Path]) -> None:
    with ablate.data.folder._workers(BLOCK, 2) as each:
        results = each(work, items)
        raise KeyboardInterrupt(results)  # which keeps the results alive, as a traceback does


def test_workers_stop_when_the_parent_is_interrupted(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        interrupted(Path.touch, [tmp_path / str(number) for number in range(2000)])
    assert len(list(tmp_path.iterdir())) < 2000


def test_progress_is_told_in_at_most_20_lines(
    photos: Path, root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ablate.data.folder, "BLOCK", 1)
    for number in range(2, 60):
        shutil.copy(photos / "train" / "cat" / "0.png", photos / "train" / "cat" / f"{number}.png")
    prepare(photos, None, root, 1, plain_or_bar)
    lines = [re.sub(r"; about.*", "", line) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == 20
    assert lines[0] == "step 1/10: looked at 7 of 64 images"
    assert lines[9:11] == [
        "step 10/10: looked at 64 of 64 images",
        "step 1/10: decoded 7 of 64 images",
    ]
    assert lines[-1] == "step 10/10: decoded 64 of 64 images"


KILLED = """
import os, signal, sys
from pathlib import Path
from ablate.data.folder import prepare

def progress(items, total, unit):
    for item in items:
        yield item
        if item.startswith("decoded"):
            os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    prepare(Path(sys.argv[1]), None, Path(sys.argv[2]), 2, progress)
"""

BESIDE = """
import sys
from pathlib import Path
from ablate.data.folder import prepare
import torchvision.datasets

root, *paths = map(Path, sys.argv[1:])
told = []

def progress(items, total, unit):
    for item in items:
        told.append(item)
        yield item

print("ready", flush=True)
sys.stdin.readline()
for path in paths:
    told.clear()
    print(prepare(path, None, root, 1, progress).checksum, len(told) > 0, flush=True)
"""


def test_a_killed_run_is_made_good_by_the_next(many: Path, root: Path, tmp_path: Path) -> None:
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    # It ends when the last process that holds its output does: no worker outlives its parent.
    killed = subprocess.run(
        [sys.executable, script, many, root], capture_output=True, text=True, timeout=60
    )
    assert killed.returncode == -9, killed.stderr
    folders = root / "folders"
    (left,) = folders.glob(".*-*")
    assert (left / "made" / "train.npy").exists()
    assert not list(folders.glob("*.json"))
    other = folders / f".{'0' * 64}-running"  # of another folder, which may be in the making
    other.mkdir()
    folder = make(many, root)
    assert same(read(root, folder), read(tmp_path / "fresh", make(many, tmp_path / "fresh")))
    assert list(folders.glob(".*-*")) == [other]


def test_two_processes_beside_each_other_make_one_valid_cache(
    many: Path, root: Path, tmp_path: Path
) -> None:
    twins = [fill(tmp_path / name, each=30) for name in ("one", "two")]
    beside = [
        subprocess.Popen(
            [sys.executable, "-c", BESIDE, root, many, twin],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for twin in twins
    ]
    for process in beside:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in beside:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    printed = [process.communicate(timeout=60)[0].split() for process in beside]
    assert [process.returncode for process in beside] == [0, 0]
    checksums = {(one, two) for one, _, two, _ in printed}
    assert len(checksums) == 1  # the same for both, of either folder
    assert sorted(decoded for _, decoded, _, _ in printed) == ["False", "True"]
    folders = root / "folders"
    assert {path.name for path in folders.iterdir() if path.is_dir()} == set(*checksums)
    for path, checksum in zip((many, twins[0]), *checksums, strict=True):
        fresh = make(path, tmp_path / "fresh")
        assert fresh.checksum == checksum
        assert same(read_folder(root, checksum), read(tmp_path / "fresh", fresh))
    index = [json.loads(path.read_text())["checksum"] for path in folders.glob("*.json")]
    assert sorted(index) == sorted([*next(iter(checksums)), printed[0][2]])
