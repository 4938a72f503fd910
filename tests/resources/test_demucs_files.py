"""Which files a Demucs model is made of."""

import shutil
from pathlib import Path

import pytest

from resources.demucs_files import DemucsFiles, Member, demucs_files
from resources.weights import WeightsError

COMMIT = "0123456789abcdef0123456789abcdef01234567"
FINE_TUNED = "models: [a, b, c, d]\nweights: [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]"


def put(folder: Path, **texts: str) -> Path:
    """Files by their names, a dot for each double underscore."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name.replace("__", ".")).write_text(text)
    return folder


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's cache in a folder of its own, with htdemucs_ft as a download of its vocals leaves it; and no hub."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    repository = tmp_path / "hub" / "models--adefossez--HTDemucs-ft"
    put(repository / "refs", main=COMMIT)
    return put(repository / "snapshots" / COMMIT, htdemucs_ft__yaml=FINE_TUNED, d__safetensors="vocals")


def test_of_a_bag_only_the_member_that_has_the_vocals_is_wanted(tmp_path):
    folder = put(tmp_path, htdemucs_ft__yaml=FINE_TUNED, d__th="vocals")
    assert demucs_files("htdemucs_ft", str(folder)) == DemucsFiles((Member(folder / "d.th", 1.0),))


def test_a_mixture_is_all_members_that_count_and_has_the_bags_segment(tmp_path):
    text = "models: [a, b, c]\nweights: [[1, 1, 1, 0.5], [1, 1, 1, 0], [0, 0, 0, 2]]\nsegment: 44"
    folder = put(tmp_path, mix__yaml=text, a__safetensors="", c__th="")
    members = (Member(folder / "a.safetensors", 0.5), Member(folder / "c.th", 2.0))
    assert demucs_files("mix", str(folder)) == DemucsFiles(members, 44.0)


def test_a_bag_without_weights_counts_every_member_once(tmp_path):
    folder = put(tmp_path, mix__yaml="models: [a, b]", a__th="", b__th="")
    assert [member.weight for member in demucs_files("mix", str(folder)).members] == [1.0, 1.0]


def test_a_folder_without_a_bag_is_its_checkpoint_of_that_name_or_its_only_one(tmp_path):
    folder = put(tmp_path, mine__th="", other__th="")
    assert demucs_files("mine", str(folder)).members == (Member(folder / "mine.th", 1.0),)
    (folder / "other.th").unlink()
    assert demucs_files("htdemucs", str(folder)).members == (Member(folder / "mine.th", 1.0),)


def test_a_path_is_one_checkpoint(tmp_path):
    put(tmp_path, mine__safetensors="")
    path = tmp_path / "mine.safetensors"
    assert demucs_files("htdemucs", str(path)).members == (Member(path, 1.0),)


def test_a_checkpoint_must_be_what_its_name_says(tmp_path, demucs_network, save_th):
    path = save_th(demucs_network(), tmp_path, "955717e8")
    assert demucs_files("htdemucs", str(path)).members == (Member(path, 1.0),)
    put(tmp_path, htdemucs__yaml="models: ['955717e8']")
    assert demucs_files("htdemucs", str(tmp_path)).members == (Member(path, 1.0),)
    path.write_bytes(path.read_bytes()[:-1])
    for weights in (path, tmp_path):
        with pytest.raises(WeightsError, match="is damaged: its sha256 begins with"):
            demucs_files("htdemucs", str(weights))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("models: [a]", r"has no a\.th or a\.safetensors"),
        ("models: [a]\nweights: [[1, 1, 1, 0]]", "no member .* counts for the vocals"),
        ("models: [a]\nweights: [[1, 1]]", "does not describe a Demucs model"),
        ("models: [a]\nweights: [[1, 1, 1, 1], [1, 1, 1, 1]]", "does not describe"),
        ("[1, 2", "does not describe"),
        ("- a", "does not describe"),
        ("!!python/object/apply:os.system ['false']", "does not describe"),
    ],
)
def test_a_bag_that_cannot_be_used_says_why(tmp_path, text, said):
    with pytest.raises(WeightsError, match=said):
        demucs_files("mix", str(put(tmp_path, mix__yaml=text)))


def test_weights_that_are_not_there_are_named(tmp_path):
    with pytest.raises(WeightsError, match="no weights at"):
        demucs_files("htdemucs", str(tmp_path / "nowhere"))
    with pytest.raises(WeightsError, match=r"neither htdemucs\.yaml nor a checkpoint"):
        demucs_files("htdemucs", str(tmp_path))


def test_from_the_hub_come_the_bag_and_the_member_that_has_the_vocals(hub_cache):
    assert demucs_files("htdemucs_ft") == DemucsFiles((Member(hub_cache / "d.safetensors", 1.0),), None, COMMIT)


def test_a_hub_that_fails_says_why_and_what_to_do(hub_cache):
    shutil.rmtree(hub_cache.parents[1])
    with pytest.raises(WeightsError, match=r"adefossez/HTDemucs-ft is not on this machine.*go online once, or copy"):
        demucs_files("htdemucs_ft")


def test_the_hub_is_not_asked_for_a_model_that_it_does_not_have():
    with pytest.raises(WeightsError, match="no Demucs called 'mine': take htdemucs"):
        demucs_files("mine")
