import re

import numpy as np
import pytest

from resources.ffmpeg import decode
from resources.models import LocalModel
from resources.transcribers import RATE_HZ, WHISPER_BASE, FasterWhisper, open_transcriber
from resources.weights import whisper_base


@pytest.fixture(scope="module")
def whisper():
    return open_transcriber(LocalModel(WHISPER_BASE), threads=1)


@pytest.fixture(scope="module")
def pop(demo_songs):
    song = demo_songs["pop"]
    audio = np.concatenate([block[:, 0] for block in decode(song["path"], RATE_HZ, 1)])
    return song, audio


def words_of(text):
    return re.findall(r"[a-z']+", text.lower())


def test_whisper_writes_down_what_is_sung_inside_each_cut_and_tells_the_language(whisper, pop):
    song, audio = pop
    middle_s = song["lines"][len(song["lines"]) // 2]["start"] - 0.1
    cuts = [(max(0.0, middle_s - 20.0), middle_s), (middle_s, min(song["duration"], middle_s + 20.0))]
    heard = whisper.transcribe(audio, cuts)
    assert heard.language == "en" and heard.language_probability > 0.5
    assert all(any(a <= s.start_s <= s.end_s <= b for a, b in cuts) for s in heard.segments)
    sung = {word["w"].lower() for word in song["words"]}
    found = [word for segment in heard.segments for word in words_of(segment.text)]
    assert sum(word in sung for word in found) > 0.6 * len(found)
    assert len(found) > 0.6 * len(song["words"])


def test_whisper_says_the_same_of_the_same_audio(whisper, pop):
    _, audio = pop
    first, again = (whisper.transcribe(audio, [(5.0, 15.0)], language="en") for _ in range(2))
    assert first == again
    assert first.language == "en"


def test_cuts_that_are_heard_at_once_say_what_each_says_alone(whisper, demo_songs):
    """In this song a pass over the first cut leaves half of its words to a second one."""
    audio = np.concatenate(list(decode(demo_songs["quiet"]["path"], RATE_HZ, 1)))[:, 0]
    cuts = [(0.0, 29.0), (29.0, len(audio) / RATE_HZ)]
    at_once = FasterWhisper(whisper_base(), 1, compute_type="int8", beam_size=5, batch=2)
    assert at_once.transcribe(audio, cuts) == whisper.transcribe(audio, cuts)


@pytest.mark.parametrize("cuts", [[], [(0.0, 31.0)], [(5.0, 5.0)]])
def test_whisper_refuses_cuts_it_cannot_hear_whole(whisper, cuts):
    with pytest.raises(ValueError, match="a cut is from 0 to 30 s"):
        whisper.transcribe(np.zeros(RATE_HZ, np.float32), cuts)
