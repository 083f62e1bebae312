"""Which test images the trials of a run classified correctly, as what statistics take."""

import numpy as np
import pandas as pd

from ablate.bits import unpack
from ablate.errors import InputError
from ablate.results.names import CORRECT
from ablate.statistics.images import ImageNoise, image_noise


def noise(correct: pd.DataFrame, accuracies: pd.DataFrame) -> ImageNoise | None:
    """What the choice of test images does to the cells' mean accuracies.

    Args:
        correct: as `csv.read_correct` gives it.
        accuracies: test accuracies, one row a seed, one column a cell; NaN where there is none.

    Returns:
        Of the cells in their order; None where a trial with an accuracy is not in the table, or
        the trials are not of the same images.

    Raises:
        InputError: the bits of a trial cannot be read.
    """
    texts = {(row["cell"], row["seed"]): row["correct"] for row in correct.to_dict("records")}
    there = accuracies.notna().to_numpy().T
    names = {
        (arm, seed): (accuracies.columns[arm], accuracies.index[seed])
        for arm, seed in np.argwhere(there).tolist()
    }
    images = int(correct["images"].max()) if len(correct) else 0
    alike = correct["images"].nunique() == 1 and images > 1
    if not alike or any(name not in texts for name in names.values()):
        return None
    bits = np.zeros((*there.shape, images), dtype=bool)
    for place, (cell, seed) in names.items():
        try:
            bits[place] = unpack(str(texts[cell, seed]), images)
        except InputError as error:
            raise InputError(f"{CORRECT}: {cell}, seed {seed}: {error}") from error
    return image_noise(bits, there)
