"""What is handed on is whole, says what it was made from, and is refused where it does not fit."""

import json
import re
from pathlib import Path

import pytest
import torch

from training.codec import open_codec
from training.guidance import V_I, Guidance
from training.model import SongModel, new_model
from training.request import Request
from training.run.export import (
    CARD,
    WEIGHTS,
    ExportError,
    Origin,
    differences,
    export,
    git_revision,
    load_start,
    open_export,
)
from training.settings import (
    CodecSettings,
    ConditionSettings,
    DitSettings,
    ModelSettings,
    ObjectiveSettings,
    SamplerSettings,
)

SETTINGS = ModelSettings(
    dit=DitSettings(channels=4, width=24, depth=1, heads=2, text_width=16, lyrics_width=8),
    conditions=ConditionSettings(layers=1),
)
ORIGIN = Origin("joint", 7, ("v_i", "u"), "mel-0", "index", "abc", 0, 0, "", 0.5)


def exported(folder: Path, settings: ModelSettings = SETTINGS) -> tuple[SongModel, Path]:
    model = new_model(settings, seed=1)
    return model, export(folder / "model", model.state_dict(), settings, SamplerSettings(), ORIGIN, "0" * 40)


def test_an_export_is_the_model_that_was_exported(tmp_path: Path):
    model, folder = exported(tmp_path)
    found = open_export(folder).model
    assert found.settings == SETTINGS
    assert all(torch.equal(found.state_dict()[name], weight) for name, weight in model.state_dict().items())


def test_it_says_what_it_was_made_from(tmp_path: Path):
    _, folder = exported(tmp_path)
    opened = open_export(folder)
    assert opened.origin == ORIGIN
    assert opened.git_revision == "0" * 40


def test_the_revision_is_that_of_the_checkout_or_empty():
    assert re.fullmatch(r"([0-9a-f]{40}\+?)?", git_revision())


def test_a_stage_may_learn_at_other_noise_levels_than_the_one_before(tmp_path: Path):
    _, folder = exported(tmp_path)
    load_start(new_model(SETTINGS.model_copy(update={"objective": ObjectiveSettings(shift=9.0)}), seed=2), folder)


def test_the_scheduler_lies_beside_the_weights(tmp_path: Path):
    from diffusers import DPMSolverMultistepScheduler

    _, folder = exported(tmp_path)
    assert DPMSolverMultistepScheduler.from_pretrained(folder / "scheduler").config.prediction_type == "v_prediction"


def test_a_folder_that_is_none_is_refused(tmp_path: Path):
    with pytest.raises(ExportError, match=r"is no export of a song model: it has no song_model\.json"):
        open_export(tmp_path)


def test_weights_of_other_settings_are_refused(tmp_path: Path):
    _, folder = exported(tmp_path)
    card = json.loads((folder / CARD).read_text())
    card["model"]["dit"]["width"] = 48
    (folder / CARD).write_text(json.dumps(card))
    with pytest.raises(ExportError, match=r"cannot be used: Error.*size mismatch"):
        open_export(folder)


def test_weights_that_are_cut_off_are_refused(tmp_path: Path):
    _, folder = exported(tmp_path)
    (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-100])
    with pytest.raises(ExportError, match="cannot be used"):
        open_export(folder)


def test_a_model_begins_with_the_weights_of_the_stage_before(tmp_path: Path):
    before, folder = exported(tmp_path)
    after = new_model(SETTINGS, seed=2)
    load_start(after, folder)
    assert all(torch.equal(after.state_dict()[name], weight) for name, weight in before.state_dict().items())


def test_a_model_of_another_shape_does_not_begin_with_it_and_the_difference_is_named(tmp_path: Path):
    _, folder = exported(tmp_path)
    other = SETTINGS.model_copy(update={"dit": SETTINGS.dit.model_copy(update={"depth": 2})})
    with pytest.raises(ExportError, match=r"another model.*dit\.depth: 2, was 1"):
        load_start(new_model(other, seed=2), folder)


def test_how_blocks_are_computed_makes_no_other_model():
    other = SETTINGS.model_copy(update={"dit": SETTINGS.dit.model_copy(update={"checkpointing": True})})
    assert differences(SETTINGS.model_dump(), other.model_dump()) == []


def test_an_export_makes_songs(tmp_path: Path, small_codec: CodecSettings):
    settings = SETTINGS.model_copy(
        update={"dit": SETTINGS.dit.model_copy(update={"channels": small_codec.bands}), "codec": small_codec}
    )
    _, folder = exported(tmp_path, settings)
    singer = open_export(folder).singer(open_codec(small_codec))
    song = Request(1.0, "folk")
    (latents,) = singer.latents([song], Guidance(V_I), singer.noise([song], seed=0))
    assert latents.shape == (43, small_codec.bands)


def test_a_full_disk_leaves_no_half_of_an_export(small_disk, tmp_path: Path):
    small_disk(tmp_path, "size=64k")
    with pytest.raises(ExportError, match="could not be written"):
        exported(tmp_path)
    assert list(tmp_path.iterdir()) == []
