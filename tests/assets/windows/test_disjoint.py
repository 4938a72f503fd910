from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from assets.windows.disjoint import best_disjoint


@given(st.dictionaries(st.integers(0, 20), st.integers(1, 5), max_size=9), st.integers(1, 6), st.integers(1, 4))
def test_no_other_set_that_does_not_overlap_has_a_greater_sum(windows, length, count):
    starts = sorted(windows)
    scores = np.array([windows[start] for start in starts], np.int64)
    chosen = best_disjoint(np.array(starts, np.int64), scores, length, count)
    sets = [
        picked
        for size in range(count + 1)
        for picked in combinations(starts, size)
        if all(b - a >= length for a, b in zip(picked, picked[1:], strict=False))
    ]
    best = max(sets, key=lambda picked: (sum(windows[s] for s in picked), [-s for s in picked]))
    assert [starts[i] for i in chosen] == list(best)
