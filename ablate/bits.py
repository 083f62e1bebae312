"""One bit an image, as text: which images of a split a network has classified correctly.

Eight images a byte, the first in its highest bit (`numpy.packbits`), each byte in hexadecimal:
no text that begins like a formula, as base64 can.
"""

import numpy as np
import numpy.typing as npt

from ablate.errors import InputError


def pack(correct: npt.ArrayLike) -> str:
    """Bits, (images,), as text: two characters for eight images.

    >>> pack([True, True, False, True, False, False, False, False, True])
    'd080'
    """
    return np.packbits(np.asarray(correct, dtype=bool)).tobytes().hex()


def unpack(text: str, images: int) -> npt.NDArray[np.bool_]:
    """The bits of `images` images, (images,), from the text of `pack`.

    Raises:
        InputError: the text is not that of so many images.
    """
    length = 2 * ((images + 7) // 8)
    if len(text) != length:
        raise InputError(
            f"{len(text)} characters: expected {length} hexadecimal digits for {images} images"
        )
    try:
        packed = bytes.fromhex(text)
    except ValueError:
        packed = b""
    if packed.hex() != text:  # spaces are read over
        raise InputError("not in hexadecimal digits: expected 0 to 9 and a to f alone")
    bits = np.unpackbits(np.frombuffer(packed, dtype=np.uint8)).astype(bool)
    if bits[images:].any():
        raise InputError(f"bits after the last of {images} images: expected zeros there")
    return bits[:images]
