import json
from pathlib import Path
from typing import Any

import pytest

from resources.tails import StepTail


def line(step: int) -> str:
    return json.dumps({"step": step, "loss": 1.0 / step}) + "\n"


def steps(tail: StepTail) -> list[float]:
    return [row["step"] for row in tail.new()]


def test_rows_are_given_once_as_they_come(tmp_path: Path):
    tail = StepTail(file := tmp_path / "curves.jsonl")
    assert steps(tail) == []
    file.write_text(line(1) + line(2))
    assert steps(tail) == [1, 2]
    with file.open("a") as out:
        out.write(line(3))
    assert steps(tail) == [3]
    assert steps(tail) == []


def test_a_row_that_is_half_written_waits_for_its_end(tmp_path: Path):
    tail = StepTail(file := tmp_path / "curves.jsonl")
    file.write_text(line(1) + line(2)[:5])
    assert steps(tail) == [1]
    file.write_text(line(1) + line(2))
    assert steps(tail) == [2]


def test_what_was_there_before_is_not_told_again(tmp_path: Path):
    file = tmp_path / "curves.jsonl"
    file.write_text(line(1) + line(2))
    tail = StepTail(file)
    with file.open("a") as out:
        out.write(line(3))
    assert steps(tail) == [3]


def test_steps_that_are_taken_again_after_a_resume_are_told_once(tmp_path: Path):
    tail = StepTail(file := tmp_path / "curves.jsonl")
    file.write_text(line(1) + line(2) + line(3))
    assert steps(tail) == [1, 2, 3]
    part = file.with_suffix(".part")
    part.write_text(line(1))  # the last checkpoint was after the first step
    part.replace(file)
    assert steps(tail) == []
    with file.open("a") as out:
        out.write(line(2) + line(3) + line(4))
    assert steps(tail) == [4]


def test_a_file_that_is_replaced_while_it_is_opened_is_read_from_its_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    tail = StepTail(file := tmp_path / "curves.jsonl")
    file.write_text(line(1) + line(2) + line(3))
    assert steps(tail) == [1, 2, 3]
    opened = Path.open

    def replaced_once_opened(path: Path, *arguments: Any) -> Any:
        handle = opened(path, *arguments)
        monkeypatch.undo()
        part = file.with_suffix(".part")
        part.write_text(line(1))
        part.replace(file)
        return handle

    monkeypatch.setattr(Path, "open", replaced_once_opened)
    assert steps(tail) == []
    with file.open("a") as out:
        out.write("".join(line(step).replace("}", ', "more": 1}') for step in range(2, 7)))
    assert steps(tail) == [4, 5, 6]
