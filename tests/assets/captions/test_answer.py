import pytest

from assets.captions.answer import Answer, read_answer

LABELLED = """Genre: Folk, Americana
Mood: Warm and nostalgic
Instruments: acoustic guitar, a double bass, and brushed drums
Vocals: A soft female voice
Tempo: Slow, with a gentle sway
Production: Clean and intimate
Description: A fingerpicked guitar carries the song. Brushed drums come in later."""
READ = Answer(
    genre=("folk", "americana"),
    mood=("warm", "nostalgic"),
    instruments=("acoustic guitar", "double bass", "brushed drums"),
    vocals="A soft female voice",
    tempo="Slow, with a gentle sway",
    production="Clean and intimate",
    description=("A fingerpicked guitar carries the song.", "Brushed drums come in later."),
)


def test_labelled_lines_are_read():
    assert read_answer(LABELLED) == READ


@pytest.mark.parametrize(
    "dressed",
    [
        "\n".join(f"- **{line.replace(':', ':**', 1)}" for line in LABELLED.splitlines()),
        "\n".join(f"{i}. **{line.replace(':', '**:', 1)}" for i, line in enumerate(LABELLED.splitlines(), 1)),
        "\n\n".join(f"## {line.replace(': ', chr(10), 1)}" for line in LABELLED.splitlines()),
        "Sure! Here is what I hear:\n\n" + LABELLED.upper().replace(LABELLED.upper(), LABELLED),
        LABELLED.replace("\n", ". ").replace("..", "."),
        "\n".join(reversed(LABELLED.splitlines())),
    ],
    ids=["bullets", "numbers", "headings", "a preface", "one line", "another order"],
)
def test_however_it_is_dressed(dressed):
    assert read_answer(dressed) == READ


def test_text_without_labels_is_a_description():
    assert read_answer("A fingerpicked guitar carries the song. It is slow.") == Answer(
        description=("A fingerpicked guitar carries the song.", "It is slow.")
    )


def test_a_missing_label_leaves_nothing_behind():
    answer = read_answer("Mood: tense\nGenre: n/a\nVocals: none")
    assert answer == Answer(mood=("tense",), vocals="none")


def test_a_paragraph_after_the_labels_is_a_description():
    answer = read_answer("Genre: jazz\nTempo: fast\n\nA trio plays a fast blues. The piano leads.")
    assert answer.description == ("A trio plays a fast blues.", "The piano leads.")
    assert answer.tempo == "fast"


def test_half_a_sentence_at_the_end_is_dropped():
    assert read_answer("Description: A trio plays. The piano leads into a").description == ("A trio plays.",)


def test_a_list_may_be_a_sentence():
    answer = read_answer(
        "Genre: The genre is hip-hop.\nInstruments: The instruments include 808 drums and a synth pad."
    )
    assert (answer.genre, answer.instruments) == (("hip-hop",), ("808 drums", "synth pad"))


def test_nothing_can_be_read_of_nothing():
    assert read_answer("") == read_answer("Genre:\nMood: -") == Answer()
