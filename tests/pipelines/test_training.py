"""`melisma train` from the command line, on shards of a few seconds: real trainers, as a user starts them."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from resources.stores import FolderStore

HOUSE = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Project:
    home: Path

    @property
    def dagster(self) -> Path:
        return self.home / "dagster"

    def melisma(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        environment = os.environ | {
            "DAGSTER_HOME": str(self.dagster),
            "MELISMA_STORE": str(self.home / "store"),
            "MELISMA_MODELS__RUNS": str(self.home / "runs"),
            "OMP_NUM_THREADS": "1",
        }
        command = [str(Path(sys.executable).parent / "melisma"), *arguments]
        return subprocess.run(command, cwd=HOUSE, env=environment, capture_output=True, text=True, check=False)

    def json(self, *arguments: str) -> Any:
        done = self.melisma(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, pack_songs: Callable[..., list[str]]) -> Project:
    found = Project(tmp_path_factory.mktemp("project"))
    found.dagster.mkdir()
    shutil.copy(HOUSE / "dagster.yaml", found.dagster)
    pack_songs(FolderStore(found.home / "store"), line_words=3)
    return found


@pytest.fixture(scope="module")
def trained(project: Project) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = project.json("train", "mine", "--size", "demo", "--steps", "2", "--no-judge")
    return rows


def test_a_run_goes_through_all_stages_from_shards_alone(trained, project: Project):
    assert [(row["stage"], row["steps"], row["size"]) for row in trained] == [
        ("music", 2, "demo"), ("vocals", 2, "demo"), ("joint", 2, "demo")
    ]  # fmt: skip
    assert (project.home / "store/current/line_durations/mine.json").exists()


def test_each_stage_goes_on_from_the_one_before(trained, project: Project):
    for before, after in (("music", "vocals"), ("vocals", "joint")):
        start = project.home / "runs/mine" / after / "start/model.safetensors"
        export = project.home / "runs/mine" / before / "exports/step-00000002/model.safetensors"
        assert start.read_bytes() == export.read_bytes()


def test_dagster_has_heard_of_the_run_and_of_what_became_of_it(trained, project: Project):
    with dg.DagsterInstance.from_config(str(project.dagster)) as dagster:
        assert dagster.get_dynamic_partitions("training_run") == ["mine"]
        made = dagster.get_latest_materialization_event(dg.AssetKey("joint"))
        checks = dagster.event_log_storage.get_latest_asset_check_execution_by_key(
            [dg.AssetCheckKey(dg.AssetKey("joint"), "loss_is_finite")]
        )
    assert made is not None and made.asset_materialization is not None
    metadata = made.asset_materialization.metadata
    assert metadata["target_met"].value is True
    assert metadata["steps"].value == 2
    assert "data:image/png" in metadata["loss"].value
    assert len(checks) == 1


def test_a_stage_of_a_known_run_goes_on_to_more_steps_and_the_others_stay(trained, project: Project):
    rows = project.json("train", "mine", "--stage", "joint", "--steps", "3", "--no-judge")
    assert [row["steps"] for row in rows] == [2, 2, 3]
    curves = project.home / "runs/mine/joint/curves/curves.jsonl"
    assert [json.loads(line)["step"] for line in curves.read_text().splitlines()] == [2, 3]


def test_another_size_under_the_same_name_is_refused_in_words(trained, project: Project):
    done = project.melisma("train", "mine", "--size", "tiny", "--codec", "mel-small", "--stage", "music", "--no-judge")
    assert done.returncode == 1
    assert "begun with other settings" in done.stderr
    assert "another training_run key" in done.stderr


def test_runs_are_listed(trained, project: Project):
    assert {row["run"] for row in project.json("runs")} == {"mine"}


def test_a_run_without_its_stage_before_is_refused_in_words(trained, project: Project):
    done = project.melisma("train", "other", "--size", "demo", "--stage", "vocals", "--no-judge")
    assert done.returncode == 1
    assert "the run other has not finished that: materialise music_pretrain for it first" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("train", "x", "--stage", "drums"), "drums is none of music, vocals, joint"),
        (
            ("train", "x", "--codec", "flac"),
            "there is no codec flac: `models.codecs` of the profile has mel",
        ),
        (("train", "x/y", "--stage", "music", "--size", "demo", "--no-judge"), "is no name of a run"),
    ],
)
def test_what_cannot_be_launched_is_refused_in_words(project: Project, arguments: tuple[str, ...], words: str):
    done = project.melisma(*arguments)
    assert done.returncode in (1, 2)
    assert words in " ".join((done.stdout + done.stderr).replace("│", "").split())


def test_a_model_that_was_trained_makes_a_song(trained, project: Project):
    song = project.home / "song.flac"
    told = project.json("sample", "mine", "--prompt", "folk", "--length", "3", "--steps", "2", "--out", str(song))
    assert told["stage"] == "joint"
    assert song.exists()
