"""Imports point one way, and what needs no torch loads none."""

import importlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from ablate.processes import TRIAL_IMPORTS
from support import ROOT

WITHOUT_TORCH = [
    *("analysis", "report", "results", "statistics", "study"),
    *("search.file", "search.space", "search.plan", "search.front", "search.explored"),
    *("networks.cost", "networks.budget", "networks.presets", "networks.weights.pretrained"),
    *("cli.run", "cli.profile", "cli.report", "cli.check", "engine.progress", "training.machine"),
]
HEAVY = {"torch", "torchvision", "fvcore", "optuna", "pandas"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
IMPORTED_AS = {"scikit-learn": "sklearn", "pillow": "PIL", "tomli-w": "tomli_w"}
# The storage, too, which Optuna brings.
NAMES = [one.partition(">")[0] for one in PROJECT["dependencies"]]
DEPENDENCIES = {"sqlalchemy", "alembic", *(IMPORTED_AS.get(name, name) for name in NAMES)}
# What trains, and what scikit-learn and torch load for themselves.
OF_A_TRIAL = {
    *("torch", "sklearn", "numpy", "safetensors", "threadpoolctl", "filelock", "PIL"),
    *("scipy", "pandas", "pyarrow", "tqdm"),
}
OF_A_RUN = OF_A_TRIAL | {"optuna", "sqlalchemy", "alembic", "pydantic", "fvcore"}

LINT = (
    "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
)


def contracts(root: Path) -> tuple[int, str]:
    """Exit status and output of import-linter, run on the package and pyproject.toml in `root`."""
    done = subprocess.run(
        [sys.executable, "-c", LINT], cwd=root, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def loaded(code: str) -> set[str]:
    """The heavy packages that a new process has loaded after running some code."""
    report = "import sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True
    )
    return HEAVY & set(json.loads(done.stdout.splitlines()[-1]))


def modules(name: str) -> list[str]:
    """A module of the package, or all those of a sub-package."""
    path = ROOT / "ablate" / name.replace(".", "/")
    if not path.is_dir():
        return [name]
    files = [p.relative_to(ROOT / "ablate").with_suffix("") for p in sorted(path.rglob("*.py"))]
    return [".".join(file.parts).removesuffix(".__init__") for file in files]


def test_the_contracts_are_kept() -> None:
    status, output = contracts(ROOT)
    assert status == 0, output
    assert "5 kept, 0 broken" in output


@pytest.mark.parametrize(
    ("module", "line", "broken"),
    [
        ("spec/network", "import ablate.networks.model", "Packages point strictly downwards"),
        (
            "training/trial",
            "from ablate.engine.queue import Queue",
            "Packages point strictly downwards",
        ),
        ("report/figures/accuracy", "import torch", "made without torch or Optuna"),
        (
            "results/csv",
            "def f():\n    import ablate.networks.fvcore_cost",
            "made without torch or Optuna",
        ),
        ("training/loop", "import optuna", "Only the engine and the search know Optuna"),
        ("analysis/summary", "import ablate.analysis.wording", "no circle"),
        (
            "results/tables",
            "import ablate.networks.elsewhere.fits",
            "never stands where measurements do",
        ),
        ("brand_new", "", "Packages point strictly downwards"),
    ],
)
def test_the_contracts_can_be_broken(tmp_path: Path, module: str, line: str, broken: str) -> None:
    shutil.copytree(
        ROOT / "ablate", tmp_path / "ablate", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / "ablate" / f"{module}.py").open("a") as source:
        source.write(f"\n{line}\n")
    status, output = contracts(tmp_path)
    assert status == 1, output
    assert [line for line in output.splitlines() if broken in line and "BROKEN" in line]


def test_tables_figures_and_reports_load_no_torch() -> None:
    found = [module for name in WITHOUT_TORCH for module in modules(name)]
    assert len(found) > 60
    assert loaded("; ".join(f"import ablate.{module}" for module in found)) == {"pandas"}


def test_the_command_line_loads_nothing_heavy_to_give_help() -> None:
    help_ = "import ablate.run\ntry: ablate.run.main(['--help'])\nexcept SystemExit: pass"
    assert loaded("import ablate.run") == set()
    assert loaded(help_) == set()


def test_the_search_loads_optuna_and_no_torch() -> None:
    assert "optuna" in loaded("import ablate.engine.supervisor")
    assert "torch" not in loaded("import ablate.engine.supervisor")


@pytest.mark.parametrize("name", TRIAL_IMPORTS)
def test_the_fork_server_finds_what_it_is_to_import(name: str) -> None:
    """It says nothing of a name that is none, and every trial would then import torch anew."""
    assert importlib.import_module(name).__name__ == name


def test_a_trial_needs_nothing_that_the_fork_server_has_not_imported() -> None:
    names = ", ".join(TRIAL_IMPORTS)
    code = f"""
import sys, {names}
from pathlib import Path
before = set(sys.modules)
from ablate.data.dataset import load
from ablate.spec.network import NetSpec
from ablate.spec.recipe import TrainSpec
from ablate.spec.trial import DataSpec, TrialSpec
from ablate.training.execution import Execution
from ablate.training.trial import run_trial
spec = TrialSpec(net=NetSpec(widths=(2,), depths=(1,), strides=(1,), in_channels=1, image_size=8),
                 train=TrainSpec(epochs=1, batch_size=512), data=DataSpec(), seed=0)
run_trial(spec, load(spec.data, Path("nowhere")), Execution(), None, False)
heavy = ("torch", "sklearn", "pandas", "scipy", "optuna", "fvcore", "matplotlib")
data = {{"sklearn.datasets.data", "sklearn.datasets.descr"}}  # where digits lie
print(sorted({{name for name in set(sys.modules) - before if name.startswith(heavy)}} - data))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


# A module that a child can import; it sends, last, what it has loaded.
PROBE = """
import sys
def train(work, assignment, pipe):
    work.run(assignment, pipe)
    pipe.send(sorted({name.partition(".")[0] for name in sys.modules}))
"""


def test_the_process_of_a_trial_loads_what_trains_and_no_more(tmp_path: Path) -> None:
    """In a real child, of the fork server where there is one, after a trial with its mechanism."""
    (tmp_path / "probe.py").write_text(PROBE)
    code = """
import json
from pathlib import Path
import probe
from ablate.engine.lease import Assignment
from ablate.engine.trial_process import Training
from ablate.processes import prepare_forks, start_fork
from ablate.spec.network import NetSpec
from ablate.spec.recipe import TrainSpec
from ablate.spec.trial import DataSpec, TrialSpec
from ablate.training.execution import Execution
spec = TrialSpec(net=NetSpec(widths=(2,), depths=(1,), strides=(1,), in_channels=1, image_size=8),
                 train=TrainSpec(epochs=1, batch_size=512), data=DataSpec(), seed=0)
here = Path.cwd()
work = Training(data=spec.data, data_root=here, execution=Execution(), mechanism=True,
                checkpoints=here / "checkpoints", weights=here / "weights")
prepare_forks(work.preload)
process, pipe = start_fork(probe.train, work, Assignment(0, 0, "cell", spec))
epoch, outcome, loaded = pipe.recv(), pipe.recv(), pipe.recv()
process.join()
print(json.dumps({"state": outcome.row["state"], "stages": len(outcome.stages), "loaded": loaded}))
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["state"] == "complete"
    assert told["stages"] > 0
    assert list((tmp_path / "weights").glob("*.safetensors"))
    found = DEPENDENCIES & set(told["loaded"])
    assert "torch" in found
    assert found <= OF_A_TRIAL


def test_a_run_loads_nothing_of_the_report_or_the_search_before_its_trials(tmp_path: Path) -> None:
    code = """
import json, os, sys
from ablate.processes import wait_politely
wait_politely()  # as the command does, before torch is loaded
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # threads would wait for one another
from ablate.engine import runner
from ablate.run import main
def supervise(*_):
    print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})), flush=True)
    raise KeyboardInterrupt
runner.supervise = supervise
sys.exit(main(sys.argv[1:]))
"""
    words = [*"--study width_doubling --epochs 1 --workers 1 --timing-seconds 0.05".split()]
    done = subprocess.run(
        [sys.executable, "-c", code, *words, "--seeds", "6", "--out", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 130, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("[")]
    found = DEPENDENCIES & set(json.loads(line))
    assert {"torch", "optuna"} <= found
    assert found <= OF_A_RUN


@pytest.mark.parametrize("code", ["import ablate", "import ablate.api"])
def test_the_package_itself_loads_no_dependency(code: str) -> None:
    report = "import sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True
    )
    assert not DEPENDENCIES & set(done.stdout.split())
