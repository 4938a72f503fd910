from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from assets.catalogue.settings import CatalogueSettings
from assets.catalogue.splits import split_of


@given(st.text(min_size=1))
def test_a_group_has_the_same_split_for_ever(group):
    assert split_of(group, 0.01, 0.01, "melisma") == split_of(group, 0.01, 0.01, "melisma")


def test_the_split_of_a_known_group_never_moves():
    found = [split_of(f"track {i}", 0.3, 0.3, "melisma") for i in range(6)]
    assert found == ["valid", "test", "train", "train", "test", "train"]


@given(st.text(min_size=1), st.floats(0.0, 0.4))
def test_a_larger_share_only_takes_from_train(group, more):
    before, after = split_of(group, 0.1, 0.05, "melisma"), split_of(group, 0.1 + more, 0.05, "melisma")
    assert before == after or (before, after) == ("train", "valid")


def test_shares_are_kept_over_many_groups():
    counts = Counter(split_of(f"{i:032x}", 0.1, 0.05, "melisma") for i in range(20_000))
    assert counts["valid"] == pytest.approx(2000, abs=150)
    assert counts["test"] == pytest.approx(1000, abs=110)


def test_shares_must_leave_something_to_train_on():
    with pytest.raises(ValidationError, match="nothing to train on"):
        CatalogueSettings(valid_share=0.6, test_share=0.4)
