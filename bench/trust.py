"""Fits what each kind of evidence weighs in trust, on songs with truth, and says how good trust is on other songs.

    python -m bench.trust fit GAUGE --work DIR
    python -m bench.trust report JUDGE --work DIR [--picture FILE]

GAUGE and JUDGE are folders of the song maker's, whose voices no model was trained on and no two of which share one
(songmaker/singer.py). `fit` writes assets/lyrics/trust.json. Each song is heard once, and its lyrics are given in four
ways: as they are; with a third of the lines missing; with four lines of another song put in; and all of another song's.
Then it is transcribed. A word is right where it is sung within 0.3 s of its time. DIR keeps what was heard.
"""

import argparse
import json
import pickle
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np

from assets.lyrics.agreement import agreement_of, in_both
from assets.lyrics.align import PlacedLine
from assets.lyrics.cuts import cut_at_silences
from assets.lyrics.place import Listened, Placing, listened, place_given, place_heard
from assets.lyrics.settings import LyricsSettings
from assets.lyrics.stage import Sound, singing_of
from assets.lyrics.takes import best_of
from assets.lyrics.text import SungLine, sung_lines
from assets.lyrics.transcribe import Heard, hear, most_sung
from assets.lyrics.trust import FEATURES, WEIGHTS, features_of, match_of, trusts_of
from assets.manifest.batches import seal_batches
from assets.profile import profile
from assets.tables import Rejected, Row
from assets.way import go
from bench.songmaker import score
from bench.songs import BATCH, listed, rows_of
from resources.acoustics import CTC_HEAD, WhisperCtc, open_acoustic_model
from resources.engines import LocalEngine
from resources.ffmpeg import decode_mono, local_path
from resources.ledger import Ledger
from resources.models import LocalModel
from resources.stores import FolderStore
from resources.transcribers import RATE_HZ, WHISPER_BASE, Transcriber, open_transcriber

NEAR_S = 0.3
DESERVED = 0.9  # of a track's words that are right where its trust is deserved
PUT_IN = 4  # lines of another song
KEPT = (0.5, 0.7, 0.8, 0.9, 0.95)
WAYS = {"own": "as they are", "shorter": "a third missing", "longer": "four lines of another song"}


@dataclass(frozen=True, slots=True)
class Case:
    """A song heard with some lyrics, or none (`transcribed`): the evidence for each word, and whether it is right."""

    song: str
    way: str
    features: np.ndarray  # [words, FEATURES]
    right: np.ndarray  # bool [words]
    agreement: float | None
    found: float

    @property
    def origin(self) -> str:
        return "transcribed" if self.way == "transcribed" else "given"

    @property
    def trusts(self) -> np.ndarray:
        return trusts_of(self.features, self.origin)

    @property
    def match(self) -> float:
        return match_of(self.agreement, self.found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=["fit", "report"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--picture", type=Path, help="reliability of words, as PNG")
    arguments = parser.parse_args()
    cases = list(cases_of(arguments.folder, arguments.work))
    if arguments.task == "fit":
        WEIGHTS.write_text(json.dumps(fit(cases), indent=1) + "\n")
        print(f"{WEIGHTS}: from {len(cases)} cases")
    else:
        report(cases)
        if arguments.picture:
            draw(cases, arguments.picture)


def cases_of(folder: Path, work: Path) -> Iterable[Case]:
    """All songs that are sung, in all ways."""
    store = work.resolve() / f"{folder.name}-store"
    ledger = Ledger(FolderStore(store))
    settings = profile().model_copy(update={"store": str(store)})
    files = list(listed(folder, lyrics_given=False))
    seal_batches(files, ledger, batch_size=len(files), seal_short=True)
    for _ in go(settings, BATCH, ledger, LocalEngine(settings.worker_count, settings.threads), last="stems"):
        pass
    index = json.loads((folder / "truth" / "index.json").read_text())["songs"]
    truths = {Path(song["file"]).name: folder / "truth" / song["id"] for song in index}
    tables = [rows_of(ledger, name) for name in ("manifest", "tracks", "stems")]
    songs = []
    for track in tables[0]:
        row: Row = {}
        for table in tables:
            row |= table[track][0]
        songs.append((row, truths[local_path(row["uri"]).name]))
    texts = [(truth / "lyrics.txt").read_text() for _, truth in songs]
    others = [next(t for t in texts[i + 1 :] + texts if t.strip() and t != texts[i]) for i in range(len(songs))]
    with ProcessPoolExecutor(2) as pool:
        for found in pool.map(partial(hear_song, store, work), *zip(*songs, strict=True), others):
            yield from found


@cache
def models() -> tuple[Transcriber, WhisperCtc]:
    """One pair for each worker process."""
    acoustics = open_acoustic_model(LocalModel(CTC_HEAD), 1)
    assert isinstance(acoustics, WhisperCtc)
    return open_transcriber(LocalModel(WHISPER_BASE), 1), acoustics


def hear_song(store: Path, work: Path, row: Row, truth_folder: Path, other: str) -> list[Case]:
    truth = json.loads((truth_folder / "truth.json").read_text())
    if not truth["words"]:
        return []
    kept = work / f"{store.name}-{truth['id']}-{CTC_HEAD.weights_sha256[:8]}.pkl"
    if kept.exists():
        cases: list[Case] = pickle.loads(kept.read_bytes())
        return cases
    transcriber, acoustics = models()
    settings = LyricsSettings()
    mix = decode_mono(local_path(row["uri"]), RATE_HZ)
    with FolderStore(store).local(row["vocals_uri"]) as path:
        vocals = decode_mono(path, RATE_HZ)
    sound = Sound(mix, vocals, singing_of(row), row["duration_s"])
    cuts = cut_at_silences(sound.singing, sound.duration_s, settings.longest_cut_s)
    if not cuts:
        return []
    readings = [mix, sound.voice_up(settings.voice_up_db)]
    overheard = [acoustics.overheard(len(reading)) for reading in readings]
    takes: list[Heard] = []
    for reading, overhear in zip(readings, overheard, strict=True):
        language = takes[0].language if takes else None
        takes.append(hear(transcriber, reading, cuts, sound.singing, settings, language, overhear))
    by_takes = listened(settings, acoustics, overheard[0].log_probs, overheard[1].log_probs, sound.singing)
    cases = [transcribed_case(truth, takes, cuts, by_takes, sound, settings)]
    both = listened(settings, acoustics, acoustics.log_probs(mix), acoustics.log_probs(vocals), sound.singing)
    checked = set(most_sung(cuts, sound.singing, settings.checked_cuts))
    heard = [words_of(p.lines) for p in takes[0].passages if (p.start_s, p.end_s) in checked]
    own = (truth_folder / "lyrics.txt").read_text().splitlines()
    for way, text in ways(own, other.splitlines(), np.random.default_rng(int(truth["id"][1:]))):
        cases.append(given_case(truth, way, text, heard, both, sound, settings))
    kept.write_bytes(pickle.dumps(cases))
    return cases


def ways(own: list[str], other: list[str], rng: np.random.Generator) -> Iterable[tuple[str, list[str]]]:
    third, at = max(1, len(own) // 3), int(rng.integers(0, len(own)))
    first = int(rng.integers(0, len(own) - third + 1))
    yield "own", own
    if len(own) > third:
        yield "shorter", own[:first] + own[first + third :]
    yield "longer", own[:at] + other[:PUT_IN] + own[at:]
    yield "other", other


def given_case(
    truth: Row,
    way: str,
    text: Sequence[str],
    heard: Sequence[Sequence[str]],
    both: Listened,
    sound: Sound,
    settings: LyricsSettings,
) -> Case:
    given = sung_lines((line, None) for line in text)
    agreement = agreement_of(heard, words_of(given))
    try:
        placing = place_given(given, both, sound.singing, sound.duration_s, "en", settings)
    except Rejected:
        placing = Placing([], np.zeros(0), 0.0, {})
    return case(truth, way, placing, sound, agreement, None)


def transcribed_case(
    truth: Row,
    takes: Sequence[Heard],
    cuts: Sequence[tuple[float, float]],
    both: Listened,
    sound: Sound,
    settings: LyricsSettings,
) -> Case:
    heard = best_of(takes, cuts, both.both)
    placing = place_heard(heard.passages, both, sound.singing, sound.duration_s, heard.language, settings)
    words = words_of(placing.lines)
    agreed = np.min([in_both(words, words_of(take.lines)) for take in takes], axis=0)
    return case(truth, "transcribed", placing, sound, None, agreed)


def case(
    truth: Row, way: str, placing: Placing, sound: Sound, agreement: float | None, agreed: np.ndarray | None
) -> Case:
    if not placing.lines:
        nothing = np.zeros((0, len(FEATURES))), np.zeros(0, bool)
        return Case(truth["id"], way, *nothing, agreement, placing.found)
    features = features_of(placing.lines, sound.singing, placing.apart_s, agreement, agreed)
    words = [{"w": word.text, "start": word.start_s} for line in placing.lines for word in line.words]
    true = sorted(truth["words"] + truth["backing_words"], key=lambda word: word["start"])
    right = np.zeros(len(words), bool)
    for i, j in score.match_words(true, words)[0]:
        right[j] = abs(true[i]["start"] - words[j]["start"]) <= NEAR_S
    return Case(truth["id"], way, features, right, agreement, placing.found)


def words_of(lines: Iterable[SungLine | PlacedLine]) -> list[str]:
    return [word if isinstance(word, str) else word.text for line in lines for word in line.words]


def fit(cases: Sequence[Case]) -> dict[str, list[float] | list[str]]:
    """Logistic regression, word by word; and lyrics by lyrics, whether they are the track's."""
    from sklearn.linear_model import LogisticRegression

    found: dict[str, list[float] | list[str]] = {"features": list(FEATURES)}
    for origin in ("given", "transcribed"):
        chosen = [c for c in cases if c.origin == origin and c.way != "other"]
        x, y = np.concatenate([c.features for c in chosen]), np.concatenate([c.right for c in chosen])
        model = LogisticRegression(C=1.0, max_iter=5000).fit(x, y)
        found[origin] = [round(float(v), 4) for v in (model.intercept_[0], *model.coef_[0])]
    given = [c for c in cases if c.origin == "given"]
    heard = [c for c in given if c.agreement is not None]
    for name, chosen, evidence in (
        ("match", heard, [(c.agreement, c.found) for c in heard]),
        ("match_unheard", given, [(c.found,) for c in given]),
    ):
        model = LogisticRegression(C=100.0, class_weight="balanced")
        model.fit(np.array(evidence, float), [c.way != "other" for c in chosen])
        found[name] = [round(float(v), 4) for v in (model.intercept_[0], *model.coef_[0])]
    return found


def report(cases: Sequence[Case]) -> None:
    least = LyricsSettings().min_match
    others = [c for c in cases if c.way == "other"]
    print(f"lyrics of another song rejected: {np.mean([c.match < least for c in others]):.1%} of {len(others)}")
    for way, meaning in WAYS.items():
        chosen = [c for c in cases if c.way == way]
        print(f"lyrics {meaning}, kept: {np.mean([c.match >= least for c in chosen]):.1%} of {len(chosen)}")
    kept = [c for c in cases if len(c.right) and (c.origin == "transcribed" or c.match >= least)]
    for origin in ("given", "transcribed"):
        chosen = [c for c in kept if c.origin == origin]
        trust, right = np.concatenate([c.trusts for c in chosen]), np.concatenate([c.right for c in chosen])
        print(f"\n{origin}: {len(trust)} words, trust {trust.mean():.3f}, right {right.mean():.3f}")
        print("| trust | words | mean trust | right |\n|---|---|---|---|")
        for low, high, inside in bins(trust):
            means = f"{trust[inside].mean():.3f} | {right[inside].mean():.3f}"
            print(f"| {low:.1f} to {high:.1f} | {inside.sum()} | {means} |")
    groups = {"all": kept, **{name: [c for c in kept if c.origin == name] for name in ("given", "transcribed")}}
    print("\n| tracks | number | correlation of trust and share right | trust >= 0.9 | of them deserve it |")
    print("|---|---|---|---|---|")
    for name, chosen in groups.items():
        pairs = np.array([(c.trusts.mean(), c.right.mean()) for c in chosen])
        high = pairs[pairs[:, 0] >= 0.9, 1]
        deserve = f"{np.mean(high >= DESERVED):.1%}" if len(high) else "none there"
        print(f"| {name} | {len(chosen)} | {np.corrcoef(pairs.T)[0, 1]:.3f} | {len(high)} | {deserve} |")
    print("\n| threshold | given tracks kept | words right | transcribed tracks kept | words right |")
    print("|---|---|---|---|---|")
    for threshold in KEPT:
        cells = []
        for origin in ("given", "transcribed"):
            over = [c for c in groups[origin] if c.trusts.mean() >= threshold]
            share = f"{np.concatenate([c.right for c in over]).mean():.1%}" if over else "none"
            cells += [f"{len(over)} of {len(groups[origin])}", share]
        print(f"| {threshold} | {' | '.join(cells)} |")


def bins(trust: np.ndarray) -> Iterable[tuple[float, float, np.ndarray]]:
    for low in np.arange(0, 1, 0.1):
        inside = (trust >= low) & ((trust < low + 0.1) | (low > 0.85))
        if inside.any():
            yield low, low + 0.1, inside


def draw(cases: Sequence[Case], file: Path) -> None:
    """Reliability of words: what was promised, and what was kept."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(5, 4.2), layout="constrained")
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    for origin, colour in (("given", "tab:blue"), ("transcribed", "tab:orange")):
        chosen = [c for c in cases if c.origin == origin and c.way != "other" and len(c.right)]
        trust, right = np.concatenate([c.trusts for c in chosen]), np.concatenate([c.right for c in chosen])
        points = [(trust[i].mean(), right[i].mean(), i.sum()) for _, _, i in bins(trust)]
        axes.plot([p[0] for p in points], [p[1] for p in points], color=colour, label=f"{origin}, {len(trust)} words")
        axes.scatter([p[0] for p in points], [p[1] for p in points], s=[6 + p[2] / 20 for p in points], color=colour)
    axes.set(xlabel="trust", ylabel="words within 0.3 s", xlim=(0, 1.02), ylim=(0, 1.02))
    axes.legend(frameon=False)
    figure.savefig(file, dpi=110)


if __name__ == "__main__":
    main()
