"""One file says with which settings and models everything is made; the environment may say otherwise."""

from pathlib import Path

import pytest

from assets.profile import PRESETS, ProfileError, read_profile


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "melisma.toml"


def test_a_profile_that_says_nothing_runs_on_the_embedded_models(file: Path):
    file.write_text("")
    profile = read_profile(file)
    assert profile.stems.separator.model == "spleeter-2stems"
    assert profile.lyrics.transcriber.model == "whisper-base"
    assert profile.lyrics.aligner.model == "whisper-base-ctc"
    assert profile.captions.captioner.model == "measured-1"


def test_one_line_switches_every_role_to_the_models_of_production(file: Path):
    file.write_text('profile = "production"')
    profile = read_profile(file)
    models = (
        profile.stems.separator,
        profile.lyrics.transcriber,
        profile.lyrics.aligner,
        profile.captions.captioner,
    )
    assert [choice.device for choice in models] == ["cuda"] * 4
    assert profile.stems.separator.model == "htdemucs_ft"


def test_a_line_of_the_profile_counts_more_than_the_preset(file: Path):
    file.write_text('profile = "production"\n[stems.separator]\ndevice = "cuda:1"')
    separator = read_profile(file).stems.separator
    assert (separator.model, separator.device) == ("htdemucs_ft", "cuda:1")


def test_the_environment_counts_more_than_the_profile(file: Path):
    file.write_text('[stems.separator]\nmodel = "htdemucs"\n[windows]\nlengths_s = [30.0]')
    variables = {"MELISMA_STEMS__SEPARATOR__MODEL": "htdemucs_ft", "MELISMA_WINDOWS__LENGTHS_S": "[10.0, 20]"}
    profile = read_profile(file, variables)
    assert profile.stems.separator.model == "htdemucs_ft"
    assert list(profile.windows.lengths_s) == [10.0, 20.0]


def test_the_environment_can_name_the_preset(file: Path):
    file.write_text("")
    assert read_profile(file, {"MELISMA_PROFILE": "production"}).stems.separator.model == "htdemucs_ft"


def test_a_profile_may_be_yaml(tmp_path: Path):
    file = tmp_path / "profile.yaml"
    file.write_text("store: elsewhere\nlyrics:\n  transcriber:\n    beam_size: 1\n")
    profile = read_profile(file)
    assert (profile.store, profile.lyrics.transcriber.beam_size) == ("elsewhere", 1)


@pytest.mark.parametrize(
    ("text", "variables", "says"),
    [
        ('profile = "cluster"', {}, "profile: Input should be 'embedded' or 'production'"),
        ('[stems.separator]\nmodel = "demixer"', {}, "no separator is called 'demixer'"),
        ('[stems.separator]\ndevice = "gpu"', {}, "'gpu' is no device"),
        ("", {"MELISMA_STEMS__SEPERATOR__DEVICE": "cpu"}, "stems.seperator: Extra inputs are not permitted"),
        ("store = ", {}, "is not TOML"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(file: Path, text: str, variables: dict[str, str], says: str):
    file.write_text(text)
    with pytest.raises(ProfileError) as caught:
        read_profile(file, variables)
    assert says in str(caught.value)


def test_every_preset_is_there():
    assert all(path is None or path.is_file() for path in PRESETS.values())
