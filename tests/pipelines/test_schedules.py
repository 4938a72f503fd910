from datetime import datetime

import dagster as dg
import pytest

from assets.manifest.batches import seal_batches
from assets.manifest.sources import list_source
from assets.profile import Profile
from pipelines import schedules, sensors
from pipelines.jobs import ROAD
from resources.configured import StoreResource
from resources.ledger import Ledger


def files(count: int) -> list[dict]:
    return [{"uri": f"file:///{number}.mp3", "bytes": 1, "modified_s": 0.0} for number in range(count)]


@pytest.fixture
def resource(store) -> StoreResource:
    return StoreResource(root=str(store.root))


def tonight(resource: StoreResource) -> list:
    context = dg.build_schedule_context(scheduled_execution_time=datetime(2026, 11, 22, 2, 0))
    return list(schedules.nightly(context, store=resource))


def test_the_night_takes_up_what_is_missing_oldest_first_and_not_more_than_it_may(ledger, resource, monkeypatch):
    seal_batches(files(6), ledger, batch_size=2, seal_short=False)
    monkeypatch.setattr(schedules, "profile", lambda: Profile(nightly_batches=2))
    requests = tonight(resource)
    assert [request.partition_key for request in requests] == ["b00000", "b00001"]
    assert [request.run_key for request in requests] == ["2026-11-22 b00000", "2026-11-22 b00001"]
    assert [key.to_user_string() for key in requests[0].asset_selection] == list(ROAD)


def test_a_night_without_work_says_so(resource):
    (skipped,) = tonight(resource)
    assert "up to date" in skipped.skip_message


def arrived(resource: StoreResource):
    return sensors.arrivals(dg.build_sensor_context(), store=resource)


@pytest.mark.parametrize(
    ("count", "size", "short", "starts"), [(2, 2, False, True), (1, 2, False, False), (1, 2, True, True)]
)
def test_files_that_arrive_start_an_ingest_once_they_fill_a_batch(
    tmp_path, resource, monkeypatch, count, size, short, starts
):
    music = tmp_path / "music"
    music.mkdir()
    for number in range(count):
        (music / f"{number}.mp3").write_bytes(b"x")
    manifest = {"source": str(music), "batch_size": size, "seal_short": short}
    monkeypatch.setattr(sensors, "profile", lambda: Profile(manifest=manifest))
    assert isinstance(arrived(resource), dg.RunRequest) == starts


def test_files_that_have_a_batch_start_nothing(tmp_path, store, resource, monkeypatch):
    music = tmp_path / "music"
    music.mkdir()
    (music / "a.mp3").write_bytes(b"x")
    monkeypatch.setattr(sensors, "profile", lambda: Profile(manifest={"source": str(music), "batch_size": 1}))
    seal_batches(list_source(str(music)), Ledger(store), batch_size=1, seal_short=False)
    assert "0 new files" in arrived(resource).skip_message


def test_lyrics_that_were_edited_start_an_ingest(tmp_path, store, resource, monkeypatch):
    music = tmp_path / "music"
    music.mkdir()
    (music / "a.mp3").write_bytes(b"x")
    monkeypatch.setattr(sensors, "profile", lambda: Profile(manifest={"source": str(music), "batch_size": 1}))
    seal_batches(list_source(str(music)), Ledger(store), batch_size=1, seal_short=False)
    (music / "a.txt").write_text("we run")
    assert isinstance(arrived(resource), dg.RunRequest)


def test_a_source_that_is_gone_is_said_and_not_raised(resource, monkeypatch):
    monkeypatch.setattr(sensors, "profile", lambda: Profile(manifest={"source": "/no/such/folder"}))
    assert "does not exist" in arrived(resource).skip_message
