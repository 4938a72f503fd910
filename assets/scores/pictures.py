"""What a run's samples look like."""

import io
from pathlib import Path

import numpy as np

from assets.tables import Row
from resources.ffmpeg import decode
from resources.stores import Store

MOST = 8
SIZE, HOP = 2048, 512


def spectrograms(store: Store, rows: list[Row]) -> bytes:
    """The first samples as spectrograms, a PNG; lines of lyrics are left to the page."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    shown = rows[:MOST]
    figure, axes = pyplot.subplots(len(shown), 1, figsize=(8, 1.3 * len(shown)), layout="constrained", squeeze=False)
    for ax, row in zip(axes[:, 0], shown, strict=True):
        with store.local(row["mix_uri"]) as path:
            sound = np.concatenate([block[:, 0] for block in decode(Path(path), row["rate_hz"], 1)])
        ax.specgram(sound + 1e-9, SIZE, row["rate_hz"], noverlap=SIZE - HOP, vmin=-130, vmax=-40, cmap="magma")
        ax.set_ylim(0, 10_000)
        ax.set_yticks([0, 5000, 10_000], ["0", "5", "10 kHz"], fontsize=7)
        ax.tick_params(labelsize=7)
        ax.set_title(f"{row['item']}, seed {row['seed']}", fontsize=8, loc="left", pad=2)
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=80)
    pyplot.close(figure)
    return data.getvalue()
