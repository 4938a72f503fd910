"""How far line lengths are from the truth: python -m bench.durations [--songs 2000] [--test 300] [--epochs N]

Songs of the song maker (bench/song_lines.py), whose lines lie on bars. To take them off: each song runs faster and
slower than its tempo says, by up to a tenth, in a slow wave of its own; and each line is then up to an eighth longer or
shorter, and begins up to a sixteenth of its length sooner or later. What the network is tested on comes of other seeds
than what it learns from, and neither tempo nor prompt are told but where the table says so.

Lengths: mean absolute error of a line's length. Starts: of the time at which it starts. Really sung: of the lengths in
the songs of the demo, which have the song maker's voices and lie on their bars.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import pi
from pathlib import Path

import numpy as np
import torch

from bench.song_lines import sung_song
from training.durations.baselines import by_syllables, on_the_beat, syllable_s_of
from training.durations.features import counts_of
from training.durations.fit import TimedSong, fit
from training.durations.network import Durations, hear
from training.durations.parts import lengths_of, timed
from training.request import AskedLine, Request
from training.settings import DurationSettings

TRAIN_SEED, TEST_SEED = 100, 700_000  # the first of those that songs are made from; settings were chosen on 90,000
A_SEED = 20  # songs of each seed
WAVE = 0.1
STRETCH = 0.125
DRAWS = 200
DEMO = Path(__file__).resolve().parents[1] / "demo" / "truth"

Way = Callable[[TimedSong], Request]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, default=2000)
    parser.add_argument("--test", type=int, default=300)
    parser.add_argument("--epochs", type=int, default=DurationSettings().epochs)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    random = np.random.default_rng(1)
    train = [off_the_bars(song, random) for song in songs(TRAIN_SEED, arguments.songs)]
    grid = songs(TEST_SEED, arguments.test)
    test = [off_the_bars(song, random) for song in grid]
    start_s = time.perf_counter()
    model = fit(train, DurationSettings(epochs=arguments.epochs))
    print(f"{len(train)} songs to learn from, {(time.perf_counter() - start_s):.0f} s of learning on one thread")
    plain = fit([unmarked(song) for song in train], DurationSettings(epochs=arguments.epochs))
    demo = [song for song in map(demo_song, sorted(DEMO.glob("*.json"))) if song.request.lines]
    table(ways(train, model, plain), test, demo, grid)
    believed(model, test)
    pinned(model, test)


def songs(seed: int, count: int) -> list[TimedSong]:
    made = (sung_song(seed + i // A_SEED, i % A_SEED) for i in range(count))
    return [song for song in made if song.request.lines]


def off_the_bars(song: TimedSong, random: np.random.Generator) -> TimedSong:
    """The song as the docstring above says; its lines keep their order and do not overlap."""
    duration_s = song.request.duration_s
    depth, period_s, phase = random.uniform(0, WAVE), random.uniform(20, 60), random.uniform(0, 2 * pi)

    def waved(at_s: float) -> float:
        return at_s + depth * period_s / (2 * pi) * (np.sin(2 * pi * at_s / period_s + phase) - np.sin(phase))

    scale = duration_s / waved(duration_s)
    edges_s = [(scale * waved(start_s), scale * waved(end_s)) for start_s, end_s in times(song.request)]
    lines, before_s = [], 0.0
    for line, (start_s, end_s), (next_s, _) in zip(
        song.request.lines, edges_s, [*edges_s[1:], (duration_s, 0)], strict=True
    ):
        length_s = (end_s - start_s) * (1 + random.uniform(-STRETCH, STRETCH))
        middle_s = (start_s + end_s) / 2 + (end_s - start_s) * random.uniform(-STRETCH, STRETCH) / 2
        from_s, before_s = max(before_s, middle_s - length_s / 2), min(next_s, middle_s + length_s / 2)
        lines.append(replace(line, start_s=from_s, end_s=before_s))
    return replace(song, request=replace(song.request, lines=tuple(lines)))


def unmarked(song: TimedSong) -> TimedSong:
    """Without its sections, as lyrics in shards come."""
    return replace(song, request=replace(song.request, lines=tuple(replace(x, section="") for x in song.request.lines)))


def ways(train: Sequence[TimedSong], model: Durations, plain: Durations) -> dict[str, Way]:
    """Each a way from a song whose lines have no times to one whose lines have. `plain` has never heard of sections."""
    requests = [song.request for song in train]
    pace_s = syllable_s_of(requests)
    syllables = np.concatenate([syllables_of(request) for request in requests])
    lengths_s = np.concatenate([lengths(request) for request in requests])
    slope, base = np.polyfit(syllables, lengths_s, 1)
    usual = {n: float(np.median(lengths_s[syllables == n])) for n in set(syllables.tolist())}
    sung = float(np.mean([lengths(request).sum() / request.duration_s for request in requests]))
    generator = torch.Generator().manual_seed(1)

    def share(song: TimedSong) -> Request:
        request = song.request
        return by_syllables(request, sung * request.duration_s / syllables_of(request).sum())

    def as_long_as(length_s: Callable[[int], float]) -> Way:
        def way(song: TimedSong) -> Request:
            wanted = [length_s(n) for n in syllables_of(song.request).tolist()]
            gap_s = max(0.02, (song.request.duration_s - sum(wanted)) / (len(wanted) + 1))
            return timed(song.request, [gap_s, *(x for line_s in wanted for x in (line_s, gap_s))])

        return way

    def untold(song: TimedSong) -> Request:
        return replace(song.request, prompt="")

    return {
        f"by syllables, {pace_s:.2f} s each (the baseline)": lambda song: by_syllables(song.request, pace_s),
        "the same, on the beat of the true tempo": lambda song: on_the_beat(
            by_syllables(song.request, pace_s), song.tempo_bpm or 100
        ),
        f"by syllables, as shares of {sung:.0%} of the song": share,
        f"all lines {lengths_s.mean():.2f} s long": as_long_as(lambda n: float(lengths_s.mean())),
        f"{base:.2f} s + {slope:.2f} s a syllable": as_long_as(lambda n: base + slope * n),
        "as usual for a line of as many syllables": as_long_as(lambda n: usual.get(n, base + slope * n)),
        "ours, the mean": lambda song: model.mean(untold(song)),
        "ours, no sections known": lambda song: plain.mean(untold(unmarked(song))),
        "ours, told the genre": lambda song: model.mean(song.request),
        "ours, told the tempo": lambda song: model.mean(untold(song), song.tempo_bpm),
        "ours, told both": lambda song: model.mean(song.request, song.tempo_bpm),
        "ours, one draw": lambda song: model.draw(untold(song), generator),
    }


def table(of: dict[str, Way], test: Sequence[TimedSong], demo: Sequence[TimedSong], grid: Sequence[TimedSong]) -> None:
    """Errors of each way, and those of the bars that the lines of the test were taken off."""
    for name, songs_of in {"test": test, "demo": demo}.items():
        print(f"{name}: {len(songs_of)} songs, {sum(len(song.request.lines) for song in songs_of)} lines")
    print(f"{'':48} {'lengths':>9} {'of baseline':>12} {'starts':>9} {'really sung':>12}")
    baseline_s = None
    for name, way in of.items():
        length_s, start_s = tested(way, test)
        baseline_s = baseline_s or length_s
        sung_s, _ = tested(way, demo)
        print(f"{name:48} {length_s:7.3f} s {length_s / baseline_s:12.0%} {start_s:7.2f} s {sung_s:10.3f} s")
    length_s, start_s = errors([song.request for song in grid], [song.request for song in test])
    print(f"{'the bars themselves':48} {length_s:7.3f} s {length_s / (baseline_s or 1):12.0%} {start_s:7.2f} s")


def tested(way: Way, truths: Sequence[TimedSong]) -> tuple[float, float]:
    """Mean absolute errors of lengths and starts."""
    done = [way(replace(song, request=freed(song.request))) for song in truths]
    return errors(done, [song.request for song in truths])


def believed(model: Durations, truths: Sequence[TimedSong]) -> None:
    """How often the truth lies in the middle 80 % of draws, and how far these are apart."""
    inside: dict[str, list[bool]] = {"lengths of lines": [], "lengths of gaps": [], "starts of lines": []}
    apart_s = []
    generator = torch.Generator().manual_seed(2)
    for song in truths:
        with torch.inference_mode():
            spread = model(hear([replace(freed(song.request), prompt="")], [None], model.settings))
        drawn = spread.draw(DRAWS, generator)[:, 0].numpy()  # n k
        truth = np.array(lengths_of(song.request), dtype=float)
        within = between(truth, drawn)
        starts = between(np.cumsum(truth)[:-1:2], np.cumsum(drawn, axis=1)[:, :-1:2])
        for name, found in zip(inside, (within[1::2], within[::2], starts), strict=True):
            inside[name] += found.tolist()
        apart_s.append(drawn[:, 1::2].std(axis=0))
    print(f"\nin the middle 80 % of {DRAWS} draws: ", ", ".join(f"{np.mean(x):.0%} of {n}" for n, x in inside.items()))
    print(f"standard deviation of a line's length between draws: {np.concatenate(apart_s).mean():.3f} s")


def pinned(model: Durations, truths: Sequence[TimedSong]) -> None:
    """What pins are good for: every third line pinned, and the error of the others."""
    counted: dict[str, list[tuple[float, float]]] = {"no pins": [], "every third line pinned": []}
    for song in truths:
        free = replace(freed(song.request), prompt="")
        some = tuple(
            kept if i % 3 == 0 else line
            for i, (line, kept) in enumerate(zip(free.lines, song.request.lines, strict=True))
        )
        rest = [i for i in range(len(some)) if i % 3]
        for name, asked in zip(counted, (free, replace(free, lines=some)), strict=True):
            if rest:
                counted[name].append(errors([model.mean(asked)], [song.request], rest))
    for name, found in counted.items():
        length_s, start_s = np.mean(found, axis=0)
        print(f"the other two lines of three, {name}: lengths {length_s:.3f} s, starts {start_s:.2f} s, by song")


def errors(
    done: Sequence[Request], truths: Sequence[Request], rest: Sequence[int] | None = None
) -> tuple[float, float]:
    """Mean absolute errors of lengths and of starts, over all lines of all songs or over some of them."""
    found = [np.array(times(request))[rest or slice(None)] for request in done]
    true = [np.array(times(request))[rest or slice(None)] for request in truths]
    missed = np.concatenate(found) - np.concatenate(true)  # lines 2
    return float(np.abs(missed[:, 1] - missed[:, 0]).mean()), float(np.abs(missed[:, 0]).mean())


def between(truth: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    low, high = np.quantile(drawn, [0.1, 0.9], axis=0)
    return (low <= truth) & (truth <= high)


def demo_song(path: Path) -> TimedSong:
    truth = json.loads(path.read_text(encoding="utf-8"))
    lines = tuple(
        AskedLine(line["text"], line["start"], line["end"], truth["sections"][line["section"]]["label"])
        for line in truth["lines"]
    )
    return TimedSong(Request(truth["duration"], truth["genre"], lines, "en"), truth["tempo_bpm"])


def freed(request: Request) -> Request:
    return replace(request, lines=tuple(replace(line, start_s=None, end_s=None) for line in request.lines))


def times(request: Request) -> list[tuple[float, float]]:
    pairs = [(line.start_s, line.end_s) for line in request.lines]
    return [(start_s, end_s) for start_s, end_s in pairs if start_s is not None and end_s is not None]


def lengths(request: Request) -> np.ndarray:
    return np.diff(np.array(times(request)), axis=1)[:, 0]


def syllables_of(request: Request) -> np.ndarray:
    return np.array([counts_of(line.text, request.language).syllables for line in request.lines])


if __name__ == "__main__":
    main()
