"""Whether the song model learns what it is told: python -m bench.learns --store data --work FOLDER [--steps 1300]

It is overfitted to ten-second windows of a store's shards (`melisma demo` makes some), the densest of each song that
is sung, and then asked for songs from the same noise, with one thing changed that is told. Each line of the table is
what that does, beside what it would be if the model did not listen. Draws FOLDER/learns.png.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor

from assets.shards.counting import shards_that_count
from resources.ledger import Ledger
from resources.stores import FolderStore
from training.codec import LatentSpec, open_codec
from training.data.corpus import Corpus, Sample, open_corpus
from training.data.draws import lines_between
from training.data.latents import codec_name, encode_shard, index_shards
from training.data.order import Position
from training.generate import Singer
from training.guidance import Guidance, State, both
from training.model import new_model
from training.request import AskedLine, Request, Track
from training.run.feed import Feed
from training.run.ranks import Ranks
from training.run.settings import OptimiserSettings, RunSettings
from training.run.trainer import Trainer
from training.settings import (
    CodecSettings,
    ConditionSettings,
    DitSettings,
    ModelSettings,
    ObjectiveSettings,
    SamplerSettings,
)
from training.stages import GivenShares, StageSettings, ToldShares, TrackShares

WINDOW_S, SONG_S = 10.0, 5.0
CODEC = CodecSettings(bands=64, hop=2048)
DIT = DitSettings(channels=CODEC.bands, patch=4)
CONDITIONS = ConditionSettings(layers=1, prompt_tokens=64)  # to read takes longer than to write, for songs so short
STAGE = StageSettings(
    told=ToldShares(both=0.85, prompt=0.05, lyrics=0.05, nothing=0.05),
    line_jitter=0.0,
    untimed=0.0,
    short_prompts=1.0,
    tracks=TrackShares(mix=0.0, vocals=0.5, accompaniment=0.5),
    given=GivenShares(nothing=1.0, beginning=0.0, surroundings=0.0, vocals=0.0, accompaniment=0.0),
)
BATCH = 32
STARTS_S = (0.3, 1.0, 1.7)  # of a line that is asked for at several times
LINE_S = 3.2  # the longest that fits behind all of these
SILENT_DB = 25.0  # below the loudest frame of a voice
SEEDS = (0, 1)
LENGTHS_S = (3.0, 4.0, 5.0)


@dataclass(frozen=True, slots=True)
class Asker:
    """A model and the samples that it learnt from."""

    singer: Singer
    samples: Sequence[Sample]
    guidance: Guidance

    def songs(self, requests: Sequence[Request], seed: int) -> list[Tensor]:
        """Latents n c, all from the same noise."""
        return self.singer.latents(requests, self.guidance, self.singer.noise(requests, seed))

    @property
    def frame_s(self) -> float:
        return self.singer.spec.frame_s


# Line times


@dataclass(frozen=True, slots=True)
class Moved:
    """One line, asked for at two times from one noise."""

    asked_s: float  # by how much later the second time
    heard_s: float  # by how much later the second song has what is sung in the first one's line
    start_s: float  # of the line in the second song
    onset_s: float  # where its voice rises most


def moved(asker: Asker) -> Iterator[Moved]:
    for sample in asker.samples:
        for line in short_lines(sample):
            for seed in SEEDS:
                placed = [placed_at(line, start_s) for start_s in STARTS_S]
                requests = [
                    Request(SONG_S, sample.short_prompt, (each,), sample.language, Track.VOCALS) for each in placed
                ]
                songs = asker.songs(requests, seed)
                sung = frames_of(STARTS_S[0], asker), frames_of(STARTS_S[0] + length_s(line), asker)
                for song, start_s in zip(songs[1:], STARTS_S[1:], strict=True):
                    lag = found_at(songs[0][sung[0] : sung[1]], song) - sung[0]
                    yield Moved(start_s - STARTS_S[0], lag * asker.frame_s, start_s, steepest(song) * asker.frame_s)


def found_at(part: Tensor, song: Tensor) -> int:
    """The frame of a song from which on it is most like a part of another: m c, n c."""
    places = song.unfold(0, len(part), 1)  # n-m+1 c m
    return int((places - part.T).abs().mean(dim=(1, 2)).argmin())


def steepest(song: Tensor) -> int:
    """The frame at which the level rises most, from the third of a second before to the sixth of a second after."""
    level = level_db(song)
    before = np.array([level[max(0, i - 7) : i].mean() if i else level.min() for i in range(len(level) - 3)])
    after = np.array([level[i : i + 4].mean() for i in range(len(level) - 3)])
    return int((after - before).argmax())


def frames_of(seconds: float, asker: Asker) -> int:
    return round(seconds / asker.frame_s)


def times_rows(found: Sequence[Moved]) -> list[str]:
    asked, heard = np.array([m.asked_s for m in found]), np.array([m.heard_s for m in found])
    rises = np.array([m.onset_s - m.start_s for m in found])
    unmoved = np.array([m.onset_s - STARTS_S[0] for m in found])
    return [
        f"what is sung in a line is found {STARTS_S[1] - STARTS_S[0]:.1f} or {STARTS_S[2] - STARTS_S[0]:.1f} s later, "
        f"as the line was asked for, to 0.1 s: {np.mean(np.abs(heard - asked) < 0.1):.0%}; where it was: "
        f"{np.mean(np.abs(heard) < 0.1):.0%} ({len(found)} pairs of songs)",
        f"the steepest rise of the voice is within 0.15 s of where the line is to begin: "
        f"{np.mean(np.abs(rises) < 0.15):.0%}; of where it began in the other song: "
        f"{np.mean(np.abs(unmoved) < 0.15):.0%}",
    ]


# Prompts


def prompts_row(asker: Asker) -> str:
    """Accompaniments of one noise under each song's prompt: is the song of that prompt the nearest in sound?"""
    truths = torch.stack([sample.latents[Track.ACCOMPANIMENT].mean(dim=0) for sample in asker.samples])
    nearest = []
    for seed in SEEDS:
        requests = [Request(SONG_S, sample.short_prompt, (), None, Track.ACCOMPANIMENT) for sample in asker.samples]
        for i, song in enumerate(asker.songs(requests, seed)):
            distances = (truths - song.mean(dim=0)).abs().mean(dim=1)
            nearest.append(int(distances.argmin()) == i)
    return (
        f"of {len(asker.samples)} songs, the one whose prompt was told is the nearest in mean spectrum: "
        f"{np.mean(nearest):.0%} (by chance {1 / len(asker.samples):.0%}; {len(SEEDS)} noises)"
    )


# Length, words


def length_row(asker: Asker) -> str:
    codec = open_codec(CODEC)
    wrong, ends = [], []
    for sample in asker.samples:
        requests = [Request(each, sample.short_prompt, (), None, Track.ACCOMPANIMENT) for each in LENGTHS_S]
        for song, wanted_s in zip(asker.songs(requests, SEEDS[0]), LENGTHS_S, strict=True):
            sound = codec.decode(song[None])[0]
            wrong.append(abs(len(sound) / codec.rate_hz - wanted_s))
            level = level_db(song)
            ends.append(level[-round(0.5 / codec.frame_s) :].mean() - level.mean())
    return (
        f"length asked for and length made, farthest apart: {1000 * max(wrong):.0f} ms (a frame is "
        f"{1000 * codec.frame_s:.0f} ms); level of the last half second beside the whole: {np.median(ends):+.1f} dB"
    )


def words_row(asker: Asker) -> str:
    """Lines whose words are those of another song, each beside the same line from another noise."""
    changed, floor = [], []
    for i, sample in enumerate(asker.samples):
        lines = tuple(lines_between(sample.lines, 0.0, SONG_S))
        other = " ".join(line.text for line in asker.samples[(i + 1) % len(asker.samples)].lines).split()
        if not lines or not other:
            continue
        request = Request(SONG_S, sample.short_prompt, lines, sample.language, Track.VOCALS)
        one, swapped = asker.songs([request, replace(request, lines=reworded(lines, other))], SEEDS[0])
        (again,) = asker.songs([request], SEEDS[1])
        heard = sung(sample.latents[Track.VOCALS][: len(one)])
        changed.append(float((one - swapped)[heard].abs().mean()))
        floor.append(float((one - again)[heard].abs().mean()))
    more = np.mean(np.array(changed) > np.array(floor))
    return (
        f"sung frames change with other words by {np.mean(changed):.2f}, with another noise by {np.mean(floor):.2f} "
        f"(log magnitude): by more in {more:.0%} of {len(changed)} songs"
    )


def reworded(lines: Sequence[AskedLine], words: Sequence[str]) -> tuple[AskedLine, ...]:
    """As many words a line as before."""
    told, taken = [], 0
    for line in lines:
        count = len(line.text.split())
        told.append(replace(line, text=" ".join(words[(taken + k) % len(words)] for k in range(count))))
        taken += count
    return tuple(told)


# What both sides need


def short_lines(sample: Sample) -> list[AskedLine]:
    """The lines of a sample that have room behind all `STARTS_S`."""
    return [line for line in lines_between(sample.lines, 0.0, sample.duration_s) if length_s(line) <= LINE_S]


def length_s(line: AskedLine) -> float:
    assert line.start_s is not None
    assert line.end_s is not None
    return line.end_s - line.start_s


def placed_at(line: AskedLine, start_s: float) -> AskedLine:
    return replace(line, start_s=start_s, end_s=start_s + length_s(line))


def level_db(latents: Tensor) -> NDArray[np.float64]:
    """[n] level of each frame of log magnitudes n c."""
    return 10 * np.log10(np.exp(2 * latents.double().numpy()).sum(axis=1))


def sung(latents: Tensor) -> NDArray[np.bool_]:
    """[n] frames of a true voice in which it is heard."""
    level = level_db(latents)
    return level > level.max() - SILENT_DB


# The run


def samples_of(corpus: Corpus) -> tuple[Corpus, list[Sample]]:
    """The first ten-second window of each song that is sung: as a corpus, and as it reads."""
    ten = np.flatnonzero(np.abs(corpus.frames * corpus.frame_s - WINDOW_S) < 0.1)
    read = {int(index): corpus.read(int(index), tuple(Track)) for index in ten}
    kept = np.array([index for index, sample in read.items() if sample.lines and sample.name.endswith("-1")])
    often = np.tile(kept, -(-BATCH // len(kept)))  # each time it is drawn anew; so an epoch fills a batch
    parts = {name: getattr(corpus, name)[often] for name in ("shard", "offset_bytes", "json_bytes", "frames")}
    return replace(corpus, **parts), [read[int(index)] for index in kept]


def overfitted(corpus: Corpus, model: ModelSettings, steps: int) -> dict[str, Tensor]:
    """The average of a run's weights."""
    settings = RunSettings(
        folder=Path(),
        store="",
        index="",
        stage=STAGE,
        model=model,
        optimiser=OptimiserSettings(learning_rate=2e-3, warm_up=30, ema=0.995),
        frames=BATCH * round(SONG_S / corpus.frame_s),
        crop_s=SONG_S,
        workers=0,
    )
    trainer = Trainer(new_model(model, 0), settings, Ranks())
    spec = LatentSpec.of(open_codec(CODEC))
    feed = Feed(settings, corpus, spec, Ranks(), Position())
    start, losses = time.monotonic(), []
    while trainer.done < steps:
        losses.append(trainer.step(feed.take()).loss)
        if trainer.done % 100 == 0:
            print(
                f"step {trainer.done}: loss {np.mean(losses[-100:]):.3f}, {time.monotonic() - start:.0f} s", flush=True
            )
    return trainer.ema.whole()


def drawn(asker: Asker, path: Path) -> None:
    """A line at three times, and the sound of three prompts."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    sample, line = next((sample, lines[0]) for sample in asker.samples if (lines := short_lines(sample)))
    told = [placed_at(line, start_s) for start_s in STARTS_S]
    voices = asker.songs(
        [Request(SONG_S, sample.short_prompt, (t,), sample.language, Track.VOCALS) for t in told], SEEDS[0]
    )
    prompted = asker.samples[: len(STARTS_S)]
    music = asker.songs([Request(SONG_S, s.short_prompt, (), None, Track.ACCOMPANIMENT) for s in prompted], SEEDS[0])
    figure, axes = pyplot.subplots(2, len(STARTS_S), figsize=(12, 5), layout="constrained", sharey=True)
    for ax, song, start_s in zip(axes[0], voices, STARTS_S, strict=True):
        ax.imshow(song.T, origin="lower", aspect="auto", extent=(0, SONG_S, 0, DIT.channels), vmin=-11, vmax=-2)
        ax.axvspan(start_s, start_s + length_s(line), fill=False, edgecolor="white")
        ax.set_title(f"“{line.text}” at {start_s:.1f} s", fontsize=9)
    for ax, song, asked_of in zip(axes[1], music, prompted, strict=True):
        ax.imshow(song.T, origin="lower", aspect="auto", extent=(0, SONG_S, 0, DIT.channels), vmin=-11, vmax=-2)
        ax.set_title(asked_of.short_prompt, fontsize=9)
        ax.set_xlabel("s")
    figure.savefig(path, dpi=90)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, default=Path("data"), help="with shards in it")
    parser.add_argument(
        "--work", type=Path, required=True, help="for the picture and the weights, which are not learnt again"
    )
    parser.add_argument("--steps", type=int, default=1300)
    parser.add_argument("--guidance", type=float, default=2.0, help="scale of `both`")
    parser.add_argument("--spread", type=float, default=2.0, help="of the noise levels that are learnt from")
    parser.add_argument("--shift", type=float, default=10.0, help="of them, towards noise")
    arguments = parser.parse_args()
    times = ObjectiveSettings(spread=arguments.spread, shift=arguments.shift)
    store = FolderStore(arguments.store)
    codec, name = open_codec(CODEC), codec_name(CODEC)
    index = index_shards(store, [encode_shard(store, key, codec, name) for key in shards_that_count(Ledger(store))])
    corpus, samples = samples_of(open_corpus(store, index))
    print(f"{len(samples)} windows of {WINDOW_S:g} s, seen {SONG_S:g} s at a time")
    settings = ModelSettings(dit=DIT, codec=CODEC, conditions=CONDITIONS, objective=times)
    weights = arguments.work / "learns.safetensors"
    if not weights.exists():
        save_file(overfitted(corpus, settings, arguments.steps), weights)
    model = new_model(settings, 0).eval()
    model.load_state_dict(load_file(weights))
    guidance = Guidance(both(arguments.guidance))
    asker = Asker(Singer(model, LatentSpec.of(codec), SamplerSettings(steps=40), tuple(State)), samples, guidance)
    for row in times_rows(list(moved(asker))):
        print("times: ", row)
    print("words: ", words_row(asker))
    print("prompt:", prompts_row(asker))
    print("length:", length_row(asker))
    drawn(asker, arguments.work / "learns.png")


if __name__ == "__main__":
    main()
