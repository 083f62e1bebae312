"""The wheel has every package and every file that they read, and the command."""

import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

import ablate

ROOT = Path(ablate.__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Built from the checkout, without the network."""
    pytest.importorskip("hatchling", reason="needs hatchling: pip install 'ablate[dev]'")
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, capture_output=True, check=True)
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_it_has_every_file_of_the_package_and_every_study(wheel: zipfile.ZipFile) -> None:
    sources = [path for path in (ROOT / "ablate").rglob("*") if path.is_file()]
    expected = {
        str(path.relative_to(ROOT)) for path in sources if "__pycache__" not in path.parts
    } | {f"ablate/studies/{path.name}" for path in (ROOT / "studies").glob("*.toml")}
    for name in ("py.typed", "cli/new_study.toml", "report/html/templates/page.html.j2"):
        assert f"ablate/{name}" in expected
    assert "ablate/studies/width_doubling.toml" in expected
    assert {name for name in wheel.namelist() if ".dist-info/" not in name} == expected


def test_it_has_the_command_and_the_version(wheel: zipfile.ZipFile) -> None:
    info = f"ablate-{ablate.__version__}.dist-info"
    assert "ablate = ablate.cli.main:main" in wheel.read(f"{info}/entry_points.txt").decode()
    metadata = Parser().parsestr(wheel.read(f"{info}/METADATA").decode())
    assert metadata["Version"] == ablate.__version__


def test_it_finds_its_studies_where_it_is_unpacked(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path / "site")
    code = "import sys; sys.path.insert(0, sys.argv.pop(1)); from ablate.cli.main import main; " + (
        "import ablate; print(ablate.__file__); sys.exit(main())"
    )
    words = [sys.executable, "-c", code, str(tmp_path / "site"), "list"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(str(tmp_path / "site" / "ablate"))
    assert "  width_doubling " in done.stdout
