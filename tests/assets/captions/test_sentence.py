import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.captions.sentence import measured_caption, sentence_of, short_of, tags_of
from resources.captioners import Facts

FOLK = Facts("folk", True, "low", 80.4, "slow", "A minor", ("dark",))


def test_a_song_is_told_in_one_sentence():
    assert sentence_of(FOLK) == "A slow folk song in A minor at about 80 BPM, with a low voice and a dark sound."
    assert short_of(FOLK) == "folk song, slow, 80 BPM, A minor"
    assert tags_of(FOLK) == ("folk", "vocals", "low voice", "slow", "dark")


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        (Facts(), "A track."),
        (Facts(sung=False), "An instrumental."),
        (Facts(sung=True, register="middle"), "A song, with a voice in the middle register."),
        (
            Facts(genre="electronic", sung=True, sound=("bright", "busy")),
            "An electronic song, with a bright, busy sound.",
        ),
        (Facts(genre="waltz", sung=False, key="G major"), "An instrumental waltz in G major."),
        (Facts(sung=False, tempo_bpm=136.0), "An instrumental with a pulse of about 136 BPM."),
    ],
)
def test_what_is_not_known_is_not_said(facts, sentence):
    assert sentence_of(facts) == sentence


maybe = st.none()
facts = st.builds(
    Facts,
    genre=maybe | st.sampled_from(["rock", "ambient", "ballad"]),
    sung=st.sampled_from([None, True, False]),
    register=maybe | st.sampled_from(["low", "middle", "high"]),
    tempo_bpm=maybe | st.floats(40, 220),
    pace=maybe | st.sampled_from(["slow", "mid-tempo", "fast"]),
    key=maybe | st.sampled_from(["C major", "Bb minor"]),
    sound=st.lists(st.sampled_from(["bright", "sparse", "quiet"]), unique=True).map(tuple),
)


@given(facts)
def test_every_caption_is_a_clean_sentence(facts):
    caption = measured_caption(facts)
    assert caption.text.startswith(("A ", "An "))
    assert caption.text.endswith(".")
    assert "  " not in caption.text
    assert "None" not in caption.text + caption.short
    assert caption.short and all(caption.tags)
