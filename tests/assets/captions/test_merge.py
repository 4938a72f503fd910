import pytest

from assets.captions.answer import Answer
from assets.captions.merge import Tally, checked, common, merged
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
        "Brushed drums come in later. The production is clean and intimate. Its pulse is about 80 BPM, its key A minor."
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


def test_without_a_description_what_was_named_makes_a_sentence():
    named = Answer(genre=("folk",), mood=("intimate", "warm"), instruments=("cello",))
    assert merged([named], Facts(sung=False)).text == "An intimate, warm, folk instrumental, with cello."


@pytest.mark.parametrize("answers", [[], [Answer()], [Answer(mood=("warm",))], [Answer(instruments=("drums",))]])
def test_too_little_makes_no_caption(answers):
    assert merged(answers, Facts()) is None


def test_what_is_wrong_or_names_someone_is_dropped_and_counted():
    tally = Tally()
    answer = checked(
        Answer(
            genre=("folk", "silver lanterns"),
            instruments=("guitar", "an instrumental"),
            vocals="none",
            description=(
                "It moves at 160 BPM in C major.", "It races at 140 BPM.", "It could be by Silver Lanterns.",
                "A purely instrumental piece.", "A guitar plays.",
            ),
        ),
        FACTS,
        "Silver Lanterns",
        tally,
    )  # fmt: skip
    assert answer == Answer(
        genre=("folk",), instruments=("guitar",), description=("It moves at 80 BPM in A minor.", "A guitar plays.")
    )
    assert tally == Tally(corrected=1, dropped={"name": 2, "voice": 3, "tempo": 1})
