"""Bits as text: what was packed comes back, and nothing else is taken for it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablate.bits import pack, unpack
from ablate.errors import InputError, looks_like_formula


@given(st.lists(st.booleans(), max_size=70))
def test_what_was_packed_comes_back(bits: list[bool]) -> None:
    text = pack(bits)
    assert len(text) == 2 * -(-len(bits) // 8)
    assert unpack(text, len(bits)).tolist() == bits
    assert not looks_like_formula(text)


def test_the_first_image_is_the_highest_bit() -> None:
    assert pack(np.array([True, False, False, False, False, False, False, False, True])) == "8080"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "0 characters: expected 4 hexadecimal digits for 9 images"),
        ("ff80ff", "6 characters: expected 4"),
        ("ff8g", "not in hexadecimal digits"),
        (" f80", "not in hexadecimal digits"),
        ("f 80", "not in hexadecimal digits"),
        ("FF80", "not in hexadecimal digits"),
        ("ff8é", "not in hexadecimal digits"),
        ("ff81", "bits after the last of 9 images"),
    ],
)
def test_anything_else_is_refused_in_a_line(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        unpack(text, 9)
