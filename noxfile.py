"""Checks of the project: `nox -s tests`, `nox -s lint`, `nox -s typecheck`, `nox -s docs`.

Every session runs in the environment that nox was started in (`venv_backend = "none"`), the one
that `pip install -e '.[dev]'` filled: so nothing of several GB is installed twice, and the
benchmark measures the torch build that you use.
"""

import shutil
import zipfile
from pathlib import Path

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "typecheck", "docs", "tests"]


@nox.session
def tests(session: nox.Session) -> None:
    """The test suite, on two CPUs side by side; `-- -n 8` takes as many, `-- -n 0` this process."""
    side_by_side = ["-n", "2", "--dist", "worksteal", "--durations", "10"]
    session.run("python", "-m", "pytest", "-m", "not long", *side_by_side, *session.posargs)


@nox.session
def faults(session: nox.Session) -> None:
    """The fault tests at full scale, and how the engine scales; no default session: an hour."""
    full = {"ABLATE_FAULTS": "full"}
    session.run("python", "-m", "pytest", "tests/test_faults.py", "tests/test_fuzz.py", env=full)
    at_scale = ["--ignore", "tests/test_faults.py"]  # all of it has run
    session.run("python", "-m", "pytest", "-m", "long", *at_scale, *session.posargs)
    session.run("python", "-m", "benchmarks.engine")
    session.run("python", "-m", "benchmarks.engine", "--storage", "postgresql")
    session.run("python", "-m", "benchmarks.overhead")


@nox.session
def lint(session: nox.Session) -> None:
    """Style, and the one-way imports."""
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports")


@nox.session
def typecheck(session: nox.Session) -> None:
    """Types, strictly."""
    session.run("mypy")


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation, from the wheel's own docstrings, every warning an error; in `site/`."""
    wheels = Path(session.create_tmp())
    session.run("python", "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels), silent=True)
    wheel = max(wheels.glob("*.whl"), key=lambda path: path.stat().st_mtime)
    unpacked = wheels / "unpacked"
    shutil.rmtree(unpacked, ignore_errors=True)
    zipfile.ZipFile(wheel).extractall(unpacked)
    strict = ["-q", "-E", "-W", "--keep-going", "-b", "html"]
    session.run(
        "sphinx-build", *strict, "docs", "site", env={"PYTHONPATH": str(unpacked.resolve())}
    )
    session.log("built: site/index.html")


@nox.session
def bench(session: nox.Session) -> None:
    """Speed, as ratios to named peers in one run: to a verdict, of the loop, of counting.

    `nox -s bench -- --compare` sets all beside the last saved run, and `--keep` also keeps the
    ratios with those of other commits. Other options go to `python -m benchmarks.loops`.
    """
    from pytest_benchmark.utils import get_machine_id

    options = [one for one in session.posargs if one != "--keep"]
    kept = Path(".benchmarks")
    kept.mkdir(exist_ok=True)
    session.run("python", "-m", "benchmarks.verdict", "--json", str(kept / "verdict.json"))
    session.run("python", "-m", "benchmarks.loops", *options)
    saved = any(Path(".benchmarks", get_machine_id()).glob("[0-9]*_*.json"))  # else it would fail
    compare = ["--benchmark-compare"] if saved and "--compare" in session.posargs else []
    session.run(
        "python", "-m", "pytest", "benchmarks", "--benchmark-only", "--benchmark-disable-gc",
        "--benchmark-group-by=group", "--benchmark-columns=median,iqr,min,max,rounds",
        "--benchmark-autosave", *compare,
    )  # fmt: skip
    if {"--compare", "--keep"} & set(session.posargs):
        keep = ["--keep"] if "--keep" in session.posargs else []
        runs = [kept / "verdict.json", max(kept.glob("loops-[0-9]*.json"))]
        session.run("python", "-m", "benchmarks.history", *map(str, runs), *keep)
