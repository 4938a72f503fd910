"""The next stage of a training run starts by itself when the one before has met its target."""

from collections.abc import Callable, Iterator

import dagster as dg
import pytest

from assets.models.published import seal
from pipelines.sensors import next_stage
from resources.configured import StoreResource
from resources.ledger import Ledger
from resources.stores import FolderStore

Requests = list[dg.RunRequest]


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as found:
        yield found


@pytest.fixture
def look(instance: dg.DagsterInstance, store: FolderStore) -> Callable[..., tuple[Requests, str]]:
    """One look of the sensor: look(cursor) -> what it asks for, and the next cursor."""

    def looked(cursor: str | None = None) -> tuple[Requests, str]:
        with dg.build_sensor_context(instance, cursor=cursor) as context:
            found = next_stage(context, store=StoreResource(root=str(store.root)))
            return list(found.run_requests or ()), found.cursor

    return looked


def finish(instance: dg.DagsterInstance, asset: str, run: str, *, met: bool = True) -> None:
    metadata = {"target_met": met, "model": f"models/{run}/{asset}"}
    instance.report_runless_asset_event(dg.AssetMaterialization(asset, partition=run, metadata=metadata))


def test_vocals_follow_music_that_has_met_its_target(instance, look):
    finish(instance, "music_pretrain", "a")
    (request,), _ = look()
    assert (request.job_name, request.partition_key) == ("train_vocals", "a")
    assert request.tags["melisma/why"] == "music has met its target"


def test_joint_follows_vocals(instance, look):
    finish(instance, "vocal_finetune", "a")
    assert [request.job_name for request in look()[0]] == ["train_joint"]


def test_nothing_follows_a_stage_that_has_missed_its_target(instance, look):
    finish(instance, "music_pretrain", "a", met=False)
    assert look()[0] == []


def test_a_stage_is_followed_once(instance, look):
    finish(instance, "music_pretrain", "a")
    requests, cursor = look()
    assert len(requests) == 1
    assert look(cursor)[0] == []
    finish(instance, "music_pretrain", "b")
    assert [request.partition_key for request in look(cursor)[0]] == ["b"]


def test_a_stage_that_somebody_has_taken_on_by_hand_is_left_alone(instance, look, store: FolderStore):
    finish(instance, "music_pretrain", "a")
    seal(Ledger(store), "vocal_finetune", "a", [{"sha256": "0"}], "0", {}, table="models")
    assert look()[0] == []


def test_nothing_follows_the_last_stage(instance, look):
    finish(instance, "joint", "a")
    assert look()[0] == []
