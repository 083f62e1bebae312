"""What a mark says where a pointer rests on it: its arm, value, interval and n, in the SVG."""

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator

from matplotlib.artist import Artist
from matplotlib.container import ErrorbarContainer

from ablate.analysis import wording

# An artist carries its tips as its `gid`, which only an SVG has; there they become titles.
_MARK = "tip:"
_BETWEEN = "\u2028"  # of the tips of one artist; a name does not hold it
_NO_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # that a name could have
_SVG = "{http://www.w3.org/2000/svg}"
_FAMILY = "'DejaVu Sans'"
_FAMILIES = f"{_FAMILY}, 'Bitstream Vera Sans', Verdana, sans-serif"  # from alike to any

ET.register_namespace("", _SVG.strip("{}"))
ET.register_namespace("xlink", "http://www.w3.org/1999/xlink")


def tell(artist: Artist, *texts: str) -> None:
    """Give an artist its tip, or one for each of its marks, in the order that they are drawn."""
    artist.set_gid(_MARK + _BETWEEN.join(text.replace(_BETWEEN, " ") for text in texts))


def tell_bars(drawn: ErrorbarContainer, *texts: str) -> None:
    """Give marks and their intervals a tip each."""
    marks, _, bars = drawn.lines
    for artist in (marks, *bars):
        if artist is not None:
            tell(artist, *texts)


def reading(
    name: str,
    mean: float,
    low: float = math.nan,
    high: float = math.nan,
    *,
    n: int | None = None,
    unit: str = "seed",
    form: str = ".1f",
    of: str = "%",
) -> str:
    """A value as a tip: `doubling: 97.5% [97.1, 97.9], n = 10 seeds`.

    Args:
        name: whose value it is.
        mean, low, high: in the units of the axis; no limits where NaN.
        n, unit: how many of what are behind it.
        form: of the numbers.
        of: their unit, with the space before it.
    """
    limits = "" if math.isnan(low) else f" [{low:{form}}, {high:{form}}]"
    count = "" if n is None else f", n = {wording.plural(n, unit)}"
    return f"{name}: {mean:{form}}{of}{limits}{count}"


def with_tips(svg: str) -> str:
    """An SVG of matplotlib whose marks have titles, and whose text names fonts to fall back on.

    Marks that are not as many as their tips, since one lies outside of the figure, have none.
    """
    root = ET.fromstring(_NO_XML.sub("\ufffd", svg))
    for element in root.iter():
        style = element.get("style", "")
        if _FAMILY in style:
            element.set("style", style.replace(_FAMILY, _FAMILIES))
    for group in root.iter(f"{_SVG}g"):
        if group.get("id", "").startswith(_MARK):
            texts = group.attrib.pop("id").removeprefix(_MARK).split(_BETWEEN)
            marks = [group] if len(texts) == 1 else _marks(group)
            if len(marks) == len(texts):
                for mark, text in zip(marks, texts, strict=True):
                    _add_title(mark, text)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _marks(group: ET.Element) -> list[ET.Element]:
    """The marks of an artist: copies of a shape, or else shapes of their own."""
    return list(group.iter(f"{_SVG}use")) or list(_shapes(group))


def _shapes(group: ET.Element) -> Iterator[ET.Element]:
    for child in group:
        if child.tag == f"{_SVG}path":
            yield child
        elif child.tag != f"{_SVG}defs":
            yield from _shapes(child)


def _add_title(mark: ET.Element, text: str) -> None:
    title = ET.Element(f"{_SVG}title")
    title.text = text
    mark.insert(0, title)
