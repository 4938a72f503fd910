"""`melisma sample`, from an export of a very small model."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from assets.models.published import publish, seal
from pipelines import singing
from pipelines.cli import app
from resources.ffmpeg import decode
from resources.ledger import Ledger
from resources.outages import Outage
from resources.stores import FolderStore
from training.lrc import read_lrc

LYRICS = "[Verse]\nhello there my friend\nwe sing again\n[Chorus]\noh shine on\n"
LRC = "[length:00:06.00]\n[la:en]\n[00:01.00]hello there\n[00:02.00]\n[00:03.00]we sing\n[00:04.50]\n"
Sample = Callable[..., Result]


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from training.model import new_model
    from training.run.export import Origin
    from training.run.export import export as write_export
    from training.settings import CodecSettings, ConditionSettings, DitSettings, ModelSettings, SamplerSettings

    dit = DitSettings(channels=40, patch=4, width=16, depth=2, heads=2, text_width=16, lyrics_width=8)
    codec = CodecSettings(rate_hz=22_050, hop=512, bands=40, iterations=2)
    settings = ModelSettings(dit=dit, conditions=ConditionSettings(layers=1, longest_s=20.0), codec=codec)
    origin = Origin("joint", 7, ("u", "v_c", "i_c", "v_i"), "mel-0", "index", "0123", 0, 0, "", 0.5)
    weights = new_model(settings, 0).state_dict()
    folder = tmp_path_factory.mktemp("model") / "exports" / "step-00000007"
    return write_export(folder, weights, settings, SamplerSettings(steps=4), origin, "abc")


@pytest.fixture
def sample(export: Path, tmp_path: Path) -> Sample:
    """Runs the command: sample("--length", "3", …), the song at tmp_path/song.flac."""

    def run(*arguments: str, model: str = str(export), out: str = "song.flac") -> Result:
        return CliRunner().invoke(app, ["sample", model, "--out", str(tmp_path / out), *arguments])

    return run


@pytest.fixture
def lyrics(tmp_path: Path) -> str:
    (tmp_path / "words.txt").write_text(LYRICS)
    return str(tmp_path / "words.txt")


def sound_of(path: Path) -> np.ndarray:
    return np.concatenate([block[:, 0] for block in decode(path, 22_050, 1)])


def tags_of(path: Path) -> dict[str, str]:
    import imageio_ffmpeg

    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-i", str(path), "-f", "ffmetadata", "-"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.findall(r"^([A-Za-z]+)=((?:[^\n\\]|\\.|\\\n)*)$", text, re.MULTILINE)
    return {name.upper(): re.sub(r"\\(.|\n)", r"\1", value) for name, value in found}


def refusal(result: Result) -> str:
    assert result.exit_code != 0
    assert isinstance(result.exception, singing.CannotSing), result.exception
    return str(result.exception)


def test_a_song_is_made_from_prompt_lyrics_and_length(sample: Sample, lyrics: str, tmp_path: Path):
    result = sample("--prompt", "slow folk", "--lyrics", lyrics, "--length", "12")
    assert result.exit_code == 0, result.output
    assert len(sound_of(tmp_path / "song.flac")) == 12 * 22_050
    assert sorted(path.name for path in tmp_path.iterdir()) == ["song.flac", "song.lrc", "words.txt"]


def test_the_lrc_beside_it_says_what_was_asked_for(sample: Sample, lyrics: str, tmp_path: Path):
    sample("--lyrics", lyrics, "--length", "12")
    asked = read_lrc((tmp_path / "song.lrc").read_text())
    assert asked.duration_s == 12.0
    assert [(line.text, line.section) for line in asked.lines] == [
        ("hello there my friend", "Verse"), ("we sing again", "Verse"), ("oh shine on", "Chorus")
    ]  # fmt: skip
    assert all(line.start_s is not None for line in asked.lines)


def test_the_files_tags_hold_all_that_it_was_made_with(sample: Sample, lyrics: str, export: Path, tmp_path: Path):
    sample(
        "--prompt", "slow = folk; loud", "--lyrics", lyrics, "--length", "12", "--seed", "5", "--guidance", "mixdown"
    )
    tags = tags_of(tmp_path / "song.flac")
    facts = json.loads(tags["MELISMA"])
    assert tags["TITLE"] == "slow = folk; loud"
    assert (facts["seed"], facts["duration_s"], facts["stage"], facts["step"]) == (5, 12.0, "joint", 7)
    assert facts["guidance"]["kind"] == "mixdown"
    assert facts["git_revision"] == "abc"
    assert len(facts["model_sha256"]) == 64


def test_the_same_request_gives_the_same_bytes(sample: Sample, lyrics: str, tmp_path: Path):
    for name in ("one.flac", "two.flac"):
        assert sample("--lyrics", lyrics, "--length", "8", "--stems", out=name).exit_code == 0
    for end in (".flac", ".vocals.flac", ".accompaniment.flac", ".lrc"):
        assert (tmp_path / f"one{end}").read_bytes() == (tmp_path / f"two{end}").read_bytes()


def test_times_of_an_lrc_are_kept_and_lines_without_are_timed(sample: Sample, tmp_path: Path):
    (tmp_path / "given.lrc").write_text(LRC + "oh shine on\n")
    result = sample("--lrc", str(tmp_path / "given.lrc"))
    assert result.exit_code == 0, result.output
    first, second, third = read_lrc((tmp_path / "song.lrc").read_text()).lines
    assert (first.start_s, first.end_s, second.start_s, second.end_s) == (1.0, 2.0, 3.0, 4.5)
    assert third.start_s >= 4.5
    assert "by their syllables" in result.output


def test_an_lrc_without_a_length_takes_that_of_the_command(sample: Sample, tmp_path: Path):
    (tmp_path / "given.lrc").write_text(LRC.partition("\n")[2])
    assert sample("--lrc", str(tmp_path / "given.lrc"), "--length", "7").exit_code == 0
    assert read_lrc((tmp_path / "song.lrc").read_text()).duration_s == 7.0


def test_a_song_without_lyrics_is_an_instrumental(sample: Sample, tmp_path: Path):
    assert sample("--prompt", "a waltz", "--length", "3").exit_code == 0
    assert read_lrc((tmp_path / "song.lrc").read_text()).lines == ()


def test_the_newest_export_of_a_stages_folder_is_taken(sample: Sample, export: Path):
    assert sample("--length", "2", model=str(export.parents[1])).exit_code == 0


def test_a_run_is_found_by_its_name(sample: Sample, export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    ledger = Ledger(FolderStore(tmp_path / "store"))
    uri, sha256 = publish(ledger.store, "mine", "joint", export, "model.safetensors")
    seal(ledger, "joint", "mine", [{"sha256": sha256, "export_uri": uri}], sha256, {}, table="models")
    monkeypatch.setattr(singing, "open_ledger", lambda: ledger)
    assert sample("--length", "2", model="mine").exit_code == 0
    assert "the runs are mine" in refusal(sample("--length", "2", "--force", model="yours"))


def test_a_song_is_not_written_over_unless_told_to(sample: Sample):
    assert sample("--length", "2").exit_code == 0
    assert "would be written over: take another --out, or --force" in refusal(sample("--length", "2"))
    assert sample("--length", "2", "--force").exit_code == 0


BINARY = bytes(range(256)) * 4


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "how long is it to be? --length 30"),
        (("--length", "30"), "a song is up to 20 s long, got 30 s"),
        (("--lyrics", "none.txt", "--length", "3"), "none.txt cannot be read: No such file or directory"),
        (("--lyrics", "empty.txt", "--length", "3"), "there are no lyrics in it"),
        (("--lyrics", "binary.txt", "--length", "3"), "is no text of lyrics"),
        (("--lyrics", "words.txt", "--lrc", "given.lrc", "--length", "3"), "not from both"),
        (("--lyrics", "words.txt", "--length", "3", "--language", "klingon"), "the language klingon cannot be read"),
        (("--lrc", "given.lrc", "--length", "9"), "is of 6 s and --length of 9 s: leave one of them out"),
        (("--lrc", "odd.lrc",), "row 3 of the LRC: [00:01.00] is before 00:05.00"),
    ],
)  # fmt: skip
def test_what_cannot_be_made_is_refused_in_words(
    sample: Sample, lyrics: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: Any, words: str
):
    (tmp_path / "empty.txt").write_text("[Verse]\n")
    (tmp_path / "binary.txt").write_bytes(BINARY)
    (tmp_path / "given.lrc").write_text(LRC)
    (tmp_path / "odd.lrc").write_text("[length:00:09.00]\n[00:05.00]two\n[00:01.00]one\n")
    monkeypatch.chdir(tmp_path)
    assert words in refusal(sample(*arguments))
    assert not (tmp_path / "song.flac").exists()


def test_a_folder_that_is_no_export_is_named(sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(singing, "open_ledger", lambda: Ledger(FolderStore(tmp_path / "store")))
    words = refusal(sample("--length", "2", model=str(tmp_path)))
    assert "is neither a folder with an export nor a training run" in words


def test_a_disk_that_is_full_leaves_no_half_a_song(sample: Sample, tmp_path: Path, small_disk: Any):
    (tmp_path / "small").mkdir()
    small_disk(tmp_path / "small", "size=32k")
    result = sample("--length", "15", out="small/song.flac")
    assert isinstance(result.exception, Outage)
    assert "No space left on device" in str(result.exception)
    assert list((tmp_path / "small").iterdir()) == []


def test_a_song_goes_into_a_folder_that_is_there_and_is_called_flac(sample: Sample):
    assert "make it first" in refusal(sample("--length", "2", out="none/song.flac"))
    assert "songs are written as FLAC: call it song.flac" in refusal(sample("--length", "2", out="song.mp3"))
