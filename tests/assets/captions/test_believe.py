from assets.captions.answer import Answer
from assets.captions.believe import Tally, believed
from resources.captioners import Facts

FACTS = Facts(genre="pop", sung=True, register="low", tempo_bpm=80.2, pace="slow", key="A minor", sound=("dark",))


def test_what_is_wrong_or_names_someone_is_dropped_and_counted():
    tally = Tally()
    answer = believed(
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


def test_a_tempo_that_contradicts_the_pace_is_dropped():
    tally = Tally()
    assert believed(Answer(tempo="Fast and driving"), FACTS, None, tally).tempo == ""
    assert believed(Answer(tempo="Slow, 160 BPM"), FACTS, None, tally).tempo == "slow, 80 BPM"
    assert tally == Tally(corrected=1, dropped={"tempo": 1})
