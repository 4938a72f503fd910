import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.shards.quotes import RUN, without_quotes

LINES = ["Walking down to the river's edge,", "I let it go"]
CAPTIONS = {"caption": "A slow song.", "short_caption": "song, slow", "tags": ["song", "slow"], "tempo_bpm": 80.0}


def lyrics(*lines, language="en"):
    return {"language": language, "lines": [{"words": [{"text": word} for word in line.split()]} for line in lines]}


def quoted(caption="A slow song.", short="song, slow", tags=("song", "slow"), lines=LINES):
    row = {**CAPTIONS, "caption": caption, "short_caption": short, "tags": list(tags)}
    clean = without_quotes(row, lyrics(*lines))
    return clean["caption"], clean["short_caption"], clean["tags"]


def test_a_sentence_that_quotes_is_dropped_and_the_others_stay():
    caption, short, _ = quoted("A slow song. She sings of WALKING down, to the water. Drums come in.")
    assert caption == "A slow song. Drums come in."
    assert short == "song, slow"


def test_three_words_in_a_row_are_no_quotation():
    assert quoted("Drums go down to the floor.")[0] == "Drums go down to the floor."


@pytest.mark.parametrize(
    "caption",
    [
        "It says “Down — to the River's edge” softly. Slow.",
        "It says edge, I let it. Slow.",
        "It says down-to-the-river's-edge. Slow.",
    ],
    ids=["quotation marks", "over two lines", "hyphens"],
)
def test_punctuation_case_and_line_ends_hide_no_quotation(caption):
    assert quoted(caption)[0] == "Slow."


def test_a_run_over_two_sentences_is_a_quotation():
    assert quoted("It says down to. The river's edge is far.")[0] == "It says down to."


def test_where_no_sentence_is_left_the_short_caption_stands_for_it():
    assert quoted("Walking down to the end.") == ("song, slow", "song, slow", ["song", "slow"])


def test_where_the_short_caption_quotes_too_the_tags_stand_for_both():
    caption, short, tags = quoted("Walking down to the end.", "walking down to the", ["song", "i let it go", "slow"])
    assert (caption, short, tags) == ("song, slow", "song, slow", ["song", "slow"])


def test_where_everything_quotes_nothing_is_left():
    assert quoted("I let it go.", "I let it go", ["I let it go"]) == (None, None, [])


def test_accents_and_numbers_are_spelt_out_before_they_are_compared():
    assert quoted("Vingt: déjà 4 nuits sans toi.", lines=["deja four nuits sans"])[0] == "song, slow"


@pytest.mark.parametrize("lines", [[], ["la la la"]])
def test_without_four_words_of_lyrics_a_caption_stays_the_very_same(lines):
    assert without_quotes(CAPTIONS, lyrics(*lines)) is CAPTIONS
    assert without_quotes(CAPTIONS, {"language": None, "lines": None}) is CAPTIONS


words = st.lists(st.sampled_from(["la", "Oh", "we", "run"]), min_size=1, max_size=6)
texts = st.lists(words.map(lambda words: " ".join(words) + "."), max_size=5).map(" ".join)


@given(st.lists(words.map(" ".join), max_size=4), texts, texts, st.lists(words.map(" ".join), max_size=4))
def test_no_four_words_of_the_lyrics_are_ever_left(lines, caption, short, tags):
    row = {**CAPTIONS, "caption": caption, "short_caption": short, "tags": tags}
    clean = without_quotes(row, lyrics(*lines))
    sung = re.findall(r"[a-z]+", " ".join(lines).lower())
    for text in (clean["caption"] or "", clean["short_caption"] or "", *clean["tags"]):
        said = re.findall(r"[a-z]+", text.lower())
        quotations = [
            said[i : i + RUN]
            for i in range(len(said) - RUN + 1)
            for j in range(len(sung) - RUN + 1)
            if said[i : i + RUN] == sung[j : j + RUN]
        ]
        assert quotations == []


@given(st.lists(words.map(" ".join), max_size=4), st.lists(words.map(" ".join), min_size=1, max_size=5))
def test_a_sentence_is_dropped_only_where_it_would_make_a_quotation(lines, parts):
    sung = f" {' '.join(lines).lower()} "
    kept: list[str] = []
    for part in parts:
        said = " ".join([*kept, part]).split()
        if not any(f" {' '.join(said[i : i + RUN])} ".lower() in sung for i in range(len(said) - RUN + 1)):
            kept.append(part)
    caption = " ".join(f"{part.capitalize()}." for part in parts)
    clean = without_quotes({**CAPTIONS, "caption": caption}, lyrics(*lines))["caption"]
    assert clean == (" ".join(f"{part.capitalize()}." for part in kept) or CAPTIONS["short_caption"])
