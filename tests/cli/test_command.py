"""One command: its sub-commands, their help, their exit status, and what they refuse."""

import importlib.metadata
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import ablate
from ablate.cli import check, profile, report, run
from ablate.cli.main import COMMANDS, main
from ablate.cli.reporting import reporting
from ablate.errors import InputError
from ablate.processes import STOPS

CLI = Path(ablate.__file__).parent / "cli"
MODULES = ("run", "report", "check", "export", "profile", "worker", "proxy", "slurm")
HEAVY = {"torch", "torchvision", "fvcore", "optuna", "pandas", "pydantic", "matplotlib", "numpy"}

ALL_HELP = """
import contextlib, io, json, sys
from ablate.cli.main import COMMANDS, main
shown = {}
for words in ([], *([name] for name in COMMANDS)):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        try:
            main([*words, "--help"])
        except SystemExit as end:
            assert end.code == 0
    shown[" ".join(["ablate", *words])] = out.getvalue()
print(json.dumps([shown, sorted(sys.modules)]))
"""


@pytest.fixture
def signals_as_they_were() -> Iterator[None]:
    before = {name: signal.getsignal(getattr(signal, name)) for name in STOPS}
    yield
    for name, handler in before.items():
        signal.signal(getattr(signal, name), handler)


def output(*words: object) -> str:
    """What a process prints that ends well."""
    command = [sys.executable, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    """The only line on standard error."""
    err = capsys.readouterr().err
    assert err.startswith("ablate: ")
    assert err.count("\n") == 1
    return err


def test_help_names_every_command_and_loads_nothing_heavy() -> None:
    shown, modules = json.loads(output("-c", ALL_HELP))
    assert not HEAVY & set(modules)
    for name, text in shown.items():
        assert text.startswith(f"usage: {name} ")
    unwrapped = {name: " ".join(text.split()) for name, text in shown.items()}
    for name, does in COMMANDS.items():
        assert f" {name} {does}" in unwrapped["ablate"]
        assert " Exit status: 0 " in unwrapped[f"ablate {name}"]


def test_every_module_with_a_main_is_a_command() -> None:
    found = {path.stem for path in CLI.rglob("*.py") if "\ndef main(" in path.read_text()}
    assert found == {*COMMANDS, "main"}


@pytest.mark.parametrize("name", MODULES)
def test_each_module_still_runs_and_is_named_in_its_usage(name: str) -> None:
    usage = output("-m", f"ablate.{name}", "--help")
    assert usage.startswith(f"usage: python -m ablate.{name} ")


def test_the_package_runs_as_the_command() -> None:
    assert output("-m", "ablate", "--version") == f"ablate {ablate.__version__}\n"
    assert output("-m", "ablate", "check", "-h").startswith("usage: python -m ablate check ")


def test_a_command_does_what_its_module_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", "--preset", "resnet18"]) == 0
    out = capsys.readouterr().out
    assert "11,689,512" in out
    assert profile.main(["--preset", "resnet18"]) == 0
    assert capsys.readouterr().out == out


SLURM = ["slurm", "--storage", "x", "--study", "y"]
COUNTS = [
    (["profile", "--preset", "resnet18"], ["--batch"]),
    (
        ["run", "--study", "width_doubling", "--dry-run"],
        ["--seeds", "--epochs", "--workers", "--image-size", "--ray-cpus", "--batch-sweep"],
    ),
    (SLURM, ["--jobs", "--minutes", "--cpus", "--requeues", "--workers"]),
    (["worker", "--storage", "x", "--study", "y"], ["--workers"]),
]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "COMMAND"),
        (["rnu"], "'rnu'"),
        (["--study", "width_doubling"], "'width_doubling'"),
        (["--", "list"], "ablate --help"),
        (["run"], "--study --list"),
        (["run", "--studdy", "x\ny"], "--study --list"),
        (["list", "a\nb"], "a\\nb"),
        (["new"], "NAME"),
        *(
            ([*words, option, value], f"{option}: '{value}': expected a whole number of 1 or more")
            for words, options in COUNTS
            for option in options
            for value in ("-5", "0", "x", "1.5")
        ),
        (["report"], "RUN_DIR"),
    ],
)
def test_wrong_words_are_one_line_that_names_the_help(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    line = one_line(capsys)
    assert says in line
    command = " ".join(["ablate", *(word for word in words[:1] if word in COMMANDS)])
    assert line.endswith(f"(see {command} --help)\n")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["profile", "--preset", "resnet50", "--dataset", "nonsense"], "--dataset: only with"),
        (["profile", "--preset", "resnet50", "--cell", "x", "--dataset", "digits"],
         "--cell, --dataset: only with"),
        (["run", "--list", "--seeds", "3"], "--seeds: not used by --list"),
        (["run", "--study", "width_doubling", "--dry-run", "--ray-cpus", "1"],
         "--ray-cpus: only with --engine ray"),
        (["report", "results/a/digits", "--out", "x"], "--out: only where several runs"),
        (["report", "--index", ".", "--out", "results/comparison"], "--out: only where several"),
    ],
)  # fmt: skip
def test_an_option_that_would_do_nothing_is_refused(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert says in one_line(capsys)


@pytest.mark.parametrize("command", [check.main, report.main])
def test_what_is_no_run_is_one_line(
    command: Callable[[list[str]], int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command([str(tmp_path / "no\nrun")]) == 2
    assert "no\\nrun" in one_line(capsys)


@pytest.mark.usefixtures("signals_as_they_were")
@pytest.mark.parametrize("name", STOPS)
def test_a_signal_is_said_in_one_line(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    def stopped() -> int:
        signal.raise_signal(getattr(signal, name))
        return 0

    assert reporting(stopped) == 130
    assert capsys.readouterr().err == "ablate: stopped\n"


@pytest.mark.usefixtures("signals_as_they_were")
@pytest.mark.parametrize("error", [InputError("a\nb"), OSError("a\nb")])
def test_an_error_is_one_line(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    def fails() -> int:
        raise error

    assert reporting(fails) == 2
    assert one_line(capsys) == "ablate: a\\nb\n"
    assert reporting(lambda: 1) == 1
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("signals_as_they_were")
def test_a_bug_keeps_its_traceback() -> None:
    def buggy() -> int:
        raise AssertionError

    with pytest.raises(AssertionError):
        reporting(buggy)


def test_studies_are_listed_by_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "width_tuned.toml").write_text('kind = "search"\nquestion = "Mine?"')
    monkeypatch.chdir(tmp_path)
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    studies, searches, claims, tables = (
        [line.split()[0] for line in part.splitlines()[1:]]
        for part in re.split(r"^(?=\w[\w ]+:$)", out, flags=re.MULTILINE)[1:]
    )
    assert "width_doubling" in studies
    assert searches == ["search_pareto", "width_tuned"]
    assert claims == ["claims"]
    assert "nats_iso_macs" in tables
    assert re.search("^  width_tuned +Mine[?]$", out, re.MULTILINE)
    assert run.main(["--list"]) == 0
    assert capsys.readouterr().out == out


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ablate pro", {"profile", "proxy"}),
        ("ablate run --compi", {"--compile"}),
        ("ablate run --layout c", {"contiguous", "channels_last"}),
        ("ablate report --i", {"--index"}),
    ],
)
def test_a_shell_is_told_what_may_come_next(line: str, expected: set[str], tmp_path: Path) -> None:
    pytest.importorskip(
        "argcomplete", reason="needs argcomplete: pip install ablate-resnet[completion]"
    )
    told = tmp_path / "told"
    shell = {
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(told),
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
    }
    command = [sys.executable, "-c", "from ablate.cli.main import main; main()"]
    subprocess.run(command, env=os.environ | shell, check=True)
    assert {word.strip() for word in told.read_text().split("\n")} == expected


@pytest.mark.parametrize(
    "words", [["claims", "--dry-run"], ["width_doubling", "--dataset", "folder:{here}"],
              ["width_doubling", "--dataset", "cifar10", "--seeds", "1"]]
)  # fmt: skip
def test_a_torchvision_of_another_build_is_told_in_a_line(tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text(
        "raise RuntimeError('operator torchvision::nms does not exist')"
    )
    where = os.pathsep.join([str(tmp_path), str(CLI.parent.parent)])
    command = [sys.executable, "-m", "ablate", "run", "--out", str(tmp_path), "--study"]
    done = subprocess.run(
        [*command, *(word.format(here=tmp_path) for word in words)],
        env=os.environ | {"PYTHONPATH": where},
        capture_output=True,
        text=True,
        check=False,
    )
    own, other = importlib.metadata.version("torchvision"), importlib.metadata.version("torch")
    assert done.stderr == (
        f"ablate: torchvision {own} cannot be loaded beside torch {other}: install both again from "
        "one index (RuntimeError: operator torchvision::nms does not exist)\n"
    )
    assert done.returncode == 2


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "words", [["--help"], ["run", "--help"], ["list"], ["profile", "--preset", "resnet18"]]
)
def test_it_ends_quietly_where_nobody_reads_on(words: list[str], unbuffered: str) -> None:
    """As with `ablate ... | head`."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "ablate", *words],
        env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


def test_a_pipe_that_is_not_its_output_is_told(
    capsys: pytest.CaptureFixture[str], signals_as_they_were: None
) -> None:
    def broken() -> int:
        raise BrokenPipeError(32, "Broken pipe")

    assert reporting(broken) == 2
    assert one_line(capsys) == "ablate: [Errno 32] Broken pipe\n"


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "cp1252"])
def test_a_letter_that_a_terminal_lacks_ends_nothing(encoding: str) -> None:
    code = "from ablate.cli.reporting import reporting; reporting(lambda: print('두배 done') or 0)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode("ascii").strip() == r"\ub450\ubc30 done"


def test_a_backend_that_matplotlib_does_not_know_is_no_matter() -> None:
    code = (
        "from ablate.cli.reporting import reporting\n"
        "def draws():\n    import matplotlib; return print(matplotlib.get_backend()) or 0\n"
        "reporting(draws)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "MPLBACKEND": "nonsense"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip().lower() == "agg"


def test_a_long_folder_for_sockets_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def starts() -> int:
        raise OSError("AF_UNIX path too long")

    monkeypatch.setattr("tempfile.gettempdir", lambda: "/very/long")
    assert reporting(starts) == 2
    assert capsys.readouterr().err == (
        "ablate: TMPDIR = /very/long: too long; expected a short one, such as /tmp\n"
    )
