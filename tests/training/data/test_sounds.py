import hashlib
import io
import tarfile
from pathlib import Path

import pytest
import webdataset

from resources.stores import FolderStore
from training.data.faults import Fault, SampleFault
from training.data.sounds import DecodedSample, decoded_in, samples_in, whole_shard

RATE_HZ = 22_050


def first_members(store: FolderStore) -> dict[str, bytes]:
    (key,) = store.list("shards/train/")
    return dict(next(samples_in(store.root / key))[1])


def write_tar(path: Path, files: dict[str, bytes]) -> Path:
    """A tar as anybody may write it: with any names."""
    with tarfile.open(path, "w") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("name", ["{outside}/victim", "../victim", "a/b", "a/../../victim"])
def test_nothing_is_written_outside_the_scratch_folder_whatever_a_shard_calls_its_samples(
    songs, tmp_path, scratch, name, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    name = name.format(outside=tmp_path)
    victims = [tmp_path / f"victim.{track}.flac" for track in ("mix", "vocals")]
    for victim in victims:
        victim.write_bytes(b"dear to me")
    members = {f"{name}.{extension}": data for extension, data in first_members(songs).items()}
    (heard,) = decoded_in(write_tar(tmp_path / "odd.tar", members), "odd", RATE_HZ, scratch)
    assert isinstance(heard, SampleFault) or heard.sounds.shape == (3, 4 * RATE_HZ)
    assert [victim.read_bytes() for victim in victims] == [b"dear to me"] * 2
    assert list(scratch.iterdir()) == []


def test_a_name_with_a_folder_is_a_name(songs, tmp_path, scratch):
    members = {f"v1.0/b.{extension}": data for extension, data in first_members(songs).items()}
    (heard,) = decoded_in(write_tar(tmp_path / "odd.tar", members), "odd", RATE_HZ, scratch)
    assert isinstance(heard, DecodedSample)
    assert heard.name == "v1.0/b"


def test_a_name_that_a_shard_of_latents_cannot_hold_is_a_fault(songs, tmp_path, scratch):
    members = {f"{'long' * 25}.{extension}": data for extension, data in first_members(songs).items()}
    (heard,) = decoded_in(write_tar(tmp_path / "odd.tar", members), "odd", RATE_HZ, scratch)
    assert isinstance(heard, SampleFault)
    assert heard.reason is Fault.CHANGED


def test_members_are_grouped_as_webdataset_groups_them(tmp_path):
    names = ["a.mix.flac", "a.json", "v1.0/a.json", "v1.0/b.json", "b/a.x.y", "b/noextension", "../c.json", "/d.json"]
    path = write_tar(tmp_path / "odd.tar", {name: name.encode() for name in names})
    theirs = [
        (sample["__key__"], {name: data for name, data in sample.items() if not name.startswith("__")})
        for sample in webdataset.WebDataset(str(path), shardshuffle=False)
    ]
    assert list(samples_in(path)) == theirs


def test_links_and_folders_of_a_shard_are_passed_over(tmp_path):
    path = tmp_path / "odd.tar"
    with tarfile.open(path, "w") as tar:
        for name, kind in (("a.json", tarfile.SYMTYPE), ("b.json", tarfile.LNKTYPE), ("c.d", tarfile.DIRTYPE)):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            tar.addfile(member)
    assert list(samples_in(path)) == []


def test_a_tar_that_is_cut_short_is_a_fault(songs, tmp_path, scratch):
    members = {f"a.{extension}": data for extension, data in first_members(songs).items()}
    path = write_tar(tmp_path / "odd.tar", members)
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(SampleFault, match="cut short") as caught:
        list(decoded_in(path, "odd", RATE_HZ, scratch))
    assert (caught.value.reason, caught.value.where) == (Fault.CHANGED, "odd")


def test_an_error_of_who_reads_a_shard_is_not_told_as_one_of_the_shard(store):
    key = f"shards/train/b00000-00000-{hashlib.sha256(b'x').hexdigest()[:12]}.tar"
    store.put_bytes(key, b"x")
    with pytest.raises(KeyError, match="of mine"), whole_shard(store, key):
        raise KeyError("of mine")
