from pathlib import Path

import pytest

from assets.models.results import curve_rows, losses_of, read_curve, target_met, write_curves
from assets.models.stream import CurveStream
from resources.stores import FolderStore

ROWS = [{"step": 10, "loss": 2.0, "speed/audio_s_per_s": 50.0}, {"step": 20, "loss": 1.0, "speed/audio_s_per_s": 60.0}]


def written(folder: Path, text: str) -> Path:
    (folder / "curves").mkdir(parents=True)
    (folder / "curves" / "curves.jsonl").write_text(text)
    return folder


def test_a_row_that_is_being_written_is_left_out(tmp_path: Path):
    folder = written(tmp_path / "run", '{"step": 1, "loss": 3.0}\n{"step": 2, "lo')
    assert curve_rows(folder) == [{"step": 1, "loss": 3.0}]


def test_a_run_that_has_not_begun_has_no_rows(tmp_path: Path):
    assert curve_rows(tmp_path) == []


def test_a_curve_is_read_back_from_the_table(store: FolderStore):
    write_curves(store, "a", "music", ROWS)
    assert read_curve(store, "a", "music", "loss") == [(10, 2.0), (20, 1.0)]
    assert read_curve(store, "a", "music", "speed/audio_s_per_s") == [(10, 50.0), (20, 60.0)]
    assert read_curve(store, "a", "vocals", "loss") == []


def test_losses_are_means_of_the_ends_and_not_single_points():
    curve = [(step, 3.0 - step / 50) for step in range(100)]
    losses = losses_of(curve)
    assert losses is not None
    assert losses.first == pytest.approx(3.0 - 4.5 / 50)
    assert losses.last == pytest.approx(3.0 - 94.5 / 50)


def test_one_point_is_no_curve():
    assert losses_of([(10, 1.0)]) is None


@pytest.mark.parametrize(("target", "met"), [(None, True), (0.5, True), (0.4, True), (0.3, False)])
def test_a_target_is_met_by_a_loss_that_is_not_above_it(target: float | None, met: bool):
    assert target_met({"last_loss": 0.4}, target) is met


def test_the_stream_hands_on_the_first_row_at_once_and_leaves_all_in_the_table(store: FolderStore, tmp_path: Path):
    lines = '{"step": 10, "loss": 2.0}\n{"step": 20, "loss": 1.0}\n'
    folder = written(tmp_path / "run", lines)
    heard: list[float] = []
    with CurveStream(store, "a", "music", folder, lambda row: heard.append(row["step"])) as stream:
        for row in ROWS:
            stream.add(row)
    assert heard == [10]  # the second came at once after it
    assert read_curve(store, "a", "music", "loss") == [(10, 2.0), (20, 1.0)]


def test_the_table_is_there_even_if_the_run_dies(store: FolderStore, tmp_path: Path):
    folder = written(tmp_path / "run", '{"step": 10, "loss": 2.0}\n')
    with (
        pytest.raises(RuntimeError, match="died"),
        CurveStream(store, "a", "music", folder, lambda row: None),
    ):
        raise RuntimeError("it died")
    assert read_curve(store, "a", "music", "loss") == [(10, 2.0)]
