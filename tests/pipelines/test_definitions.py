import dagster as dg
import pytest

from assets.profile import Profile, profile
from assets.stems.settings import StemSettings
from assets.way import way
from pipelines.definitions import defs
from pipelines.jobs import ROAD
from resources.separators import SeparatorChoice

GRAPH = defs.resolve_asset_graph()
ASSETS = sorted(key.to_user_string() for key in GRAPH.materializable_asset_keys)
MODEL_STAGES = ("tracks", "stems", "lyrics", "captions")


def node(name: str):
    return GRAPH.get(dg.AssetKey(name))


def test_the_way_of_a_track_is_the_graph():
    assert ASSETS == sorted(["manifest", *way(profile()), "pages", "report"])
    assert tuple(way(profile())) == ROAD
    for stage in way(profile()).values():
        assert {key.to_user_string() for key in node(stage.table).parent_keys} == set(stage.reads)


def test_dagster_takes_all_that_is_defined():
    """A job that is called like an asset, for one, is found out only here."""
    defs.get_repository_def().load_all_definitions()


@pytest.mark.parametrize("name", ASSETS)
def test_every_asset_says_what_a_row_is_who_owns_it_and_where_it_belongs(name):
    asset = node(name)
    assert asset.description.startswith(("One row per", "All batches"))
    assert asset.owners
    assert asset.group_name != "default"
    assert asset.kinds


@pytest.mark.parametrize("name", ROAD)
def test_every_stage_has_checks_a_pool_a_code_version_and_a_column_schema(name):
    asset = node(name)
    assert asset.code_version == way(profile())[name].parameter_hash
    assert "dagster/column_schema" in asset.metadata
    assert asset.pools == {name}
    checks = {key.name for key in GRAPH.get_check_keys_for_assets({dg.AssetKey(name)})}
    assert {"nothing_lost", "few_failures"} <= checks


@pytest.mark.parametrize("name", ROAD)
def test_model_stages_run_a_batch_at_a_time_and_cheap_ones_many(name):
    assert node(name).backfill_policy.max_partitions_per_run == (1 if name in MODEL_STAGES else 64)


CHANGES = {
    "tracks": {"min_duration_s": 2.0},
    "catalogue": {"split_seed": "another"},
    "stems": {"codec": "opus"},
    "lyrics": {"language": "en"},
    "captions": {"heard_s": 60.0},
    "windows": {"per_length": 1},
    "shards": {"codec": "opus"},
}


@pytest.mark.parametrize("room", ROAD)
def test_a_setting_moves_the_code_version_of_its_own_stage_and_of_no_other(room):
    settings = getattr(Profile(), room)
    changed = Profile(**{room: settings.model_copy(update=CHANGES[room])})
    before, after = way(Profile()), way(changed)
    assert [name for name in ROAD if before[name].parameter_hash != after[name].parameter_hash] == [room]


def test_the_launchpad_overrides_one_field_of_a_model_and_shows_the_others_as_the_profile_has_them():
    typed = {"ops": {"stems": {"config": {"separator": {"model": "htdemucs"}}}}}
    taken = dg.validate_run_config(defs.resolve_job_def("road"), typed)["ops"]["stems"]["config"]
    assert StemSettings.model_validate(taken) == StemSettings(separator=SeparatorChoice(model="htdemucs"))


def test_the_launchpad_refuses_a_field_that_no_model_has():
    typed = {"ops": {"stems": {"config": {"separator": {"modell": "htdemucs"}}}}}
    with pytest.raises(dg.DagsterInvalidConfigError, match="modell"):
        dg.validate_run_config(defs.resolve_job_def("road"), typed)
