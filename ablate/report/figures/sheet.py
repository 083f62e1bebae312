"""What a figure is drawn on: its width, the title above it and the key below it."""

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.artist import Artist
from matplotlib.figure import Figure

WIDTH = 11.0  # inches, of a figure on a page
LETTERS = 92  # of a title's line over that width
KEY_LETTERS = 112  # of the key's, which is smaller
LINE = 0.3  # inches


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """What a figure is drawn on. Its text has one size on every sheet, so a narrow one has less.

    Args:
        subject: stands above every figure, such as the study and its data set.
        width: inches.
    """

    subject: str = ""
    width: float = WIDTH

    def panels(self, most: int) -> int:
        """How many panels stand in a row, where `most` do on a page."""
        return max(1, round(most * self.width / WIDTH))

    def letters(self, panels: int = 1) -> int:
        """How many letters a title's line has above one of so many panels in a row."""
        return int(LETTERS * self.width / WIDTH / panels)


PAGE = Sheet()


def head(figure: Figure, sheet: Sheet, note: str = "") -> None:
    """The title: the sheet's subject, and below it what holds for all panels."""
    lines = [
        line for text in (sheet.subject, note) for line in textwrap.wrap(text, sheet.letters())
    ]
    if lines:
        figure.suptitle("\n".join(lines), fontsize="medium")


def set_height(figure: Figure, height: float, sheet: Sheet) -> None:
    """As high as the panels are (inches) and the title needs; call it after `head`."""
    title = figure.get_suptitle()
    lines = title.count("\n") + 1 if title else 0
    figure.set_size_inches(sheet.width, height + LINE * lines)


def legend_below(
    figure: Figure, handles: Sequence[Artist], height: float, sheet: Sheet = PAGE
) -> None:
    """One key under the panels; the figure is as high as they (inches), title and key need."""
    letters = int(KEY_LETTERS * sheet.width / WIDTH)
    labels = [textwrap.fill(str(handle.get_label()), letters - 8) for handle in handles]
    longest = max((len(line) for label in labels for line in label.split("\n")), default=0)
    columns = max(1, min(len(labels), letters // (longest + 8)))
    rows = math.ceil(len(labels) / columns)
    deepest = max((label.count("\n") + 1 for label in labels), default=1)
    set_height(figure, height + 0.28 * rows * deepest, sheet)
    if labels:
        figure.legend(list(handles), labels, loc="outside lower center", ncols=columns)
