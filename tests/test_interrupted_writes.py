"""Kills in the middle of a write, full disks, folders that may not be written: no file is torn.

The system itself kills a process at a chosen byte of a file (SIGXFSZ). The full disk is a real one,
in memory, where this process may mount it.
"""

import contextlib
import multiprocessing
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch

from ablate import files
from ablate.data.dataset import Dataset
from ablate.networks.model import build
from ablate.report.write import write_findings
from ablate.results import names
from ablate.results.csv import read_table, read_trials, write_parquet, write_table
from ablate.spec.recipe import TrainSpec
from ablate.training.checkpoint import read_checkpoint
from ablate.training.loop import Epoch, fit
from support import PUBLISHED
from support.commands import QUICK, STUDY
from support.remade import remade
from support.trained import CPU, NET, few_digits

RECIPE = TrainSpec(epochs=4, batch_size=32)


def apart(work: Callable[..., None], *args: object) -> None:
    """Do work in a new process, from which it may fork: this one may have threads."""
    process = multiprocessing.get_context("spawn").Process(target=work, args=args)
    process.start()
    process.join(240)
    assert process.exitcode == 0


def limit_files(size: int) -> None:
    """From now on the system kills this process where a file would become longer, in bytes."""
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def killed(work: Callable[..., None], *args: object) -> bool:
    """Whether some work in a fork of this process was killed at a file's limit."""
    child = os.fork()
    if child == 0:
        work(*args)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXFSZ


def train(data: Dataset, path: Path, limit_after: int = -1, size: int = 0) -> list[Epoch]:
    """Train to the end, or until killed in the first checkpoint after some epochs."""
    torch.manual_seed(0)
    epochs = list[Epoch]()

    def on_epoch(epoch: Epoch) -> None:
        epochs.append(replace(epoch, seconds=0))
        if epoch.epoch == limit_after:
            limit_files(size)

    if limit_after == 0:
        limit_files(size)
    fit(build(NET), data, RECIPE, 0, on_epoch, path)
    return epochs


def kill_in_checkpoints(folder: Path) -> None:
    torch.set_num_threads(1)
    data = few_digits()
    undisturbed = train(data, folder / "undisturbed.pt")
    size = (folder / "undisturbed.pt").stat().st_size
    for number in range(10):
        path, after = folder / f"{number}.pt", number % 3
        assert killed(train, data, path, after, size * number // 10)
        state = read_checkpoint(path, CPU)
        assert (len(state["epochs"]) if state else 0) == after
        assert train(data, path) == undisturbed


def test_a_kill_within_a_checkpoint_leaves_the_one_before(tmp_path: Path) -> None:
    """Ten kills at ten places of the file, after 0, 1 and 2 epochs; each ends with the same."""
    apart(kill_in_checkpoints, tmp_path)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a run that is to be read by people and other programs."""
    kinds = {".csv", ".parquet", ".png", ".svg", ".html", ".md", ".json", ".toml"}
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in kinds}


def export(folder: Path) -> None:
    """Write what a run of nine of the ten seeds writes."""
    trials = read_trials(PUBLISHED / "width_doubling" / "digits" / names.TRIALS)
    trials = trials[trials["seed"] < 9]
    write_table(trials, folder / names.TRIALS)
    write_parquet(trials, (folder / names.TRIALS).with_suffix(".parquet"))
    epochs = read_table(PUBLISHED / "width_doubling" / "digits" / names.EPOCHS)
    write_table(epochs[epochs["seed"] < 9], folder / names.EPOCHS, 9)
    write_findings(folder)


def limited_export(folder: Path, size: int) -> None:
    limit_files(size)
    export(folder)


def kill_in_exports(folder: Path) -> None:
    whole = remade("width_doubling")
    shutil.copytree(whole, folder / "new")
    export(folder / "new")
    old, new = contents(whole), contents(folder / "new")
    written = sorted(len(content) for name, content in new.items() if content != old.get(name))
    sizes = [written[len(written) * number // 10] for number in range(9)] + [written[-1]]
    torn = set()
    for number, size in enumerate(sizes):
        run = folder / str(number)
        shutil.copytree(whole, run)
        assert killed(limited_export, run, size - 1)
        (part,) = run.glob(f".*{files.PART}*")
        torn.add(part.name.partition(files.PART)[0])
        part.unlink()
        for name, content in contents(run).items():
            assert content in (old.get(name), new.get(name)), name
        pd.read_parquet(run / "trials.parquet")
    export(run)
    assert contents(run) == new
    assert len(torn) >= 3, f"only {torn}: too much alike"


@pytest.mark.long
def test_a_kill_within_an_export_leaves_whole_files(tmp_path: Path) -> None:
    """Ten kills, in tables, figures and the report: each file is the old or the new one."""
    apart(kill_in_exports, tmp_path)


def test_what_a_killed_writer_left_is_swept_away(tmp_path: Path) -> None:
    (tmp_path / "trials.csv").write_text("whole")
    with files.replacing(tmp_path / "epochs.csv") as part:
        shutil.copy(part, tmp_path / part.name.replace(".csv", "x.csv"))  # as if killed here
    (tmp_path / "epochs.csv").unlink()
    assert len(list(tmp_path.iterdir())) == 2
    files.sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["trials.csv"]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "none", str(place)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this process may not mount a disk")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def command(out: Path, *args: object, before: tuple[str, ...] = ()) -> tuple[int, str, str]:
    """Run a study of two cells into a folder: exit status, output and errors."""
    study = out.parent / "tiny.toml"
    study.write_text(STUDY)
    words = [*before, sys.executable, "-m", "ablate.run", "--study", study, "--out", out,
             *QUICK, *args]  # fmt: skip
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, timeout=240, check=False
    )
    return done.returncode, done.stdout, done.stderr


def is_whole(name: str, content: bytes) -> bool:
    """Whether a file ends as one of its kind does."""
    ends = {".png": b"IEND\xaeB`\x82", ".html": b"</html>\n", ".parquet": b"PAR1", ".json": b"}\n"}
    return content.endswith(ends.get(Path(name).suffix, b"\n"))


def assert_one_line(status: int, err: str, says: str) -> None:
    assert status == 2, err
    assert err.startswith("ablate: ")
    assert err.count("\n") == 1, err
    assert says in err


@pytest.mark.long
@pytest.mark.parametrize("room", [0, 60, 200, 400])
def test_a_full_disk_tears_nothing_and_the_run_goes_on(disk: Path, room: int) -> None:
    """With room for so many KiB: too little for the storage, a checkpoint, or the figures."""
    status, _, err = command(disk, "--seeds", 1)
    assert status == 0, err
    run = disk / "tiny" / "digits"
    before = contents(run)
    usage = shutil.disk_usage(disk)
    with (disk / "filler").open("wb") as filler:
        filler.write(bytes(usage.free - 1024 * room))
    status, _, err = command(disk)
    assert_one_line(status, err, "again")
    assert any(says in err for says in ("disk is full", "disk I/O error", "No space left")), err
    for name, content in contents(run).items():
        assert content == before.get(name) or is_whole(name, content), name
    assert len(read_trials(run / names.TRIALS)) in (2, 8)
    (disk / "filler").unlink()
    status, out, err = command(disk)
    assert status == 0, err
    assert "8 trials, 0 done already" not in out
    trials = read_trials(run / names.TRIALS)
    assert list(trials["state"]) == ["complete"] * 8
    assert not list(run.glob(f".*{files.PART}*"))


@contextlib.contextmanager
def mode(path: Path, bits: int) -> Iterator[None]:
    before = path.stat().st_mode
    path.chmod(bits)
    try:
        yield
    finally:
        path.chmod(before)


@pytest.fixture
def unprivileged() -> tuple[str, ...]:
    """What to put before a command so that the modes of files hold for it, also for root."""
    if os.geteuid() != 0:
        return ()
    drop = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
    if not shutil.which("setpriv") or subprocess.run([*drop, "true"], check=False).returncode:
        pytest.skip("root may write anywhere, and cannot give that up here")
    return drop


def test_a_folder_that_may_not_be_written_ends_in_one_line(
    tmp_path: Path, unprivileged: tuple[str, ...]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with mode(out, 0o500):
        status, _, err = command(out, "--seeds", 1, before=unprivileged)
        assert_one_line(status, err, f"{out}/tiny: cannot be written (Permission denied)")
        assert not list(out.iterdir())


@pytest.mark.long
def test_files_that_may_not_be_written_end_in_one_line(
    tmp_path: Path, unprivileged: tuple[str, ...]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    status, _, err = command(out, "--seeds", 1)
    assert status == 0, err
    run = out / "tiny" / "digits"
    before = contents(run)
    for name, bits in (("study.lock", 0o000), ("study.db", 0o400)):
        with mode(run / name, bits):
            status, _, err = command(out, "--seeds", 1, before=unprivileged)
        assert_one_line(status, err, name)
        assert contents(run) == before
    with mode(run, 0o500):
        status, _, err = command(out, "--seeds", 1, before=unprivileged)
        assert_one_line(status, err, str(run))
        assert contents(run) == before
