import pytest
from hypothesis import given
from hypothesis import strategies as st
from num2words import num2words

from assets.captions.beats import in_figures, value_of
from assets.captions.claims import Contradicted, Wrong, put_right
from assets.captions.key import TONICS
from resources.captioners import Facts

SLOW = Facts(sung=True, tempo_bpm=80.2, pace="slow", key="A minor")


@pytest.mark.parametrize(
    "sentence",
    [
        "It moves at 80 BPM.",
        "A tempo of around 78-84 beats per minute carries it.",
        "The tempo is approximately eighty beats per minute.",
        "It is set in A minor.",
        "A major influence on the mood is the bass, and a minor role falls to the flute.",
        "Drums of the 1980s, an 808 and 24 bars of solo.",
        "Eighty voices and 140 strings fill the hall.",
        "The instrumental break in the middle leaves room for the singer.",
        "There are no backing vocals.",
        "A slow beat carries a soft voice.",
    ],
)
def test_what_agrees_with_what_was_measured_stays_as_it_is(sentence):
    assert put_right(sentence, SLOW) == in_figures(sentence)


@pytest.mark.parametrize(
    ("said", "right"),
    [
        ("It moves at 160 BPM.", "It moves at 80 BPM."),
        ("It has a tempo of around 160 bpm.", "It has a tempo of around 80 BPM."),
        ("It has a tempo of 155-165 BPM.", "It has a tempo of 80 BPM."),
        ("The beat is between 150 and 170 beats per minute.", "The beat is about 80 BPM."),
        ("At one hundred and sixty beats per minute it dances.", "At 80 BPM it dances."),
        ("It runs at forty beats a minute.", "It runs at 80 BPM."),
        ("With a BPM of 160, it dances.", "With a BPM of 80, it dances."),
        ("A 160-BPM groove drives it.", "An 80 BPM groove drives it."),
        ("The tempo is 40, roughly.", "The tempo is 80, roughly."),
        ("It is in the key of C major.", "It is in the key of A minor."),
        ("It is in b flat minor.", "It is in A minor."),
        ("A song in E-flat minor with drums.", "A song in A minor with drums."),
        ("A waltz in F# minor at 160 bpm.", "A waltz in A minor at 80 BPM."),
    ],
)
def test_the_same_beat_counted_otherwise_and_a_wrong_key_are_put_right(said, right):
    assert put_right(said, SLOW) == right


@pytest.mark.parametrize(
    ("sentence", "wrong"),
    [
        ("It races along at 140 bpm.", Wrong.TEMPO),
        ("It races along at around 120-130 BPM.", Wrong.TEMPO),
        ("One hundred and forty beats per minute drive it.", Wrong.TEMPO),
        ("It has a tempo of 117.", Wrong.TEMPO),
        ("The BPM is 117.", Wrong.TEMPO),
        ("A fast-paced dance track.", Wrong.TEMPO),
        ("An uptempo song.", Wrong.TEMPO),
        ("A C major chord opens it.", Wrong.KEY),
        ("It rests on E minor and B minor.", Wrong.KEY),
        ("The piece is purely instrumental.", Wrong.VOICE),
        ("An instrumental track with guitars.", Wrong.VOICE),
        ("There are no vocals.", Wrong.VOICE),
        ("It does not have any lead vocals.", Wrong.VOICE),
        ("none", Wrong.VOICE),
    ],
)  # fmt: skip
def test_what_contradicts_the_measurement_cannot_stay(sentence, wrong):
    with pytest.raises(Contradicted) as caught:
        put_right(sentence, SLOW)
    assert caught.value.wrong == wrong


@pytest.mark.parametrize(
    "sentence",
    ["A woman sings softly.", "The vocals are clear.", "A male singer leads.", "Backing voices come in.", "He raps."],
)
def test_nobody_sings_on_an_instrumental(sentence):
    with pytest.raises(Contradicted):
        put_right(sentence, Facts(sung=False))


@pytest.mark.parametrize(
    "sentence",
    [
        "It is a purely instrumental piece.",
        "Without any vocals, the guitar leads.",
        "The inner voices move slowly.",
        "None",
    ],
)
def test_an_instrumental_may_be_called_one(sentence):
    assert put_right(sentence, Facts(sung=False)) == sentence


@pytest.mark.parametrize("sentence", ["A woman sings.", "A purely instrumental piece."])
def test_where_it_cannot_be_told_whether_anyone_sings_both_may_be_said(sentence):
    assert put_right(sentence, Facts(sung=None)) == sentence


@pytest.mark.parametrize("sentence", ["It moves at 120 BPM.", "It is in C major."])
def test_what_could_not_be_measured_cannot_be_claimed(sentence):
    with pytest.raises(Contradicted):
        put_right(sentence, Facts())


@pytest.mark.parametrize(
    ("said", "measured"),
    [("A-sharp minor", "Bb minor"), ("D flat major", "Db major"), ("Gb major", "F# major"), ("G♯ min", "G# minor")],
)
def test_a_key_has_more_than_one_name(said, measured):
    assert put_right(f"It is in {said}.", Facts(key=measured)) == f"It is in {said}."


@given(st.sampled_from(list(TONICS.items())).flatmap(lambda of: st.sampled_from([f"{t} {of[0]}" for t in of[1]])))
def test_every_key_that_can_be_measured_can_be_claimed(key):
    assert put_right(f"A song in {key}.", Facts(key=key)) == f"A song in {key}."


@given(st.integers(20, 299))
def test_every_number_of_beats_is_read_as_it_is_spelt(number):
    assert value_of(num2words(number)) == number
    assert in_figures(f"{num2words(number)} beats per minute") == f"{number} beats per minute"


@given(st.floats(40, 220), st.floats(20, 500), st.floats(0, 40))
def test_after_it_is_put_right_a_sentence_claims_no_other_beat(measured_bpm, low_bpm, width_bpm):
    claim = f"It moves at {low_bpm:.0f}-{low_bpm + width_bpm:.0f} BPM."
    try:
        right = put_right(claim, Facts(tempo_bpm=measured_bpm))
    except Contradicted:
        return
    low, high = round(low_bpm), round(low_bpm + width_bpm)
    assert right == f"It moves at {measured_bpm:.0f} BPM." or low / 1.05 <= measured_bpm <= high * 1.05
