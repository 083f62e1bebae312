"""The documentation site: `nox -s docs` builds it, with every warning an error.

Pages are MyST Markdown. What they say of the code comes from the docstrings of the wheel, and their
numbers from the committed tables (`tests/pages.py`).
"""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import ablate

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "ablate"
author = copyright = "ablate contributors"
version = release = ablate.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
myst_url_schemes = {"http": None, "https": None, "report": "published/{{path}}"}
autodoc_member_order = "bysource"
default_role = "code"  # of docstrings, which have single backticks for it
autodoc_typehints = "description"
autodoc_class_signature = "mixed"
copybutton_exclude = ".linenos, .gp, .go"
default_role = "literal"  # single backticks in docstrings are code

html_theme = "furo"
html_title = "ablate"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
html_copy_source = False
exclude_patterns = ["_build"]

PUBLISHED = Path(__file__).parent.parent / "results" / "published"
PAGES = "](../results/published/"


def link_to_reports(_app: "Sphinx", _name: str, source: list[str]) -> None:
    """A link to a published page is one within the site, where the runs are copied as they are.

    In the sources it is a path in the checkout, as a reader there needs it. Pictures stay paths:
    Sphinx copies those itself.
    """
    lines = source[0].split("\n")
    source[0] = "\n".join(
        line if "![" in line else line.replace(PAGES, "](report:") for line in lines
    )


def copy_reports(app: "Sphinx", error: Exception | None) -> None:
    """Put the published runs beside the pages, their links to one another as they are."""
    if error is None:
        shutil.copytree(PUBLISHED, Path(app.outdir) / "published", dirs_exist_ok=True)


def skip_field(
    _app: "Sphinx", _kind: str, _name: str, member: object, skip: bool, _options: object
) -> bool | None:
    """Python's own docstring of a named tuple's field says nothing; the tuple's says what it is."""
    return True if (getattr(member, "__doc__", None) or "").startswith("Alias for field") else None


def keep_colon(
    _app: "Sphinx", kind: str, _name: str, _object: object, _options: object, lines: list[str]
) -> None:
    """Napoleon takes what stands before the first line's colon as the type of a property."""
    if kind in ("attribute", "property"):
        lines[:0] = ["..", ""]  # a comment


def setup(app: "Sphinx") -> None:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", keep_colon, priority=100)
    app.connect("autodoc-skip-member", skip_field)
    app.connect("source-read", link_to_reports)
    app.connect("build-finished", copy_reports)
