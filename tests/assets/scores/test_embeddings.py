import numpy as np
import pytest

from assets.scores.embeddings import Space, diversity, frechet

RANDOM = np.random.default_rng(0)
PIECES = RANDOM.normal(0, 1, (200, 40)).astype(np.float32)


def test_a_set_is_no_distance_from_itself():
    place = Space.of(PIECES).place(PIECES)
    assert frechet(place, place) == pytest.approx(0.0, abs=1e-6)


def test_a_set_that_is_moved_is_as_far_as_it_was_moved():
    place = Space.of(PIECES).place(PIECES)
    moved = place + np.eye(1, place.shape[1]) * 3.0
    assert frechet(moved, place) == pytest.approx(9.0, rel=1e-6)


def test_a_set_that_is_spread_wider_is_farther():
    place = Space.of(PIECES).place(PIECES)
    assert 0 < frechet(1.5 * place, place) < frechet(3.0 * place, place)


def test_the_distance_is_the_same_both_ways():
    place = Space.of(PIECES).place(PIECES)
    assert frechet(place[:100], place[100:]) == pytest.approx(frechet(place[100:], place[:100]))


def test_a_space_is_of_as_many_directions_as_few_pieces_have():
    assert Space.of(PIECES[:4]).into.shape[1] == 3
    with pytest.raises(ValueError, match="two pieces at least, got 1"):
        Space.of(PIECES[:1])


def test_songs_that_are_all_the_same_have_no_diversity():
    assert diversity([[PIECES, PIECES, PIECES]]) == [0.0]
    assert diversity([[PIECES]]) == []
