"""The generated parts of the README: `python tests/readme.py` writes them, a test compares."""

import re
from pathlib import Path

from ablate import findings, record, wording

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"


def rendered(text: str) -> str:
    """The README with every generated part made anew from the code and the committed tables."""
    text = _fill(text, r"<!-- columns -->", lambda _: columns())
    text = _fill(text, r"<!-- table: (\S+) -->", lambda match: table(ROOT / match[1]))
    return _fill(text, r"<!-- answer: (\S+) -->", lambda match: answer(ROOT / match[1]))


def columns() -> str:
    """The dictionary of the columns of the trials table."""
    rows = [f"| `{column.name}` | {column.about} |" for column in record.COLUMNS]
    return "\n".join(["| column | what it holds |", "| --- | --- |", *rows])


def table(folder: Path) -> str:
    """The summary of a committed run, from its trials."""
    return wording.markdown_table(findings.find(folder).summary)


def answer(folder: Path) -> str:
    """What a committed run asked, and its predictions with their verdicts and numbers."""
    found = findings.find(folder)
    rows = found.hypotheses.to_dict("records")
    lines = [f"- *{row['verdict']}*: {row['says']} {row['sentence']}" for row in rows]
    return "\n".join([f"**{found.file.question}**", "", *lines])


def _fill(text, start, make):
    return re.sub(
        rf"({start}\n).*?(<!-- end -->)",
        lambda match: f"{match[1]}{make(re.match(start, match[1]))}\n{match[match.lastindex]}",
        text,
        flags=re.DOTALL,
    )


if __name__ == "__main__":
    README.write_text(rendered(README.read_text(encoding="utf-8")), encoding="utf-8")
