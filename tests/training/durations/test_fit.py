"""How the network of line durations learns, and what it learns from."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from training.durations.baselines import by_syllables, syllable_s_of
from training.durations.fit import TimedSong, fit, hidden, load, save, timed_song_of
from training.durations.network import hear
from training.durations.parts import lengths_of
from training.request import AskedLine, Request
from training.settings import DurationSettings

QUICK = DurationSettings(
    width=32, layers=2, heads=2, sways=1, prompt_words=64, epochs=12, batch=8, rate=4e-3, dropout=0.0
)
TEXTS = ("oh", "hold on", "beautiful stranger", "carry me over the river")
SYLLABLES = (1, 2, 5, 7)


def sung(seed: int, lines: int = 6) -> TimedSong:
    """A song in which a syllable of a verse takes 0.2 s, and one of a chorus 0.5 s."""
    random = np.random.default_rng(seed)
    sections = ("Verse", "Chorus")
    at_s, sung_lines = 2.0, []
    for i in range(lines):
        which, section = int(random.integers(4)), sections[(i // 2 + seed) % 2]
        length_s = SYLLABLES[which] * {"Verse": 0.2, "Chorus": 0.5}[section]
        sung_lines.append(AskedLine(TEXTS[which], at_s, at_s + length_s, section))
        at_s += length_s + 1.0
    return TimedSong(Request(at_s + 1, "slow", tuple(sung_lines), "en"), 100.0)


SONGS = [sung(seed) for seed in range(64)]


def freed(request: Request) -> Request:
    return replace(request, lines=tuple(replace(line, start_s=None, end_s=None) for line in request.lines))


def missed_s(timed: Request, truth: Request) -> float:
    """Mean error of lengths."""
    lengths = [[(line.end_s or 0) - (line.start_s or 0) for line in request.lines] for request in (timed, truth)]
    return float(np.abs(np.subtract(*lengths)).mean())


def test_it_learns_what_the_baseline_cannot_know():
    losses: list[float] = []
    model = fit(SONGS, QUICK, lambda epoch, loss: losses.append(loss))
    songs = [sung(seed).request for seed in range(1000, 1020)]
    pace_s = syllable_s_of([song.request for song in SONGS])
    ours = np.mean([missed_s(model.mean(freed(song)), song) for song in songs])
    baseline = np.mean([missed_s(by_syllables(freed(song), pace_s), song) for song in songs])
    assert len(losses) == QUICK.epochs
    assert losses[-1] < losses[0]
    assert ours < 0.5 * baseline


def test_the_same_songs_and_seed_make_the_same_network_whatever_was_drawn_before():
    settings = QUICK.model_copy(update={"epochs": 1, "dropout": 0.1})
    torch.manual_seed(5)
    one = fit(SONGS, settings).state_dict()
    other = fit(SONGS, settings).state_dict()
    third = fit(SONGS, settings.model_copy(update={"seed": 2})).state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert not all(torch.equal(one[name], third[name]) for name in one)


def test_a_network_that_is_saved_and_loaded_says_the_same(tmp_path: Path):
    model = fit(SONGS[:8], QUICK.model_copy(update={"epochs": 1}))
    save(model, tmp_path / "durations.safetensors")
    again = load(tmp_path / "durations.safetensors")
    assert again.settings == model.settings
    assert again.mean(freed(SONGS[0].request)) == model.mean(freed(SONGS[0].request))
    assert [path.name for path in tmp_path.iterdir()] == ["durations.safetensors"]


def test_a_file_of_something_else_is_named(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"no weights at all")
    save_file({"x": torch.zeros(1)}, tmp_path / "b")
    save_file({"x": torch.zeros(1)}, tmp_path / "c", {"durations": json.dumps({"width": 16})})
    save_file({"x": torch.zeros(1)}, tmp_path / "d", {"durations": json.dumps({"depth": 16})})
    for name in "abcd":
        with pytest.raises(ValueError, match=f"{name} holds no network of line durations"):
            load(tmp_path / name)


def test_nothing_can_be_learnt_from_nothing_or_from_lines_without_times():
    with pytest.raises(ValueError, match="no songs"):
        fit([], QUICK)
    with pytest.raises(ValueError, match=r"song 2 cannot be learnt from: a line has no times"):
        fit([SONGS[0], TimedSong(freed(SONGS[1].request))], QUICK)
    with pytest.raises(ValueError, match=r"song 1 cannot be learnt from: line 2 .* before line 1 ends"):
        fit([TimedSong(Request(9.0, lines=(AskedLine("oh", 1.0, 3.0), AskedLine("oh", 2.0, 4.0))))], QUICK)


def test_a_song_is_told_in_part_and_one_line_at_least_is_left_to_say():
    generator = torch.Generator().manual_seed(0)
    told = [hidden(SONGS[0], QUICK.model_copy(update={"pins": 1.0}), generator) for _ in range(400)]
    free = [sum(line.start_s is None for line in one.request.lines) for one in told]
    assert set(free) >= {1, 2, 3, 4, 5, 6}
    assert np.mean([one.tempo_bpm is None for one in told]) == pytest.approx(1 - QUICK.tells_tempo, abs=0.1)
    assert np.mean([one.request.prompt == "" for one in told]) == pytest.approx(1 - QUICK.tells_prompt, abs=0.1)


def row(text: str, start_s: float, end_s: float, whole: bool = True) -> dict[str, Any]:
    return {"text": text, "start_s": start_s, "end_s": end_s, "whole": whole, "confidence": 0.9, "words": []}


def sample(*rows: dict[str, Any]) -> dict[str, Any]:
    lyrics = {"language": "en", "lines": list(rows)}
    return {"duration_s": 30.0, "lyrics": lyrics, "caption": "slow and quiet", "tempo_bpm": 81.5}


def test_a_sample_of_a_shard_is_an_example():
    assert timed_song_of(sample(row("hold on", 1.0, 2.5), row("oh", 4.0, 4.5))) == TimedSong(
        Request(30.0, "slow and quiet", (AskedLine("hold on", 1.0, 2.5), AskedLine("oh", 4.0, 4.5)), "en"), 81.5
    )


def test_a_window_counts_from_the_end_of_a_line_that_it_cuts_to_the_start_of_another():
    example = timed_song_of(
        sample(row("on", 0.0, 1.0, whole=False), row("oh", 4.0, 4.5), row("hold", 28.0, 30.0, whole=False))
    )
    assert example is not None
    assert example.request.duration_s == 27.0
    assert example.request.lines == (AskedLine("oh", 3.0, 3.5),)


def test_where_voices_overlap_a_line_ends_when_the_next_begins():
    example = timed_song_of(sample(row("hold on", 1.0, 5.0), row("oh", 4.0, 4.5)))
    assert example is not None
    assert example.request.lines[0].end_s == 4.0


@pytest.mark.parametrize(
    "rows", [[], [row("on", 0.0, 1.0, whole=False)], [row("—", 1.0, 2.0)], [row("oh", 1.0, 1.01)]],
    ids=["none", "cut", "no words", "too short"],
)  # fmt: skip
def test_a_window_without_a_whole_line_is_no_example(rows: list[dict[str, Any]]):
    assert timed_song_of(sample(*rows)) is None


cuts = st.tuples(
    st.sampled_from(["oh", "hold on", "—"]),
    st.floats(0, 30),
    st.floats(0, 30),
    st.sampled_from([True, True, True, False]),
)


@given(st.lists(cuts, max_size=8), st.integers(0, 1000))
def test_whatever_lines_a_window_holds_they_can_be_learnt_from(cuts: list[tuple[str, float, float, bool]], seed: int):
    example = timed_song_of(sample(*(row(text, min(a, b), max(a, b), whole) for text, a, b, whole in cuts)))
    if example is not None:
        told = hidden(example, QUICK.model_copy(update={"pins": 1.0}), torch.Generator().manual_seed(seed))
        heard = hear([told.request], [told.tempo_bpm], QUICK)
        lengths_s = lengths_of(example.request)
        assert heard.parts.isfinite().all()
        assert all(length_s is not None and length_s >= 0 for length_s in lengths_s)
        assert sum(length_s or 0 for length_s in lengths_s) == pytest.approx(example.request.duration_s)


def test_a_sample_without_caption_or_tempo_is_an_example_without_them():
    plain = sample(row("oh", 1.0, 2.0)) | {"caption": None, "tempo_bpm": None}
    example = timed_song_of(plain)
    assert example is not None
    assert (example.request.prompt, example.tempo_bpm) == ("", None)
