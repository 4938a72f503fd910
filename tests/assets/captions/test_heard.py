import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from assets.captions.heard import hear, prompt
from resources.captioners import Facts

GOOD = "Genre: folk\nMood: warm\nDescription: A guitar carries the song at 160 BPM. It could be by Silver Lanterns."
WINDOWS = [np.full(16_000, level, np.float32) for level in (0.1, 0.2, 0.3)]


class Scripted:
    """Answers as written down: first[i] to the i-th window, second[i] where a seed is given."""

    def __init__(self, first, second=()):
        self.first, self.second, self.asked = first, second, []

    def listen(self, windows, prompt, seed=None):
        which = [round(10 * float(window[0])) - 1 for window in windows]
        self.asked.append((which, seed))
        return [(self.first if seed is None else self.second)[i] for i in which]


def test_good_answers_are_asked_for_once():
    listener = Scripted([GOOD] * 3)
    heard = hear(listener, WINDOWS, Facts(sung=True, tempo_bpm=80.0), "Silver Lanterns")
    assert listener.asked == [([0, 1, 2], None)]
    assert heard.caption.text == "A guitar carries the song at 80 BPM."
    assert heard.evidence == {
        "answers": 3, "retried": 0, "faults": {}, "corrected": 3, "dropped": {"name": 3},
    }  # fmt: skip


def test_only_faulty_answers_are_asked_for_again_once_and_with_a_seed():
    listener = Scripted(["", GOOD, "I'm sorry, I can't help."], [GOOD, None, "la la la la la la"])
    heard = hear(listener, WINDOWS, Facts(), None)
    assert listener.asked == [([0, 1, 2], None), ([0, 2], 1)]
    assert heard.evidence["faults"] == {"empty": 1, "loop": 1, "refusal": 1}
    assert (heard.evidence["answers"], heard.evidence["retried"]) == (2, 2)


def test_where_nothing_usable_is_answered_there_is_no_caption():
    heard = hear(Scripted([""] * 3, ["你好，这是一首歌。"] * 3), WINDOWS, Facts(), None)
    assert heard.caption is None
    assert heard.evidence["faults"] == {"empty": 3, "foreign": 3}


said = st.lists(
    st.sampled_from(
        [
            "A guitar plays.", "It moves at 160 BPM.", "It is at 140 bpm.", "One hundred beats per minute drive it.",
            "It is in G major.", "A C# minor chord rings.", "It could be silver lanterns.", "In the style of Adele.",
            "A purely instrumental piece.", "A woman sings.", "Tempo: fast, 120-130 BPM\n", "Vocals: none\n",
            "Genre: silver lanterns, pop, instrumental\n", "Mood: calm\n",
            "Production: by Silver Lanterns at 99 BPM\n", "Instruments: piano at 99 BPM, vocals\n", "**Description:** ",
            "", "対",
        ]
    ),
    max_size=8,
).map(" ".join)  # fmt: skip


@given(said, said, said, st.sampled_from([None, 80.0]), st.sampled_from([None, True, False]))
def test_whatever_is_answered_no_caption_contradicts_the_facts_or_names_the_artist(a, b, c, tempo_bpm, sung):
    facts = Facts(sung=sung, tempo_bpm=tempo_bpm, pace="slow" if tempo_bpm else None, key="E minor")
    caption = hear(Scripted([a, b, c], [c, a, b]), WINDOWS, facts, "Silver Lanterns").caption
    for text in (caption.text, caption.short, *caption.tags) if caption else ():
        assert {float(bpm) for bpm in re.findall(r"(\d+)\s*(?:bpm|beats)", text.lower())} <= {tempo_bpm}
        assert "silver" not in text.lower() and "adele" not in text.lower()
        assert set(re.findall(r"[A-G][b#]? (?:major|minor)", text)) <= {"E minor"}
        assert not (sung is True and re.search(r"purely instrumental|^instrumental", text))
        assert not (sung is False and re.search(r"sings|vocals", text))


def test_the_prompt_asks_for_all_that_is_read_and_for_no_lyrics_and_no_names():
    for label in ("Genre", "Mood", "Instruments", "Vocals", "Tempo", "Production", "Description"):
        assert f"\n{label}: " in prompt()
    assert "English" in prompt()
    assert "Do not quote or retell lyrics" in prompt()
