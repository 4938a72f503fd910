import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.captions.answer import Answer
from assets.captions.faults import Fault, is_loop, judged

GOOD = [
    "Genre: folk\nMood: warm\nDescription: A fingerpicked guitar carries the song, and a soft voice sings over it.",
    "Genre: bossa nova, samba\nMood: saudade, relaxed\nInstruments: nylon guitar, cavaquinho, agogô",
    "Genre: schlager\nVocals: a man sings in German\nDescription: The chorus comes with brass.",
    "This is a slow blues with a slide guitar. The slide guitar is loud. The singer cannot be heard well.",
    "Genre: K-pop\nDescription: Layers of synths, layers of voices, and a beat that goes boom, boom, boom.",
    "Mood: dark",
]


@pytest.mark.parametrize("text", GOOD)
def test_a_good_answer_has_no_fault(text):
    assert isinstance(judged(text), Answer)


@pytest.mark.parametrize("text", ["", "  \n", "...", "1. 2. 3."])
def test_an_answer_without_words_is_empty(text):
    assert judged(text) == Fault.EMPTY


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't assist with that.",
        "As an AI language model, I do not have ears.",
        "I cannot listen to audio files. Genre: unknown",
        "I am unable to process this recording.",
        "No audio was provided. Please upload a file.",
        "Genre: rock\nDescription: I don’t have the ability to hear the vocals.",
    ],
)
def test_a_refusal_is_told_from_an_answer(text):
    assert judged(text) == Fault.REFUSAL


@pytest.mark.parametrize(
    "text",
    [
        "Genre: pop, pop, pop, pop, pop",
        "Instruments: guitar, drums, bass, guitar, drums, bass, guitar, drums, bass, guitar, drums, bass",
        "Description: " + "The drums are loud and the guitar is soft. " * 5,
        "The song is upbeat and fast. It is happy. " * 3,
    ],
)
def test_an_answer_that_goes_round_in_circles_is_a_loop(text):
    assert judged(text) == Fault.LOOP


@pytest.mark.parametrize(
    "text",
    [
        "流行音乐，节奏明快，女声演唱。",
        "Genre: 民谣\nMood: 温暖\nDescription: 一首缓慢的民谣。",
        "Медленная баллада с гитарой и тихим голосом.",
        "La canción es una balada lenta con guitarra y una voz suave.",
        "Une ballade lente avec une guitare et une voix douce dans le refrain.",
        "Eine langsame Ballade mit einer Gitarre und einer weichen Stimme.",
        "Una ballata lenta con una chitarra e il canto di una voce morbida.",
        "Uma balada lenta com violão e uma voz suave em primeiro plano.",
        "Een langzame ballade met een gitaar en het geluid van een zachte stem.",
    ],
)
def test_an_answer_in_another_language_is_foreign(text):
    assert judged(text) == Fault.FOREIGN


@pytest.mark.parametrize("text", ["Tempo: fast", "Rock!", "Answer: x"])
def test_an_answer_that_says_nothing_of_the_music_is_unparsable(text):
    assert judged(text) == Fault.UNPARSABLE


words = st.lists(st.sampled_from("abc"), max_size=24)


@given(words)
def test_a_loop_is_four_times_the_same_phrase_somewhere(words):
    def looped(length):
        return any(
            words[at : at + 4 * length] == 4 * words[at : at + length] for at in range(len(words) - 4 * length + 1)
        )

    assert is_loop(words) == any(looped(length) for length in range(1, 7))


@given(st.text(max_size=300))
def test_any_text_at_all_is_judged(text):
    assert isinstance(judged(text), Answer | Fault)
