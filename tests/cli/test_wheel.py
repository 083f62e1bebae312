"""The wheel and the source archive have all that they should, and the command works."""

import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

import ablate
from support import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
BESIDE = (
    *("README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "SECURITY.md"),
    *("noxfile.py", "pyproject.toml", "docs/conf.py", "studies/width_doubling.toml"),
    *("examples/widths.py", "tests/test_imports.py", "benchmarks/README.md"),
    *(".ci/run", ".github/workflows/ci.yml", ".pre-commit-config.yaml"),
    "results/published/width_doubling/digits/trials.csv",
)


def build(kind: str, folder: Path) -> Path:
    """A distribution of the checkout, built without the network."""
    pytest.importorskip("hatchling", reason="needs hatchling: pip install 'ablate-resnet[dev]'")
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    (path,) = folder.iterdir()
    return path


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    return zipfile.ZipFile(build("wheel", tmp_path_factory.mktemp("wheel")))


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> Message:
    info = f"ablate_resnet-{ablate.__version__}.dist-info"
    return Parser().parsestr(wheel.read(f"{info}/METADATA").decode())


def test_it_has_every_file_of_the_package_and_every_study(wheel: zipfile.ZipFile) -> None:
    sources = [path for path in (ROOT / "ablate").rglob("*") if path.is_file()]
    expected = {
        str(path.relative_to(ROOT)) for path in sources if "__pycache__" not in path.parts
    } | {f"ablate/studies/{path.name}" for path in (ROOT / "studies").glob("*.toml")}
    for name in ("py.typed", "cli/new_study.toml", "report/html/templates/page.html.j2"):
        assert f"ablate/{name}" in expected
    assert "ablate/studies/width_doubling.toml" in expected
    assert {name for name in wheel.namelist() if ".dist-info/" not in name} == expected


def test_it_has_the_command_the_version_and_the_licence(
    wheel: zipfile.ZipFile, metadata: Message
) -> None:
    info = f"ablate_resnet-{ablate.__version__}.dist-info"
    assert "ablate = ablate.cli.main:main" in wheel.read(f"{info}/entry_points.txt").decode()
    assert f"{info}/licenses/LICENSE" in wheel.namelist()
    assert metadata["Name"] == "ablate-resnet"
    assert metadata["Version"] == ablate.__version__
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Author"] == "ablate contributors"


def test_it_depends_on_no_other_distribution_of_that_name(metadata: Message) -> None:
    """Another one is called `ablate`: an extra that named it would install that one."""
    extras = PROJECT["optional-dependencies"]
    (own,) = [one for one in extras["dev"] if one.startswith("ablate")]
    name, _, named = own.rstrip("]").partition("[")
    assert name == metadata["Name"] == PROJECT["name"]
    assert set(named.split(",")) == set(extras) - {"dev", "bench"}
    assert set(metadata.get_all("Provides-Extra", [])) == set(extras)
    required = metadata.get_all("Requires-Dist", [])
    assert required
    assert not [one for one in required if one.startswith("ablate")]  # they are filled in


def test_messages_name_the_distribution_and_an_extra_that_it_has(metadata: Message) -> None:
    text = "".join(path.read_text() for path in (ROOT / "ablate").rglob("*.py"))
    named = {part.partition("]")[0] for part in text.split("ablate-resnet[")[1:]}
    assert {"export", "grpc", "pdf"} <= named
    assert named - {"{extra}"} <= set(metadata.get_all("Provides-Extra", []))
    assert "ablate[" not in text


def test_the_source_archive_has_what_tests_and_pages_are_made_from(tmp_path: Path) -> None:
    with tarfile.open(build("sdist", tmp_path)) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert set(BESIDE) <= names
    assert not [name for name in names if name.endswith((".db", ".pyc", ".parquet", ".lock"))]


def test_it_finds_its_studies_where_it_is_unpacked(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path / "site")
    code = "import sys; sys.path.insert(0, sys.argv.pop(1)); from ablate.cli.main import main; " + (
        "import ablate; print(ablate.__file__); sys.exit(main())"
    )
    words = [sys.executable, "-c", code, str(tmp_path / "site"), "list"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(str(tmp_path / "site" / "ablate"))
    assert "  width_doubling " in done.stdout


def test_every_dependency_is_explained() -> None:
    """`docs/installing.md` says what each is for, and has none that is not needed any more."""
    page = (ROOT / "docs" / "installing.md").read_text()
    names = {one.partition(">")[0] for one in PROJECT["dependencies"]}
    table = page.partition("## What each dependency is for")[2].partition("\n## ")[0]
    lines = [line for line in table.splitlines() if line.startswith("| `")]
    assert {line.split("`")[1] for line in lines} == names
    extras = {line.split("`")[1] for line in page.splitlines() if line.startswith("| `[")}
    assert extras == {f"[{name}]" for name in PROJECT["optional-dependencies"]}
