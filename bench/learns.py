"""Whether the song model learns what it is told: python -m bench.learns --store data --work FOLDER [--steps 1300]

It is overfitted to ten-second windows of a store's shards (`melisma demo` makes some), the densest of each song that
is sung, and then asked for songs from the same noise, with one thing changed that is told. Each line of the table is
what that does, beside what it would be if the model did not listen. Draws FOLDER/learns.png.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from safetensors.torch import load_file, save_file
from torch import Tensor

from assets.shards.counting import shards_that_count
from bench.learns_swaps import (
    SEEDS,
    SONG_S,
    STARTS_S,
    Asker,
    length_row,
    length_s,
    prompts_row,
    short_lines,
    times_rows,
    words_row,
)
from resources.ledger import Ledger
from resources.stores import FolderStore
from training.codec import LatentSpec, open_codec
from training.data.corpus import Corpus, Sample, open_corpus
from training.data.latents import codec_name, encode_shard, index_shards
from training.data.order import Position
from training.generate import Singer
from training.guidance import Guidance, State, both
from training.model import new_model
from training.request import Request, Track
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

WINDOW_S = 10.0
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
    told = [replace(line, start_s=start_s, end_s=start_s + length_s(line)) for start_s in STARTS_S]
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
    corpus, samples = samples_of(open_corpus(store, index, split=None))
    print(f"{len(samples)} windows of {WINDOW_S:g} s, seen {SONG_S:g} s at a time")
    settings = ModelSettings(dit=DIT, codec=CODEC, conditions=CONDITIONS, objective=times)
    weights = arguments.work / "learns.safetensors"
    if not weights.exists():
        save_file(overfitted(corpus, settings, arguments.steps), weights)
    model = new_model(settings, 0).eval()
    model.load_state_dict(load_file(weights))
    guidance = Guidance(both(arguments.guidance))
    asker = Asker(
        Singer(model, LatentSpec.of(codec), SamplerSettings(steps=40), tuple(State)), samples, guidance, codec
    )
    for row in times_rows(asker):
        print("times: ", row)
    print("words: ", words_row(asker))
    print("prompt:", prompts_row(asker))
    print("length:", length_row(asker))
    drawn(asker, arguments.work / "learns.png")


if __name__ == "__main__":
    main()
