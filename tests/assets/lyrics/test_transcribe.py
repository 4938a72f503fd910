import numpy as np
import pytest

from assets.lyrics.settings import LyricsSettings
from assets.lyrics.transcribe import hear, invented, most_sung, overlap_s
from resources.transcribers import Segment, Transcript

SINGING = [(10.0, 20.0)]


def said(text, start_s=11.0, end_s=15.0, no_speech=0.1, log_probability=-0.4, compression=1.2):
    return Segment(text, start_s, end_s, no_speech, log_probability, compression)


@pytest.mark.parametrize(
    ("segment", "why"),
    [
        (said("hold on to the sand"), None),
        (said("la la la la la la la la"), None),
        (said("thank you", no_speech=0.2), None),
        (said("hold on to the sand", start_s=30.0, end_s=34.0), "no_singing"),
        (said("Thanks for watching!"), "stock_phrase"),
        (said("Please subscribe to my channel"), "stock_phrase"),
        (said("you", no_speech=0.8), "stock_phrase"),
        (said("♪♪"), "no_words"),
        (said("[Music]"), "no_words"),
        (said("(upbeat music playing)"), "no_words"),
        (said("I'm going " * 12, end_s=19.0), "loop"),
        (said("oh " * 30, end_s=19.0, compression=9.0), "loop"),
        (said("we were dreaming in the rain and the chain", end_s=11.6), "too_fast"),
        (said("hold on to the sand", log_probability=-1.5), "unlikely"),
    ],
)
def test_what_nobody_can_have_sung_is_told_from_what_somebody_may_have(segment, why):
    assert invented(segment, SINGING, LyricsSettings()) == why


class Script:
    """A transcriber that says what it was told to."""

    def __init__(self, *segments):
        self.segments = segments

    def transcribe(self, audio, cuts, language=None, overhear=None):
        return Transcript("en", 0.9, self.segments)


def test_lines_are_kept_cut_by_cut_and_what_was_dropped_is_counted():
    cuts, singing = [(9.0, 21.0), (39.0, 51.0)], [(10.0, 20.0), (40.0, 50.0)]
    script = Script(said("we run"), said("Thanks for watching"), said("oh the night", start_s=41.0, end_s=45.0))
    heard = hear(script, np.zeros(16), cuts, singing, LyricsSettings())
    found = [(passage.start_s, [line.text for line in passage.lines]) for passage in heard.passages]
    assert found == [(9.0, ["we run"]), (39.0, ["oh the night"])]
    assert heard.dropped == {"stock_phrase": 1}


def test_the_cuts_with_the_most_singing_are_taken_in_their_order():
    cuts, singing = [(0.0, 30.0), (30.0, 50.0), (50.0, 60.0)], [(0.0, 5.0), (32.0, 45.0), (50.0, 60.0)]
    assert most_sung(cuts, singing, 2) == [(30.0, 50.0), (50.0, 60.0)]
    assert most_sung(cuts, singing, 9) == cuts
    assert overlap_s((0.0, 40.0), [(0.0, 5.0), (32.0, 45.0)]) == 13.0
