import json
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.ratings.clips import LEVEL_DB, PEAK_DB, NoClips, levelled, made_alike, read_clips
from assets.ratings.database import RatingsFile
from assets.ratings.summary import FEWEST, opinions, preferences
from assets.ratings.tasks import tasks_for
from resources.ffmpeg import decode
from resources.outages import Outage

HOUSE = Path(__file__).resolve().parents[3]


def test_everybody_is_asked_the_same_in_another_order(clips, rater):
    one, other = (tasks_for(rater(n), clips, 100) for n in (1, 2))
    assert {task.key for task in one} == {task.key for task in other}
    assert [task.key for task in one] != [task.key for task in other]
    assert [task.key for task in one] == [task.key for task in tasks_for(rater(1), clips, 100)]


def test_all_clips_are_rated_and_all_pairs_of_a_request_compared(clips, rater):
    tasks = tasks_for(rater(1), clips, 100)
    assert Counter(task.kind for task in tasks) == {"mos": 12, "ab": 12}
    assert all(len({clip.item for clip in task.clips}) == 1 for task in tasks)


@given(st.integers(1, 40))
def test_nobody_is_asked_more_than_they_should_be(clips, rater, most):
    tasks = tasks_for(rater(1), clips, most)
    assert len(tasks) == min(most, 24)
    assert len({task.key for task in tasks}) == len(tasks)


def test_either_song_of_a_pair_comes_first_for_half_of_the_people(clips, rater):
    first = Counter()
    for number in range(200):
        for task in tasks_for(rater(number), clips, 100):
            if task.kind == "ab" and {clip.system for clip in task.clips} == {"real", "run-secret-one"}:
                first[task.clips[0].system] += 1
    assert 0.4 < first["real"] / sum(first.values()) < 0.6


def test_the_first_answer_counts_and_a_second_click_changes_nothing(clips, rater, file):
    ratings, (task, *_) = RatingsFile(file), tasks_for(rater(1), clips, 5)
    assert ratings.add(rater(1), task, 4, 3.0) is True
    assert ratings.add(rater(1), task, 1, 3.0) is False
    assert [rating.value for rating in ratings.all()] == [4]
    assert ratings.answered(rater(1)) == {task.key}
    assert ratings.answered(rater(2)) == set()


def test_an_answer_that_was_taken_survives_kill_9(clips, rater, file):
    code = (
        "import os, signal, sys; from pathlib import Path; from assets.ratings.database import RatingsFile;"
        "from assets.ratings.clips import RatedClip; from assets.ratings.tasks import Task;"
        "RatingsFile(Path(sys.argv[1])).add('a', Task('mos', (RatedClip('s', 'i', '', '', Path('f')),)), 5, 1.0);"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(file)], cwd=HOUSE, check=False).returncode == -9
    assert [rating.value for rating in RatingsFile(file).all()] == [5]


def test_tokens_stay_the_same_when_the_file_is_opened_again(file):
    assert RatingsFile(file).secret == RatingsFile(file).secret


def test_a_file_that_is_no_database_is_named(tmp_path):
    (tmp_path / "r.sqlite").write_text("this is no database, and long enough to be seen as none " * 20)
    with pytest.raises(Outage, match=r"the ratings in .*r.sqlite cannot be used"):
        RatingsFile(tmp_path / "r.sqlite")


def rate(file: Path, clips, rater, people: int, taste: dict[str, float], noise: float = 0.7) -> RatingsFile:
    """People who like systems as `taste` says, each with a mean and a noise of their own."""
    ratings, random = RatingsFile(file), np.random.default_rng(3)
    for number in range(people):
        own = random.normal(0, 0.3)
        for task in tasks_for(rater(number), clips, 24):
            liked = [taste[clip.system] + own + random.normal(0, noise) for clip in task.clips]
            if task.kind == "mos":
                value = int(np.clip(round(liked[0]), 1, 5))
            else:
                value = 0 if abs(liked[0] - liked[1]) < 0.3 else 1 if liked[1] > liked[0] else -1
            ratings.add(rater(number), task, value, 3.0)
    return ratings


@pytest.fixture(scope="module")
def rated(clips, rater, tmp_path_factory) -> RatingsFile:
    taste = {"run-secret-one": 2.0, "run-secret-two": 3.0, "real": 4.0}
    return rate(tmp_path_factory.mktemp("rated") / "r.sqlite", clips, rater, 15, taste)


def test_the_mean_of_what_people_say_is_what_they_think(rated):
    means = opinions(rated.all())
    for system, thought in (("run-secret-one", 2.0), ("run-secret-two", 3.0), ("real", 4.0)):
        assert means[system].low - 0.15 <= thought <= means[system].high + 0.15
        assert means[system].count == 60


def test_the_better_of_two_is_preferred(rated):
    shares = {(each.system, each.other): each.share.value for each in preferences(rated.all())}
    assert shares["real", "run-secret-one"] > 0.85
    assert shares["real", "run-secret-two"] > 0.6
    assert shares["run-secret-one", "run-secret-two"] < 0.4


def test_of_equals_neither_is_preferred(clips, rater, file):
    ratings = rate(file, clips, rater, 15, dict.fromkeys(("run-secret-one", "run-secret-two", "real"), 3.0))
    assert all(each.share.low < 0.5 < each.share.high for each in preferences(ratings.all()))


def test_few_ratings_are_no_opinion(clips, rater, file):
    ratings = RatingsFile(file)
    for number in range(FEWEST - 1):
        ratings.add(rater(number), tasks_for("x", clips[:1], 1)[0], 5, 1.0)
    assert opinions(ratings.all()) == {}


def test_clips_are_played_at_one_level_under_names_that_say_nothing(clips, tmp_path):
    made = made_alike(clips, tmp_path)
    for key, path in made.items():
        sound = np.concatenate([block[:, 0] for block in decode(path, 44_100, 1)])
        assert 20 * np.log10(np.sqrt(np.square(sound).mean())) == pytest.approx(LEVEL_DB, abs=0.2)
        assert not any(word in path.name for word in ("run", "real", "item", key))


def test_a_clip_with_a_high_peak_is_left_softer():
    click = np.zeros(44_100, np.float32)
    click[22_050] = 0.5
    assert 20 * np.log10(np.abs(levelled(click)).max()) == pytest.approx(PEAK_DB, abs=0.01)


def test_silence_stays_silence():
    assert not levelled(np.zeros(100, np.float32)).any()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "holds no clips"),
        ("nonsense", "is no list of clips"),
        ('{"a": 1}', "is no list of clips"),
        ('[{"system": "a"}]', "is no list of clips"),
        ('[{"system": "a", "item": "i", "prompt": "", "lyrics": "", "file": "no.flac"}]', "which is not there"),
    ],
)
def test_a_list_of_clips_that_is_none_is_refused_in_words(tmp_path, text, words):
    (tmp_path / "clips.json").write_text(text)
    with pytest.raises(NoClips, match=words):
        read_clips(tmp_path / "clips.json")


def test_a_list_that_is_not_there_is_named(tmp_path):
    with pytest.raises(NoClips, match=r"clips.json cannot be read: No such file"):
        read_clips(tmp_path / "clips.json")


def test_a_file_that_is_no_audio_is_named(clips, tmp_path):
    (tmp_path / "a.flac").write_bytes(b"no audio")
    row = {"system": "a", "item": "i", "prompt": "", "lyrics": "", "file": "a.flac"}
    (tmp_path / "clips.json").write_text(json.dumps([row]))
    with pytest.raises(NoClips, match=r"a.flac does not decode"):
        made_alike(read_clips(tmp_path / "clips.json"), tmp_path)


def test_what_is_written_is_plain_sql(rated):
    with sqlite3.connect(rated.path) as database:
        (count,) = database.execute("SELECT count(*) FROM ratings WHERE kind = 'mos' AND system = 'real'").fetchone()
    assert count == 60
