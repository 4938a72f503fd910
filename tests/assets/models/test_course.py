import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assets.models.course import Course, NotReady, begin
from assets.models.latents import NoLatents, encode_batch
from assets.models.published import seal
from assets.models.settings import LaunchSettings, ModelsSettings
from resources.ledger import Ledger
from resources.stores import FolderStore
from training.run.settings import RunSettings
from training.stages import STAGES

Launch = Callable[..., LaunchSettings]


@pytest.fixture
def start(corpus: Ledger, models: ModelsSettings, runs: Path) -> Callable[..., Course]:
    """Begins a stage: start(launch, run="a")."""

    def started(launch: LaunchSettings, run: str = "a", stage: str | None = None) -> Course:
        root = corpus.store.root  # type: ignore[attr-defined]
        return begin(stage or launch.stage.name, launch, run, corpus, models, runs, str(root))

    return started


@pytest.fixture
def music_is_done(corpus: Ledger) -> Callable[[str], None]:
    """A run's first stage, as another one finds it: its row, and a file of its model."""

    def done(run: str) -> None:
        corpus.store.put_bytes(f"models/{run}/music/abc/model.safetensors", b"weights")
        row = {"size": "demo", "codec": "small", "sha256": f"sha-{run}", "export_uri": f"models/{run}/music/abc"}
        seal(corpus, "music_pretrain", run, [row], row["sha256"], {}, table="models")

    return done


def test_what_a_launch_leaves_open_is_as_the_preset_has_it(start, launch: Launch):
    settings = start(launch("music", learning_rate=0.5)).settings
    assert (settings.steps, settings.crop_s, settings.model.dit.patch) == (240, 10.0, 4)
    assert settings.optimiser.learning_rate == 0.5
    assert settings.optimiser.warm_up == 30


def test_the_transformer_takes_its_channels_from_the_latents(start, launch: Launch, small_codec: Any):
    assert start(launch("music")).settings.model.dit.channels == small_codec.bands


def test_the_trainer_is_given_the_settings_in_the_folder_of_the_stage(start, launch: Launch, runs: Path):
    course = start(launch("music"))
    assert course.file == runs / "a" / "music" / "settings.json"
    assert RunSettings.model_validate_json(course.file.read_bytes()) == course.settings


def test_a_stage_that_is_launched_again_keeps_the_data_that_it_began_with(
    start, launch: Launch, corpus: Ledger, models: ModelsSettings, seal_batch
):
    before = start(launch("music"))
    kept = corpus.read("shards", "b00000").to_pylist()
    seal_batch(
        corpus, "shards", "b00000", [row for row in kept if row["split"] == "train"]
    )  # another index from now on
    again, other = start(launch("music")), start(launch("music"), run="b")
    assert again.resumes and not before.resumes
    assert again.settings.index == before.settings.index != other.settings.index


def test_a_stage_that_is_launched_again_may_go_on_longer_and_at_another_rate(start, launch: Launch):
    start(launch("music", steps=10))
    settings = start(launch("music", steps=20, learning_rate=0.1)).settings
    assert (settings.steps, settings.optimiser.learning_rate) == (20, 0.1)


def test_what_is_left_open_of_a_stage_that_is_launched_again_is_as_it_began(start, launch: Launch):
    start(launch("music", steps=10, learning_rate=0.1, frames=999))
    settings = start(LaunchSettings(stage=STAGES["music"])).settings
    assert (settings.steps, settings.optimiser.learning_rate, settings.frames) == (10, 0.1, 999)
    assert settings.model.dit.patch == 4


def test_a_stage_that_is_launched_again_with_another_model_is_refused(start, launch: Launch):
    start(launch("music"))
    with pytest.raises(
        NotReady, match=r"begun with other settings: model.dit.patch: 2, was 4.*another training_run key"
    ):
        start(launch("music").model_copy(update={"size": "tiny", "crop_s": 10.0, "frames": 3456}))


def test_what_is_drawn_for_samples_may_not_change_on_the_way(start, launch: Launch):
    start(launch("music"))
    other = STAGES["music"].model_copy(update={"short_prompts": 0.9})
    with pytest.raises(NotReady, match=r"stage.short_prompts: 0.9, was 0.3"):
        start(launch("music").model_copy(update={"stage": other}))


def test_a_refused_launch_leaves_the_settings_as_they_were(start, launch: Launch):
    course = start(launch("music"))
    before = course.file.read_bytes()
    with pytest.raises(NotReady):
        start(launch("music", seed=7))
    assert course.file.read_bytes() == before


def test_vocals_go_on_from_the_music_of_their_run(start, launch: Launch, music_is_done, runs: Path):
    music_is_done("a")
    course = start(launch("vocals"))
    assert course.settings.start == runs / "a" / "vocals" / "start"
    assert (course.settings.start / "model.safetensors").read_bytes() == b"weights"
    assert course.told.before == "sha-a"


def test_a_stage_takes_size_and_codec_from_the_stage_before(start, music_is_done):
    music_is_done("a")
    course = start(LaunchSettings(stage=STAGES["vocals"]))
    assert (course.told.size, course.told.codec) == ("demo", "small")


def test_vocals_without_music_are_refused(start, launch: Launch):
    with pytest.raises(NotReady, match="the run a has not finished that: materialise music_pretrain for it first"):
        start(launch("vocals"))


def test_vocals_can_go_on_from_the_music_of_another_run(start, launch: Launch, music_is_done):
    music_is_done("a")
    assert start(launch("vocals", goes_on_from="a"), run="b").told.before == "sha-a"


def test_a_model_that_is_trained_on_later_does_not_move_what_has_begun_from_it(
    start, launch: Launch, music_is_done, corpus
):
    music_is_done("a")
    start(launch("vocals"))
    row = {"size": "demo", "codec": "small", "sha256": "later", "export_uri": "models/a/music/later"}
    seal(corpus, "music_pretrain", "a", [row], "later", {}, table="models")
    assert start(launch("vocals")).told.before == "sha-a"


@pytest.mark.parametrize("run", ["", ".", "..", "a/b", "-a", "a b", "x" * 65, "real", "noise"])
def test_a_run_needs_a_name_that_can_be_a_folder(start, launch: Launch, run: str):
    with pytest.raises(NotReady, match="is no name of a run"):
        start(launch("music"), run=run)


def test_the_stage_of_an_asset_cannot_be_set_to_another_one(start, launch: Launch):
    with pytest.raises(NotReady, match=r"the stage is vocals: set stage.name back from joint"):
        start(launch("joint"), stage="vocals")


def test_an_unknown_codec_is_refused_with_those_there_are(start, launch: Launch):
    with pytest.raises(NotReady, match=r"no codec flac: `models.codecs` of the profile has small, mel"):
        start(launch("music").model_copy(update={"codec": "flac"}))


def test_a_codec_that_no_shard_was_encoded_with_is_refused(start, launch: Launch):
    with pytest.raises(NoLatents, match=r"none of the 2 shards has latents of the codec mel: materialise `latents`"):
        start(launch("music").model_copy(update={"codec": "mel"}))


def test_settings_that_do_not_go_together_are_refused_in_words(start, launch: Launch):
    with pytest.raises(NotReady, match="a crop of 400 s is longer than the longest song"):
        start(launch("music", crop_s=400.0))


def test_settings_that_were_edited_by_hand_are_named(start, launch: Launch):
    course = start(launch("music"))
    course.file.write_text(json.dumps({"folder": "x"}))
    with pytest.raises(NotReady, match=f"{course.file} cannot be read"):
        start(launch("music"))


def test_a_corpus_without_shards_says_what_to_run(launch: Launch, models: ModelsSettings, runs: Path, tmp_path: Path):
    with pytest.raises(NoLatents, match="there are no shards yet: melisma run"):
        begin("music", launch("music"), "a", Ledger(FolderStore(tmp_path / "empty")), models, runs, "empty")


def test_latents_are_encoded_once_and_the_same_give_the_same_version(corpus: Ledger, models: ModelsSettings):
    first = encode_batch(corpus, "b00000", models.codecs["mel"], "cpu")
    tars = {key: corpus.store.uri(key) for key in corpus.store.list("latents/")}
    again = encode_batch(corpus, "b00000", models.codecs["mel"], "cpu")
    assert first == again
    assert first.samples == 6
    assert list(tars) == corpus.store.list("latents/")
