import dagster as dg
import pytest

from assets.models.settings import launch_of
from assets.partitions import training_runs
from assets.profile import Profile, profile
from assets.stems.settings import StemSettings
from assets.way import way
from pipelines.definitions import defs
from pipelines.jobs import OF_A_RUN, ROAD
from resources.configured import launchpad
from resources.separators import SeparatorChoice

GRAPH = defs.resolve_asset_graph()
ASSETS = sorted(key.to_user_string() for key in GRAPH.materializable_asset_keys)
MODEL_STAGES = ("tracks", "stems", "lyrics", "captions")
TRAINING = ("latents", *OF_A_RUN)


def node(name: str):
    return GRAPH.get(dg.AssetKey(name))


def test_the_way_of_a_track_is_the_graph():
    assert ASSETS == sorted(["manifest", *way(profile()), "pages", "report", *TRAINING, "comparison"])
    assert tuple(way(profile())) == ROAD
    for stage in way(profile()).values():
        assert {key.to_user_string() for key in node(stage.table).parent_keys} == set(stage.reads)


def test_dagster_takes_all_that_is_defined():
    """A job that is called like an asset, for one, is found out only here."""
    defs.get_repository_def().load_all_definitions()


@pytest.mark.parametrize("name", ASSETS)
def test_every_asset_says_what_a_row_is_who_owns_it_and_where_it_belongs(name):
    asset = node(name)
    assert asset.description.startswith(("One row per", "All batches", "All training runs"))
    assert asset.owners
    assert asset.group_name != "default"
    assert asset.kinds


@pytest.mark.parametrize("name", OF_A_RUN)
def test_every_asset_of_a_training_run_waits_in_one_pool_and_has_a_column_schema(name):
    asset = node(name)
    assert asset.pools == {"training"}
    assert asset.partitions_def == training_runs
    assert "dagster/column_schema" in asset.metadata


@pytest.mark.parametrize("name", ["music_pretrain", "vocal_finetune", "joint"])
def test_every_stage_of_a_training_run_is_checked_for_a_finite_and_falling_loss(name):
    checks = {key.name for key in GRAPH.get_check_keys_for_assets({dg.AssetKey(name)})}
    assert checks == {"loss_is_finite", "loss_falls"}


def test_samples_are_checked_for_silence_clipping_and_length():
    checks = {key.name for key in GRAPH.get_check_keys_for_assets({dg.AssetKey("samples")})}
    assert checks == {"samples_are_not_silent", "samples_are_not_clipped", "samples_are_as_long_as_asked"}


def test_the_stages_of_a_training_run_follow_each_other_and_read_all_latents():
    parents = {name: {key.to_user_string() for key in node(name).parent_keys} for name in OF_A_RUN}
    assert parents["music_pretrain"] == parents["line_durations"] == {"latents"}
    assert parents["vocal_finetune"] == {"latents", "music_pretrain"}
    assert parents["joint"] == {"latents", "vocal_finetune"}
    assert (parents["samples"], parents["scores"]) == ({"joint"}, {"samples"})


def test_all_that_a_launch_can_set_is_described():
    fields = launchpad(launch_of("joint"))
    assert [name for name, field in fields.items() if not field.description] == []


def test_what_may_be_left_open_is_typed_by_what_it_would_be():
    fields = launchpad(launch_of("joint"))
    kinds = {name: fields[name].config_type.key for name in ("steps", "learning_rate", "codec", "size", "workers")}
    assert kinds == {
        "steps": "Noneable.Int", "learning_rate": "Noneable.Float", "codec": "Noneable.String",
        "size": "Noneable.demo_or_tiny_or_base_or_large", "workers": "Noneable.Int",
    }  # fmt: skip


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
