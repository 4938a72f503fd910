import numpy as np

from assets.scores.figures import FIGURES, figures_of

COLUMNS = {figure.column for figure in FIGURES} - {"words_invented"}
RANDOM = np.random.default_rng(0)


def heard(system: str, item: str, seed: int = 0, **said):
    return dict.fromkeys(COLUMNS) | {
        "system": system, "item": item, "seed": seed, "words": 5, "words_heard": 5, "length_error_s": 0.0, **said
    }  # fmt: skip


def made(rows):
    places = {(row["system"], row["item"], row["seed"]): RANDOM.normal(0, 1, (10, 3)) for row in rows}
    found = figures_of(rows, places, RANDOM.normal(0, 1, (50, 3)))
    return {(row["system"], row["figure"]): row for row in found}


def test_a_figure_is_the_mean_over_the_clips_that_have_it():
    rows = [heard("model", "a", word_error=0.2), heard("model", "b", word_error=0.6), heard("model", "c")]
    found = made(rows)["model", "word error of what is sung"]
    assert (found["value"], found["count"], found["better"]) == (0.4, 2, "lower")
    assert found["low"] <= 0.4 <= found["high"]


def test_a_figure_that_no_clip_has_is_left_out():
    assert ("model", "tempo as the real one's") not in made([heard("model", "a")])


def test_words_are_invented_only_where_none_were_asked_for():
    found = made([heard("real", "a", words=0, words_heard=3), heard("real", "b")])
    assert found["real", "words where none were asked for"]["value"] == 3.0


def test_a_song_that_is_too_short_is_as_wrong_as_one_too_long():
    found = made([heard("model", "a", length_error_s=-2.0), heard("model", "b", length_error_s=2.0)])
    assert found["model", "length made and asked for apart"]["value"] == 2.0


def test_diversity_over_seeds_needs_two_songs_of_one_request():
    one, two = made([heard("model", "a")]), made([heard("model", "a", 0), heard("model", "a", 1)])
    assert ("model", "distance between songs of one request") not in one
    assert two["model", "distance between songs of one request"]["value"] > 0
