import numpy as np

from resources.captioners import MEASURED, Caption, Facts


def test_facts_are_unknown_until_they_are_measured():
    facts = Facts()
    assert (facts.sung, facts.tempo_bpm, facts.key, facts.sound) == (None, None, None, ())


def test_the_spec_of_the_measured_captioner_is_plain_json():
    assert MEASURED.as_json() == {
        "name": "measured-1", "package": "melisma", "weights_sha256": "", "parameters": {}, "revision": "",
    }  # fmt: skip


def test_any_object_that_writes_captions_is_a_captioner():
    class Loudest:
        def caption(self, audio, rate_hz, facts):
            return Caption(f"Peaks at {np.abs(audio).max():.1f}.", "loud", ())

    assert Loudest().caption(np.array([0.5], np.float32), 22050, Facts()).text == "Peaks at 0.5."
