"""What complete trials came to, one row a seed."""

import numpy as np
import pandas as pd
import pytest

from ablate.errors import InputError
from ablate.results.outcomes import by_seed
from support.frames import NAN, trials_frame


def test_by_seed_is_seeds_by_cells() -> None:
    frame = trials_frame({"b": {3: 0.5, 1: 0.25}, "a": {1: 0.75, 3: "failed"}, "c": {2: "failed"}})
    wide = by_seed(frame)
    assert list(wide.columns) == ["b", "a", "c"]
    assert list(wide.index) == [1, 3]
    np.testing.assert_array_equal(wide, [[0.25, 0.75, NAN], [0.5, NAN, NAN]])


def test_another_outcome() -> None:
    frame = trials_frame({"a": {0: 0.5, 1: "diverged"}}).assign(val_loss=[1.5, 2.5])
    assert by_seed(frame, "val_loss")["a"].to_dict() == {0: 1.5}


def test_by_seed_refuses_a_seed_twice() -> None:
    frame = trials_frame({"a": {0: 0.5}})
    again = frame.assign(key="other")
    with pytest.raises(InputError, match="cell 'a' has seed 0 twice"):
        by_seed(pd.concat([frame, again]))
