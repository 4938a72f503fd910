import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.scores.bootstrap import mean_of

VALUES = st.lists(st.floats(-100, 100), min_size=1, max_size=5)


@given(st.dictionaries(st.text(max_size=3), VALUES, min_size=1, max_size=6))
def test_the_mean_is_of_all_values_and_lies_in_its_interval(clusters):
    found = mean_of(clusters, resamples=200)
    everything = [value for values in clusters.values() for value in values]
    assert found.count == len(everything)
    assert found.value == pytest.approx(np.mean(everything), abs=1e-9)
    assert (found.low is None) == (found.high is None) == (sum(1 for values in clusters.values() if values) == 1)
    assert found.low is None or found.low <= found.high


def test_nothing_has_no_mean():
    assert mean_of({}) is None
    assert mean_of({"a": []}) is None


def test_one_cluster_says_nothing_about_others():
    found = mean_of({"a": [1.0, 2.0, 9.0]})
    assert (found.value, found.low, found.high) == (4.0, None, None)


def test_what_belongs_together_makes_an_interval_wider_than_as_many_values_apart():
    random = np.random.default_rng(0)
    centres = random.normal(0, 1, 12)
    together = {str(i): list(centre + random.normal(0, 0.01, 8)) for i, centre in enumerate(centres)}
    apart = {f"{i} {j}": [value] for i, values in together.items() for j, value in enumerate(values)}
    wide, narrow = mean_of(together), mean_of(apart)
    assert wide.value == pytest.approx(narrow.value)
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def test_the_interval_holds_the_true_mean_in_most_of_many_experiments():
    random = np.random.default_rng(1)
    inside = 0
    for _ in range(200):
        found = mean_of({str(i): [value] for i, value in enumerate(random.normal(3.0, 1.0, 40))}, resamples=400)
        inside += found.low <= 3.0 <= found.high
    assert inside / 200 > 0.88
