"""The Python of the pages runs as it stands there, block after block."""

import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support import PUBLISHED, ROOT
from support.kept import torch_kept

DOCS = ROOT / "docs"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
# What would take minutes, or the network; the rest is run as it is printed.
QUICK = {
    "python": (
        ("seeds=4, epochs=4)", "seeds=4, epochs=1)"),
        (
            "keep_weights=True, timing_seconds=0.1)",
            'keep_weights=True, timing_seconds=0.02, workers=1, layout="contiguous")',
        ),
        ("weights=ResNet50_Weights.IMAGENET1K_V2", "weights=None"),
    )
}
PAGES = sorted(path for path in DOCS.glob("*.md") if BLOCK.search(path.read_text("utf-8")))


def blocks(page: Path) -> Iterator[tuple[int, str]]:
    """The code of a page, and the line on which each block begins."""
    text = page.read_text(encoding="utf-8")
    for old, new in QUICK.get(page.stem, ()):
        assert text.count(old) == 1, f"{page.name} has no {old}"
        text = text.replace(old, new)
    for match in BLOCK.finditer(text):
        yield text.count("\n", 0, match.start(1)), match[1]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_python_of_a_page_runs(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a folder that has the published runs, as the checkout has."""
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "published").symlink_to(PUBLISHED)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "__main__"}
    with torch_kept(), warnings.catch_warnings():
        warnings.simplefilter("error")
        for line, code in blocks(page):
            exec(compile("\n" * line + code, str(page), "exec"), names)


def test_pages_with_python_are_found() -> None:
    assert {"python", "reading", "columns"} <= {page.stem for page in PAGES}


def test_what_the_comments_of_a_page_say_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """The counts that stand beside `print` in the page on Python."""
    said = {
        "269722 40551040 188426": "print(cost.params, cost.macs, cost.activations)",
        "25,557,032": 'print(f"{ablate.count(resnet50).params:,}")',
        "(10, 30, 88)": "print(matched.net.widths, matched.residual)",
    }
    text = (DOCS / "python.md").read_text(encoding="utf-8")
    wanted = ("ablate.NetSpec(", "cost_of(", "PRESETS))")
    code = "import ablate\n" + "\n".join(
        code for _, code in blocks(DOCS / "python.md") if any(word in code for word in wanted)
    )
    exec(compile(code, "python.md", "exec"), {})
    printed = capsys.readouterr().out
    for number, call in said.items():
        assert number in printed
        assert re.search(re.escape(call) + r"  # .*" + re.escape(number), text)
