"""What things on a page are called in links: by what they are, and no two alike."""

import re
from collections.abc import Iterable

from ablate.errors import InputError

RESERVED = ("main", "answer")  # of the page itself
PICTURE = "picture-"
TABLE = "table-"
_ANCHOR = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_NAME = re.compile(r"[A-Za-z][\w-]*", re.ASCII)
_OTHER = re.compile(r"[^a-z0-9]+")
_LONGEST = 60


def check_names(names: list[str]) -> None:
    """Refuse names of pictures that are none, or that come twice.

    Raises:
        InputError: it says which.
    """
    for name in names:
        if not _NAME.fullmatch(name) or names.count(name) > 1:
            raise InputError(
                f"picture {name!r}: a name is of letters, digits, - and _, and comes once a page"
            )


def check_anchors(anchors: list[str], taken: Iterable[str]) -> None:
    """Refuse anchors of sections that are none, that come twice, or that something else has.

    Args:
        anchors: of all sections of a page.
        taken: what else on the page is called.

    Raises:
        InputError: it says which.
    """
    others = {*RESERVED, *taken}
    for anchor in anchors:
        if not _ANCHOR.fullmatch(anchor) or anchors.count(anchor) > 1 or anchor in others:
            raise InputError(
                f"section {anchor!r}: an anchor is of letters, digits and -, begins with a letter, "
                "and is the only one of its name on the page"
            )


def table_anchors(captions: Iterable[str]) -> list[str]:
    """What tables are called, by their captions; captions alike are told apart by a number."""
    anchors: list[str] = []
    for caption in captions:
        words = _OTHER.sub("-", caption.lower()).strip("-")[:_LONGEST].rstrip("-")
        anchor = first = f"{TABLE}{words or 'of-values'}"
        number = 1
        while anchor in anchors:
            number += 1
            anchor = f"{first}-{number}"
        anchors.append(anchor)
    return anchors
