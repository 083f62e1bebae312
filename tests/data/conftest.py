"""Folders of images."""

from pathlib import Path

import pytest

from ablate.data.folder import BLOCK
from support.photos import fill


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return fill(tmp_path / "photos")


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough images for worker processes, the last of several blocks not full."""
    return fill(tmp_path_factory.mktemp("many") / "many", each=BLOCK + 3)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"
