"""Several batches in one run: Dagster gives them all one version, Melisma gives each its own."""

import dagster as dg
import pytest

from assets.manifest.batches import seal_batches
from assets.partitions import BATCHES, batches, each_batch
from assets.stage import Outcome, Recipe, Stage, run_stage, seal
from resources.configured import EngineResource, StoreResource
from resources.engines import InlineEngine
from resources.ledger import Ledger

NAMES = ["b00000", "b00001", "b00002"]


def caption(row: dict) -> list[dict]:
    return [{"caption": row["uri"]}]


def window(row: dict) -> list[dict]:
    return [{"rank": len(row["caption"])}]


CAPTIONS = Stage("captions", "1", {"manifest": ("uri",)}, {}, lambda: caption)
WINDOWS = Stage("windows", "1", {"captions": ("caption",)}, {}, lambda: window)


def asset_of(stage: Stage, deps: list[str]) -> dg.AssetsDefinition:
    @dg.asset(
        name=stage.table,
        deps=deps,
        partitions_def=batches,
        code_version=stage.parameter_hash,
        backfill_policy=dg.BackfillPolicy.multi_run(64),
    )
    def made(context: dg.AssetExecutionContext, store: StoreResource):
        def run(batch: str) -> Outcome:
            return run_stage(stage, batch, Ledger(store.build()), InlineEngine())

        yield from each_batch(context, run, store)

    return made


@pytest.fixture
def versions(store, ledger):
    """Data versions of `windows` by batch, as Dagster has them after a run over all batches at once, and the stale."""
    files = [{"uri": f"file:///{n}.mp3", "bytes": 1, "modified_s": 0.0} for n in range(3)]
    seal_batches(files, ledger, batch_size=1, seal_short=False)
    assets = [asset_of(CAPTIONS, []), asset_of(WINDOWS, ["captions"])]
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions(BATCHES, NAMES)
        tags = {"dagster/asset_partition_range_start": NAMES[0], "dagster/asset_partition_range_end": NAMES[-1]}
        for _ in range(2):  # the second run does nothing, and must make nothing stale
            result = dg.materialize(
                assets, instance=instance, tags=tags, resources={"store": StoreResource(root=str(store.root))}
            )
            assert result.success
        found = {}
        for name in NAMES:
            made = dg.AssetRecordsFilter(dg.AssetKey("windows"), asset_partitions=[name])
            found[name] = instance.fetch_materializations(made, limit=1).records[0].asset_materialization.tags
        yield found


def test_each_batch_has_the_version_of_its_own_table(versions, ledger):
    ours = {name: ledger.pointer("windows", name).data_version for name in NAMES}
    assert {name: tags["dagster/data_version"] for name, tags in versions.items()} == ours
    assert len(set(ours.values())) == len(NAMES)


def test_each_batch_says_from_which_event_of_its_inputs_it_was_made(versions):
    pointers = {tags["dagster/input_event_pointer/captions"] for tags in versions.values()}
    assert len(pointers) == len(NAMES)


def test_a_launchpad_override_changes_the_data_version_of_what_it_touches(store, ledger):
    """Two tables by hand, then the real asset, as the launchpad runs it."""
    from assets.windows.asset import windows

    (ledger_batch,) = seal_batches([{"uri": "file:///a.mp3", "bytes": 1, "modified_s": 0.0}], ledger, 1, True).batches
    word = {"text": "we", "start_s": 1.0, "end_s": 2.0, "confidence": 1.0}
    line = {"text": "we", "start_s": 1.0, "end_s": 2.0, "confidence": 1.0, "words": [word]}
    made = {
        "tracks": {"uri": "file:///a.mp3", "sha256": "0", "duration_s": 30.0},
        "lyrics": {"lines": [line]},
    }
    for stage, values in made.items():
        row = {"track_id": "a", "status": "ok", "input_hash": "", "parameter_hash": ""} | values
        seal(Recipe(stage, "1", {}, {}), ledger_batch, [row], ledger)

    def version(config: dict) -> str:
        result = dg.materialize(
            [windows],
            partition_key=ledger_batch,
            instance=instance,
            resources={"store": StoreResource(root=str(store.root)), "engine": EngineResource(workers=1)},
            run_config={"ops": {"windows": {"config": config}}},
        )
        (event,) = result.asset_materializations_for_node("windows")
        return event.tags["dagster/data_version"]

    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions(BATCHES, [ledger_batch])
        as_the_profile_has_it = version({})
        assert version({"per_length": 1}) != as_the_profile_has_it
        assert version({}) == as_the_profile_has_it
