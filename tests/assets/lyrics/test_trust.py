import numpy as np
import pytest

from assets.lyrics.align import PlacedLine, PlacedWord
from assets.lyrics.trust import FEATURES, evidence_of, features_of, fitted, match_of, trusts_of

SINGING = [(10.0, 14.0)]


def line(*words, confidence=0.5):
    return PlacedLine("x", tuple(PlacedWord("x", start_s, end_s, confidence) for start_s, end_s in words))


def features(*lines, apart_s=None, agreement=1.0, agreed=None):
    words = sum(len(line.words) for line in lines)
    apart_s = np.zeros(words) if apart_s is None else np.array(apart_s)
    return features_of(lines, SINGING, apart_s, agreement, agreed)


def test_evidence_is_there_for_each_word_and_for_its_line():
    first, second = line((10.0, 11.0), (11.0, 12.0)), line((20.0, 20.01), confidence=0.1)
    found = features(first, second, apart_s=[0.0, 0.05, 9.0], agreement=0.8, agreed=np.array([1, 1, 0]))
    by_name = dict(zip(FEATURES, found.T, strict=True))
    assert by_name["confidence"] == pytest.approx(np.log([0.5, 0.5, 0.1]))
    assert by_name["line_confidence"] == pytest.approx(np.log([0.5, 0.5, 0.1]))
    assert by_name["apart"] == pytest.approx(np.log1p([0.0, 1.0, 40.0]))
    assert by_name["line_apart"] == pytest.approx([np.log(2) / 2, np.log(2) / 2, np.log(41)])
    assert by_name["outside"].tolist() == [0, 0, 1]
    assert by_name["odd_length"].tolist() == [0, 0, 1]
    assert by_name["agreement"].tolist() == [0.8] * 3
    assert by_name["agreed"].tolist() == [1, 1, 0]


@pytest.mark.parametrize("origin", ["given", "transcribed"])
def test_what_speaks_against_a_word_lowers_its_trust(origin):
    (sound,) = trusts_of(features(line((10.0, 11.0))), origin)
    (torn,) = trusts_of(features(line((10.0, 11.0)), apart_s=[1.0]), origin)
    (faint,) = trusts_of(features(line((10.0, 11.0), confidence=0.01)), origin)
    assert 0.5 < sound < 1
    assert max(torn, faint) < sound


def test_a_word_that_only_one_take_has_is_trusted_less():
    both, one = trusts_of(features(line((10.0, 11.0), (11.0, 12.0)), agreed=np.array([1, 0])), "transcribed")
    assert one < both


def test_lyrics_that_are_heard_and_found_are_the_track_s_and_others_are_not():
    assert match_of(0.9, 1.0) > 0.9
    assert match_of(0.5, 0.1) < 0.1
    assert match_of(None, 1.0) > 0.5 > match_of(None, 0.4)


def test_weights_fitted_to_other_evidence_are_not_used(tmp_path, monkeypatch):
    from assets.lyrics import trust

    other = tmp_path / "trust.json"
    other.write_text('{"features": ["confidence"]}')
    monkeypatch.setattr(trust, "WEIGHTS", other)
    fitted.cache_clear()
    with pytest.raises(ValueError, match=r"run bench/trust\.py"):
        fitted()
    fitted.cache_clear()


def test_the_evidence_in_figures_is_of_all_words():
    lines = [line((10.0, 12.0), (12.0, 14.0), confidence=0.6), line((20.0, 20.01), confidence=0.3)]
    found = evidence_of(features(*lines, apart_s=[0.0, 0.5, 0.1]), lines, SINGING, 0.9)
    assert found.confidence == pytest.approx(0.5)
    assert [found.inside_singing, found.plausible_lengths, found.same_place] == pytest.approx([2 / 3] * 3)
    assert (found.covered_singing, found.agreement, found.takes_agree) == (1.0, 0.9, None)
