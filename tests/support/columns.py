"""The dictionaries of columns as Markdown, for the page of columns.

`python -m support.columns` (in tests/) fills the marks `columns: TABLE` of that page.
"""

import re

from ablate.results.dictionary import TABLES
from ablate.results.drawn import DRAWN
from support import ROOT

PAGE = ROOT / "docs" / "columns.md"
MARK = re.compile(r"(<!-- columns: (\S+) -->\n).*?(\n<!-- end -->)", re.DOTALL)


def column_table(name: str) -> str:
    """What each column of a table, or of the values behind a figure, holds.

    Args:
        name: of `dictionary.TABLES` or `drawn.DRAWN`.
    """
    columns = {**TABLES, **DRAWN}[name]
    rows = [f"| `{column}` | {_cell(about)} |" for column, about in columns.items()]
    return "\n".join(["| column | what it holds |", "| --- | --- |", *rows])


def filled(text: str) -> str:
    """A page with every such mark filled."""
    return MARK.sub(lambda match: f"{match[1]}{column_table(match[2])}{match[3]}", text)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
