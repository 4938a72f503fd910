import pytest

from assets.captions.answer import Answer
from assets.captions.merge import common, merged
from resources.captioners import Facts

FACTS = Facts(genre="pop", sung=True, register="low", tempo_bpm=80.2, pace="slow", key="A minor", sound=("dark",))
FIRST = Answer(
    genre=("folk", "americana"),
    mood=("warm", "nostalgic"),
    instruments=("acoustic guitar", "brushed drums"),
    vocals="A soft female voice, close to the microphone",
    production="Clean and intimate",
    description=("A fingerpicked guitar carries the song.", "Brushed drums come in later."),
)
LATER = Answer(
    genre=("folk",),
    mood=("nostalgic",),
    instruments=("acoustic guitar", "cello"),
    description=("The fingerpicked guitar carries the song on.", "A cello plays a countermelody.", "It fades out."),
)


def test_answers_become_a_long_and_a_short_caption_and_tags():
    caption = merged([FIRST, LATER], FACTS)
    assert caption.text == (
        "The fingerpicked guitar carries the song on. A cello plays a countermelody. It fades out. "
        "Brushed drums come in later. It has a soft female voice, close to the microphone. "
        "The production is clean and intimate. Its pulse is about 80 BPM, its key A minor."
    )
    assert caption.short == "nostalgic, warm, folk song, slow, 80 BPM, A minor, acoustic guitar, brushed drums"
    assert caption.tags == (
        "folk", "vocals", "low voice", "slow", "dark", "americana", "nostalgic", "warm", "soft female voice",
        "acoustic guitar", "brushed drums", "cello",
    )  # fmt: skip


def test_what_most_answers_name_comes_first():
    assert common(2, [("rock", "pop"), ("pop",), ("metal", "metal")]) == ("pop", "rock")


def test_tempo_and_key_that_were_told_are_not_told_again():
    told = Answer(description=("A song at 80 BPM with drums.",))
    assert merged([told], FACTS).text == "A song at 80 BPM with drums. It is in A minor."


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ({"tempo": "slow, with a gentle sway"}, "The tempo is slow, with a gentle sway."),
        ({"tempo": "A laid-back groove"}, "It has a laid-back groove."),
        ({"vocals": "Breathy and close"}, "The voice is breathy and close."),
        ({"vocals": "Male vocals with reverb"}, "It has male vocals with reverb."),
        ({"production": "The recording is raw"}, "The recording is raw."),
    ],
)
def test_a_line_becomes_a_sentence_where_no_sentence_says_it(line, sentence):
    assert merged([Answer(description=("A guitar plays.",), **line)], Facts()).text == f"A guitar plays. {sentence}"


def test_a_line_that_a_sentence_has_already_said_is_left_out():
    answer = Answer(tempo="slow", description=("The beat drags along.",))
    assert merged([answer], Facts()).text == "The beat drags along."


def test_without_a_description_what_was_named_makes_a_sentence():
    named = Answer(genre=("folk",), mood=("intimate", "warm"), instruments=("cello",))
    assert merged([named], Facts(sung=False)).text == "An intimate, warm, folk instrumental, with cello."


@pytest.mark.parametrize("answers", [[], [Answer()], [Answer(mood=("warm",))], [Answer(instruments=("drums",))]])
def test_too_little_makes_no_caption(answers):
    assert merged(answers, Facts()) is None
