import numpy as np

from assets.scores.embeddings import frechet
from assets.scores.figures import FIGURES, FRECHET, figures_of

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


def test_figures_over_one_request_have_no_interval():
    found = made([heard("model", "a", 0, word_error=0.2), heard("model", "a", 1, word_error=0.6)])
    assert (found["model", "word error of what is sung"]["low"], found["model", FRECHET.name]["low"]) == (None, None)


def test_songs_of_more_seeds_are_no_nearer_to_music_for_that_alone():
    reference, random = RANDOM.normal(0, 1, (400, 8)), np.random.default_rng(3)
    rows = [heard("real", item) for item in "ab"] + [heard("model", item, seed) for item in "ab" for seed in range(20)]
    places = {(row["system"], row["item"], row["seed"]): random.normal(0, 1, (8, 8)) for row in rows}
    found = {
        row["system"]: row["value"] for row in figures_of(rows, places, reference) if row["figure"] == FRECHET.name
    }
    models = [place for (system, _, _), place in places.items() if system == "model"]
    together = frechet(np.concatenate(models), reference)
    assert found["model"] > 2 * together
    assert 0.5 < found["model"] / found["real"] < 2
