"""What a figure is drawn on: its width, the title above it and the key below it."""

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.artist import Artist
from matplotlib.figure import Figure

WIDTH = 11.0  # inches, of a figure on a page
LETTERS = 10.2  # an inch, of a title
TICKS = 0.7  # inches beside a panel, for the labels of its ticks
KEY_LETTERS = 112  # of the key's, which is smaller
LINE, KEY_LINE = 0.3, 0.28  # inches
FLATTEST = 0.72  # of a panel's height, where panels stand below each other


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
        return int(LETTERS * (self.width / panels - TICKS))


PAGE = Sheet()


def head(figure: Figure, sheet: Sheet, note: str = "") -> None:
    """The title: the sheet's subject, and below it what holds for all panels."""
    lines = [
        line for text in (sheet.subject, note) for line in textwrap.wrap(text, sheet.letters())
    ]
    if lines:
        figure.suptitle("\n".join(lines), fontsize="medium")


def set_height(figure: Figure, height: float, sheet: Sheet, key: float = 0.0) -> None:
    """As high as panels and key are, and the title needs; call it after `head`.

    Args:
        figure: with its title.
        height: of the panels on a page, inches; on a narrow sheet they are flatter.
        sheet: what it is drawn on.
        key: height of the key, inches.
    """
    title = figure.get_suptitle()
    lines = title.count("\n") + 1 if title else 0
    flatter = max(FLATTEST, min(1.0, sheet.width / WIDTH))
    figure.set_size_inches(sheet.width, flatter * height + LINE * lines + key)


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
    set_height(figure, height, sheet, KEY_LINE * rows * deepest)
    if labels:
        figure.legend(list(handles), labels, loc="outside lower center", ncols=columns)
