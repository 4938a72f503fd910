"""What a stage of a run came to: its curves as a table and a picture, and the row of its model."""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from assets.models.course import Course
from assets.models.published import publish
from assets.tables import Row
from resources.ledger import Ledger, read_parquet
from resources.stores import Store

PART = 0.1  # of a run, at each end, that its loss is taken of
CURVES = pa.schema(
    {
        "run": pa.string(),
        "stage": pa.string(),
        "step": pa.int64(),
        "name": pa.string(),
        "value": pa.float64(),
    }
)

CurveRow = Mapping[str, float]  # of curves.jsonl


@dataclass(frozen=True, slots=True)
class Losses:
    """Means of the first and of the last part of a run."""

    first: float
    last: float


def curve_rows(folder: Path) -> list[CurveRow]:
    """What a run has said of itself so far. A row that is being written is left out."""
    file = folder / "curves" / "curves.jsonl"
    if not file.exists():
        return []
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def curves_key(run: str, stage: str) -> str:
    """Where the table of a stage's curves is in the store."""
    return f"curves/{run}/{stage}.parquet"


def write_curves(store: Store, run: str, stage: str, rows: Sequence[CurveRow]) -> None:
    """The curves as a table, one row a number; replaces the one before."""
    numbers = [
        {"run": run, "stage": stage, "step": int(row["step"]), "name": name, "value": float(value)}
        for row in rows
        for name, value in row.items()
        if name != "step"
    ]
    data = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(numbers, CURVES), data)
    store.point(curves_key(run, stage), data.getvalue())


def read_curve(store: Store, run: str, stage: str, name: str) -> list[tuple[int, float]]:
    """One curve, as steps and values; empty where there is none."""
    try:
        with store.open(curves_key(run, stage)) as file:
            table = read_parquet(file.read())
    except KeyError:
        return []
    table = table.filter(pc.equal(table["name"], name))
    return list(zip(table["step"].to_pylist(), table["value"].to_pylist(), strict=True))


def losses_of(curve: Sequence[tuple[int, float]]) -> Losses | None:
    """None where there are no two points to compare."""
    if len(curve) < 2:
        return None
    part = max(1, round(PART * len(curve)))
    values = [value for _, value in curve]
    return Losses(fmean(values[:part]), fmean(values[-part:]))


def target_met(row: Row, target_loss: float | None) -> bool:
    """Whether a finished stage is good enough for the next one to start by itself."""
    return target_loss is None or (row["last_loss"] is not None and row["last_loss"] <= target_loss)


def loss_plot(curves: Mapping[str, Sequence[tuple[int, float]]]) -> bytes:
    """Losses over steps as a PNG, a line for each name."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 3), layout="constrained")
    for name, curve in curves.items():
        axes.plot([step for step, _ in curve], [value for _, value in curve], label=name, linewidth=1.5)
    axes.set_xlabel("step")
    axes.set_ylabel("loss")
    axes.grid(alpha=0.3)
    if len(curves) > 1:
        axes.legend(frameon=False)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=110)
    pyplot.close(figure)
    return data.getvalue()


def model_row(course: Course, ledger: Ledger) -> Row:
    """Puts the stage's last export into the store, and gives the row that says what it is.

    Raises:
        FileNotFoundError: the trainer left no export.
    """
    from training.run.checkpoints import found, step_of
    from training.run.export import CARD, WEIGHTS
    from training.run.hours import sessions

    folder = course.settings.folder
    exports = found(folder / "exports")
    if not exports:
        raise FileNotFoundError(f"{folder / 'exports'} holds no export, though the trainer says that it is done")
    export_uri, sha256 = publish(ledger.store, course.run, course.stage, exports[-1], WEIGHTS)
    card = json.loads((exports[-1] / CARD).read_text(encoding="utf-8"))
    rows = curve_rows(folder)
    losses = losses_of([(int(row["step"]), row["loss"]) for row in rows if "loss" in row])
    started = sessions(folder / "hours")
    settings = course.settings.model_dump(mode="json")
    return {
        "stage": course.stage,
        "size": course.told.size,
        "codec": course.told.codec,
        "index": course.settings.index,
        "snapshot": card["origin"]["snapshot"],
        "steps": step_of(exports[-1]),
        "learning_rate": course.settings.optimiser.learning_rate,
        "parameters": _parameters(exports[-1] / WEIGHTS),
        "first_loss": losses.first if losses else None,
        "last_loss": losses.last if losses else None,
        "audio_s_per_s": median(row["speed/audio_s_per_s"] for row in rows) if rows else None,
        "device": started[-1].device if started else "",
        "devices": started[-1].devices if started else 0,
        "device_hours": sum(session.hours for session in started),
        "sessions": len(started),
        "sha256": sha256,
        "export_uri": export_uri,
        "before_sha256": course.told.before,
        "git_revision": card["git_revision"],
        "settings": json.dumps({name: value for name, value in settings.items() if name not in ("folder", "store")}),
    }


def _parameters(weights: Path) -> int:
    from math import prod

    from safetensors import safe_open

    with safe_open(weights, "np") as file:
        return sum(prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118
