"""wav2vec2, HuBERT and MMS of two layers with random weights, saved as real ones are and loaded back."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from transformers import HubertForCTC, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC

from assets.lyrics.place import listened, place_given
from assets.lyrics.settings import LyricsSettings
from assets.lyrics.text import spell, sung_lines
from resources.acoustics import RATE_HZ
from resources.wav2vec2 import Wav2Vec2, symbols_of, windows_of
from resources.weights import WeightsError

ENGLISH = {"<pad>": 0, "<s>": 1, "</s>": 2, "<unk>": 3, "|": 4} | {
    letter: i for i, letter in enumerate("ETAONIHSRDLUMWCFGYPBVK'XJQZ", 5)
}
LETTERS = [0, *range(4, 32)]  # its columns that write something, and the blank
WINDOW_S, CONTEXT_S = 4.0, 1.0

Save = Callable[..., Path]


@pytest.fixture(scope="module")
def base(save_ctc: Save) -> Path:
    """Normalises over time, as base models do."""
    return save_ctc(feat_extract_norm="group")


def noise(seconds: float) -> np.ndarray:
    """That swells and fades."""
    random, samples = np.random.default_rng(0), round(seconds * RATE_HZ)
    level = np.repeat(random.uniform(0.01, 0.3, samples // 1600 + 1), 1600)[:samples]
    return (random.standard_normal(samples) * level).astype(np.float32)


def plain(folder: Path, audio: np.ndarray, network: type = Wav2Vec2ForCTC) -> np.ndarray:
    """As the model's own example does it: one track, one forward pass."""
    values = Wav2Vec2FeatureExtractor.from_pretrained(folder)(audio, sampling_rate=RATE_HZ, return_tensors="pt")
    with torch.inference_mode():
        logits = network.from_pretrained(folder).eval()(values.input_values).logits[0]  # type: ignore[attr-defined]
    heard: np.ndarray = logits[:, LETTERS].log_softmax(-1).numpy()
    return heard


@pytest.mark.parametrize(
    ("network", "norm"), [(Wav2Vec2ForCTC, "group"), (Wav2Vec2ForCTC, "layer"), (HubertForCTC, "group")]
)
def test_a_short_track_is_heard_as_by_the_plain_model(save_ctc: Save, network: type, norm: str) -> None:
    folder, audio = save_ctc(network, feat_extract_norm=norm), noise(3.0)
    ours, theirs = Wav2Vec2(folder, 1, window_s=WINDOW_S).log_probs(audio), plain(folder, audio, network)
    np.testing.assert_allclose(ours[: len(theirs)], theirs, atol=1e-4)


def test_every_window_is_heard_alone_as_in_a_batch(base: Path) -> None:
    audio = noise(21.3)
    alone, batched = (
        Wav2Vec2(base, 1, batch=batch, window_s=WINDOW_S, context_s=CONTEXT_S).log_probs(audio) for batch in (1, 4)
    )
    np.testing.assert_allclose(batched, alone, atol=1e-4)


def test_each_frame_is_that_of_the_window_it_lies_deep_inside(base: Path) -> None:
    """Against each window by itself: 449 frames are heard in four windows of 188, of which two times 50 are context."""
    model, audio = Wav2Vec2(base, 1, window_s=WINDOW_S, context_s=CONTEXT_S), noise(9.0)
    heard = model.log_probs(audio)
    model.normalized = False
    level = (audio - audio.mean()) / np.sqrt(audio.var() + 1e-7)
    windows = {
        start: model.log_probs(level[start * 320 : start * 320 + 187 * 320 + 400]) for start in (0, 88, 176, 261)
    }
    kept = [windows[0][:138], windows[88][50:138], windows[176][50:138], windows[261][53:188]]
    np.testing.assert_allclose(heard[:449], np.concatenate(kept), atol=1e-4)


def test_nothing_jumps_at_a_seam(base: Path) -> None:
    heard = Wav2Vec2(base, 1, window_s=WINDOW_S, context_s=CONTEXT_S).log_probs(noise(41.0))
    steps = np.abs(np.diff(heard, axis=0)).mean(axis=1)
    starts, window = windows_of(len(heard) - 1, 200, 50)
    seams = steps[[start + window - 50 - 1 for start in starts[:-1]]]
    assert len(seams) > 10
    assert np.median(seams) < 1.1 * np.median(steps)
    assert seams.max() <= np.quantile(steps, 0.999)


@given(st.integers(1, 20_000), st.integers(20, 1500), st.integers(0, 9))
def test_windows_are_full_and_every_frame_is_a_context_away_from_their_ends(
    frames: int, longest: int, context: int
) -> None:
    starts, window = windows_of(frames, longest, context)
    assert starts[0] == 0
    assert starts[-1] + window == frames
    assert window <= longest
    assert all(0 < b - a <= window - 2 * context for a, b in pairwise(starts))


@pytest.mark.parametrize("samples", [0, 1, 320, 399, 400, 401, 720, 5000, 64_000, 64_079, 64_080, 64_081])
def test_audio_may_have_any_length(base: Path, samples: int) -> None:
    model = Wav2Vec2(base, 1, window_s=WINDOW_S, context_s=CONTEXT_S)
    heard = model.log_probs(noise(5.0)[:samples])
    assert heard.shape == (-(-samples // 320), len(model.symbols))
    np.testing.assert_allclose(np.exp(heard).sum(axis=1), 1, atol=1e-4)


def test_symbols_are_the_blank_then_lower_case_letters_and_the_space(base: Path) -> None:
    symbols = Wav2Vec2(base, 1).symbols
    assert symbols[:4] == ("_", " ", "e", "t")
    assert sorted(symbols[2:]) == sorted("abcdefghijklmnopqrstuvwxyz'")
    assert [symbols[i] for i in spell("Don't", symbols)] == list("don't")


def test_letters_that_differ_in_case_only_are_one_symbol() -> None:
    symbols, columns, merged = symbols_of(
        {"a": 0, "A": 1, "b": 2, "[PAD]": 3, "[UNK]": 4, " ": 5}, blank=3, gap=" ", width=6
    )
    assert symbols == ("_", "a", "b", " ")
    assert columns == [3, 0, 2, 5]
    assert merged == [(1, [0, 1])]


def test_their_probabilities_are_added(save_ctc: Save) -> None:
    two_cases = {"<pad>": 0, "|": 1, "a": 2, "A": 3} | {chr(i): i for i in range(4, 32)}
    apart = Wav2Vec2(save_ctc(vocabulary=two_cases | {"A": 32}), 1)  # beyond the head: the model does not know it
    together = Wav2Vec2(save_ctc(vocabulary=two_cases), 1)
    audio = noise(1.0)
    a = together.symbols.index("a")
    assert (together.log_probs(audio)[:, a] > apart.log_probs(audio)[:, a]).all()
    np.testing.assert_allclose(np.exp(together.log_probs(audio)).sum(axis=1), 1, atol=1e-4)


@pytest.fixture(scope="module")
def many(save_ctc: Save) -> Path:
    """As MMS: an adapter and letters for each language."""
    english = {"<pad>": 0, "|": 1, "e": 2, "t": 3}
    german = {"<pad>": 0, "|": 1, "e": 2, "ß": 3, "ü": 4}
    folder = save_ctc(vocabulary={"eng": english, "deu": german}, adapter_attn_dim=8, feat_extract_norm="layer")
    for language, letters in (("eng", english), ("deu", german)):
        model = Wav2Vec2ForCTC.from_pretrained(folder)
        model.lm_head = torch.nn.Linear(32, len(letters))
        weights = {name: torch.randn_like(weight) for name, weight in model._get_adapters().items()}
        save_file(weights, folder / f"adapter.{language}.safetensors")
    return folder


def test_a_model_of_many_languages_takes_the_adapter_and_the_letters_of_one(many: Path) -> None:
    german, english = Wav2Vec2(many, 1, language="deu"), Wav2Vec2(many, 1)
    assert german.symbols == ("_", " ", "e", "ss", "ü")
    assert english.symbols == ("_", " ", "e", "t")
    audio = noise(1.0)
    assert german.log_probs(audio).shape == (50, 5)
    assert not np.allclose(german.log_probs(audio)[:, :3], english.log_probs(audio)[:, :3])


def test_a_language_that_is_not_there_is_refused_with_those_that_are(many: Path, base: Path) -> None:
    with pytest.raises(WeightsError, match="no language 'fra'; there is deu, eng"):
        Wav2Vec2(many, 1, language="fra")
    with pytest.raises(WeightsError, match="a single language: leave `language` empty"):
        Wav2Vec2(base, 1, language="eng")


def test_an_adapter_that_is_not_there_is_one_sentence(many: Path, tmp_path: Path) -> None:
    for file in many.iterdir():
        if file.name != "adapter.deu.safetensors":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    with pytest.raises(WeightsError, match=r"no adapter.deu.safetensors that fits"):
        Wav2Vec2(tmp_path, 1, language="deu")


def test_a_pickle_is_not_loaded(base: Path, tmp_path: Path) -> None:
    for file in base.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    model = Wav2Vec2ForCTC.from_pretrained(base)
    (tmp_path / "model.safetensors").unlink()
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    with pytest.raises(WeightsError, match="cannot be loaded as a CTC model of transformers"):
        Wav2Vec2(tmp_path, 1)


def test_a_model_that_was_not_trained_to_write_is_refused(base: Path, save_ctc: Save) -> None:
    folder = save_ctc()
    Wav2Vec2ForCTC.from_pretrained(folder).wav2vec2.save_pretrained(folder)
    with pytest.raises(WeightsError, match=r"lacks lm_head.*: it was not trained to write letters"):
        Wav2Vec2(folder, 1)


def test_a_model_with_other_frames_is_refused(save_ctc: Save) -> None:
    folder = save_ctc(conv_stride=(5, 2, 2, 2, 2, 2, 1))
    with pytest.raises(WeightsError, match="does not hear 400 of every 320 samples"):
        Wav2Vec2(folder, 1)


def test_given_lyrics_are_placed_with_it_by_the_same_code(base: Path) -> None:
    audio, singing = noise(12.0), [(1.0, 11.0)]
    model = Wav2Vec2(base, 1, window_s=WINDOW_S, context_s=CONTEXT_S)
    settings = LyricsSettings(unsung_nats=100)  # random weights hear nothing of them
    heard = listened(settings, model, *[model.log_probs(audio)] * 2, singing)
    lines = sung_lines([("Show me the memory", None), ("and the chain", None)])
    placing = place_given(lines, heard, singing, 12.0, "en", settings)
    words = [word for line in placing.lines for word in line.words]
    assert [word.text for word in words] == ["Show", "me", "the", "memory", "and", "the", "chain"]
    assert all(0.0 <= word.start_s < word.end_s <= 12.0 for word in words)
    assert all(a.start_s < b.start_s for a, b in pairwise(words))
    assert all(word.confidence > 0 for word in words)
