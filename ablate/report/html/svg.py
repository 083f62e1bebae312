"""A matplotlib SVG made safe and small enough to stand within an HTML page."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator

from ablate.errors import InputError

_ELEMENTS = frozenset(
    "svg g defs path use rect circle ellipse line polyline polygon clipPath pattern text tspan "
    "image linearGradient radialGradient stop title desc".split()
)
_GEOMETRY = frozenset("d x y width height cx cy r rx ry x1 y1 x2 y2 points".split())
_LOOKS = frozenset(
    "fill fill-opacity fill-rule stroke stroke-width stroke-opacity stroke-linejoin "
    "stroke-linecap stroke-dasharray stroke-dashoffset stroke-miterlimit opacity clip-path "
    "clip-rule color font-family font-size font-style font-weight text-anchor image-rendering "
    "stop-color stop-opacity".split()
)
_INHERITED = frozenset(
    "fill fill-opacity fill-rule stroke stroke-width stroke-opacity stroke-linejoin "
    "stroke-linecap stroke-dasharray stroke-dashoffset stroke-miterlimit font-family font-size "
    "font-style font-weight text-anchor".split()
)
_WORDS = ("title", "desc")  # of these the text alone is kept
_SHOWN = ("path", "use", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text", "g")
_OTHERS = frozenset(
    "id href transform viewBox preserveAspectRatio clipPathUnits patternUnits patternTransform "
    "patternContentUnits gradientUnits gradientTransform offset version".split()
)
# What matplotlib puts in every file; for a page's own elements it would be a rule as well.
_STYLE = "*{stroke-linejoin: round; stroke-linecap: butt}"
_SVG = "{http://www.w3.org/2000/svg}"
_XLINK = "{http://www.w3.org/1999/xlink}"
_FRACTION = re.compile(r"-?\d*\.\d+(?:e[-+]?\d+)?")
_COMMAND = re.compile(r" ?([A-DF-Za-df-z]) ?")  # of a path; an e is an exponent
_TRANSLATE = re.compile(r"translate\([^)]*\)")
_UPRIGHT = re.compile(r"rotate\(-?0 [^)]*\)")  # matplotlib writes it with most text
_MOVE = re.compile(r"translate\((-?[\d.]+) (-?[\d.]+)\)")
_WITHIN = re.compile(r"url\(#([^()\s]+)\)")
_PNG = re.compile(r"data:image/png;base64,[A-Za-z0-9+/=\s]+")


def inline(svg: str, name: str, label: str, ids: str) -> str:
    """An SVG as an element of an HTML page.

    Only elements and attributes that a drawing needs are let through. Whatever refers to another
    file or could run is refused, and a `style` attribute becomes attributes of its own, so that a
    page can forbid inline styles. Text stays text, and a title, which a browser shows where a
    pointer rests, stays with the mark that it is of. Coordinates are rounded to 2 decimals (of a
    point), to 1 from 100 on, and what elements of a group have in common is said once, on the
    group.

    Args:
        svg: the text of a file as matplotlib writes it.
        name: of the picture, for errors.
        label: what the picture shows, for whoever cannot see it.
        ids: unique on the page and short; every id is this and a number.

    Raises:
        InputError: not an SVG, or it holds what is not allowed.
    """
    # An entity is not needed by a drawing, and can be made to grow without end.
    if "<!ENTITY" in svg:
        raise _refusal(name, "an entity declaration")
    try:
        root = ET.fromstring(svg)
    except ET.ParseError as error:
        raise InputError(f"picture {name!r}: not an SVG: {error}") from error
    if root.tag != f"{_SVG}svg":
        raise InputError(f"picture {name!r}: not an SVG: its root is <{root.tag}>")
    for parent in list(root.iter()):
        _drop_unseen(parent, name)
    for element in root.iter():
        _clean(element, name)
    _number_ids(root, ids)
    _say_family_once(root)
    _leave_to_uses(root)
    _lift(root)
    for size in ("width", "height", "version"):
        root.attrib.pop(size, None)
    root.attrib |= {"stroke-linejoin": "round", "stroke-linecap": "butt"}
    root.attrib |= {"role": "img", "aria-label": label}
    return ET.tostring(root, encoding="unicode").replace(" />", "/>")


def _drop_unseen(parent: ET.Element, name: str) -> None:
    """Remove metadata and matplotlib's own style sheet, wherever they stand."""
    for child in list(parent):
        if child.tag == f"{_SVG}metadata":
            parent.remove(child)
        elif child.tag == f"{_SVG}style":
            if " ".join((child.text or "").split()) != _STYLE:
                raise _refusal(name, "a style sheet")
            parent.remove(child)


def _clean(element: ET.Element, name: str) -> None:
    """Give an element its plain name and the attributes that are allowed, or refuse it."""
    tag = element.tag.removeprefix(_SVG)
    if tag not in _ELEMENTS:
        raise _refusal(name, f"<{tag}>")
    element.tag = tag
    if tag not in ("text", "tspan", *_WORDS):
        element.text = None
    element.tail = None
    if tag in _WORDS and len(element):
        # HTML would read what is in it as its own.
        raise _refusal(name, f"an element in <{tag}>")
    attributes: dict[str, str] = {}
    for key, value in element.attrib.items():
        if key in ("style", "type"):
            continue
        attributes[key.removeprefix(_XLINK)] = value
    attributes |= dict(_declarations(element.attrib.get("style", ""), name))
    element.attrib.clear()
    for key, value in attributes.items():
        if key not in _GEOMETRY | _LOOKS | _OTHERS:
            raise _refusal(name, f"the attribute {key!r}")
        if not _stays_within(tag, key, value):
            raise _refusal(name, f"a reference to {value[:60]!r}")
        value = " ".join(value.split())
        if not (key == "transform" and _UPRIGHT.fullmatch(value)):
            element.attrib[key] = _rounded(key, value)
    if tag == "use" and not {"x", "y"} & set(element.attrib):
        _place(element)


def _place(element: ET.Element) -> None:
    """Say where a glyph goes by x and y, which is shorter than a translation."""
    moved = _MOVE.fullmatch(element.get("transform", ""))
    if moved:
        del element.attrib["transform"]
        places = zip("xy", moved.groups(), strict=True)
        element.attrib |= {key: value for key, value in places if value != "0"}


def _declarations(style: str, name: str) -> Iterator[tuple[str, str]]:
    """The properties of a `style` attribute."""
    for part in filter(str.strip, style.split(";")):
        key, _, value = part.partition(":")
        if key.strip() not in _LOOKS:
            raise _refusal(name, f"the style {part.strip()[:60]!r}")
        yield key.strip(), value.strip()


def _stays_within(tag: str, key: str, value: str) -> bool:
    """Whether a value refers to nothing, to its own file, or to pixels that it holds itself."""
    if key == "href":
        return bool(value.startswith("#") or (tag == "image" and _PNG.fullmatch(value)))
    # A CSS escape could spell url() in another way.
    return "\\" not in value and "url" not in _WITHIN.sub("", value).lower()


def _number_ids(root: ET.Element, ids: str) -> None:
    """Number the ids, in every reference too; drop those not referred to."""
    numbers: dict[str, str] = {}

    def numbered(identity: str) -> str:
        return numbers.setdefault(identity, f"{ids}-{len(numbers)}")

    for element in root.iter():
        for key, value in element.attrib.items():
            if key == "href" and value.startswith("#"):
                element.attrib[key] = f"#{numbered(value[1:])}"
            elif key != "id":
                element.attrib[key] = _WITHIN.sub(lambda of: f"url(#{numbered(of[1])})", value)
    for element in root.iter():
        identity = element.attrib.pop("id", None)
        if identity in numbers:
            element.attrib["id"] = numbers[identity]


def _say_family_once(root: ET.Element) -> None:
    """Name the fonts of all text on the root, where they are the same."""
    named = [element for element in root.iter() if "font-family" in element.attrib]
    families = {element.attrib["font-family"] for element in named}
    if len(families) == 1:
        for element in named:
            del element.attrib["font-family"]
        root.attrib["font-family"] = families.pop()


def _leave_to_uses(root: ET.Element) -> None:
    """Take from a shape what all that show it say themselves, as the page's style reaches them."""
    uses: dict[str, list[ET.Element]] = {}
    for use in root.iter("use"):
        uses.setdefault(use.get("href", "").removeprefix("#"), []).append(use)
    for shape in root.iter():
        shown = uses.get(shape.get("id", ""), [])
        for key in sorted(_INHERITED & set(shape.attrib)):
            if shown and all(use.get(key) == shape.get(key) for use in shown):
                del shape.attrib[key]


def _lift(element: ET.Element) -> None:
    """Say on a group what all its elements inherit alike; take groups away that say nothing."""
    children: list[ET.Element] = []
    for child in element:
        _lift(child)
        if child.tag == "g" and not child.attrib and _hand_down(child):
            children += list(child)
        else:
            children.append(child)
    element[:] = children
    inheriting = [child for child in children if child.tag not in _WORDS]
    if element.tag == "g" and len(inheriting) > 1:
        for key in sorted(_INHERITED & set(inheriting[0].attrib) - set(element.attrib)):
            value = inheriting[0].attrib[key]
            if all(child.get(key) == value for child in inheriting):
                element.attrib[key] = value
                for child in inheriting:
                    del child.attrib[key]


def _hand_down(group: ET.Element) -> bool:
    """Whether a group has no title, or one that it could give to the only thing that it shows."""
    titles = [child for child in group if child.tag == "title"]
    if not titles:
        return True
    shown = [child for child in group if child.tag in _SHOWN]
    if len(titles) != 1 or len(shown) != 1 or shown[0].find("title") is not None:
        return False
    group.remove(titles[0])
    shown[0].insert(0, titles[0])
    return True


def _rounded(key: str, value: str) -> str:
    """A value with its coordinates rounded; scales and colours are left as they are."""
    if key == "d":
        value = _COMMAND.sub(r"\1", value)
    if key in _GEOMETRY:
        return _FRACTION.sub(_short, value)
    if key == "transform":
        return _TRANSLATE.sub(lambda move: _FRACTION.sub(_short, move[0]), value)
    return value


def _short(number: re.Match[str]) -> str:
    value = float(number[0])
    return f"{value:z.{1 if abs(value) >= 100 else 2}f}".rstrip("0").rstrip(".")


def _refusal(name: str, what: str) -> InputError:
    return InputError(f"picture {name!r}: {what} cannot be shown; only a plain drawing can")
