"""The house: which way imports point, what may know Dagster, and how long the definitions take to load."""

import ast
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parents[1]
FLOORS = ("pipelines", "assets", "training", "resources")  # imports point down this list, never up
KNOW_DAGSTER = {"asset.py", "checks.py"}
HEAVY = {"torch", "transformers", "faster_whisper", "ctranslate2", "librosa", "ray", "matplotlib", "sklearn", "numba"}


def modules() -> list[Path]:
    return sorted(path for floor in FLOORS for path in (HOUSE / floor).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(HOUSE).as_posix())
def test_imports_point_one_way(path: Path):
    floor = FLOORS.index(path.relative_to(HOUSE).parts[0])
    above = FLOORS[:floor]
    assert [name for name in imported(path) if name.split(".")[0] in above] == []


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(HOUSE).as_posix())
def test_only_a_few_files_know_dagster(path: Path):
    place = path.relative_to(HOUSE)
    allowed = (
        place.parts[0] == "pipelines"
        or (place.parts[0] == "assets" and path.name in KNOW_DAGSTER)
        or place.as_posix() in ("assets/partitions.py", "resources/configured.py")
    )
    assert allowed or not [name for name in imported(path) if name.split(".")[0] == "dagster"]


def test_the_four_packages_are_ours():
    for floor in FLOORS:
        module = __import__(floor)
        assert Path(module.__file__ or "").parent == HOUSE / floor


def test_definitions_load_in_three_seconds_and_without_heavy_imports():
    code = f"import sys, pipelines.definitions; print(*sorted({HEAVY!r} & set(sys.modules)))"

    def processor_s() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    before_s = processor_s()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=HOUSE, check=True)
    assert done.stdout.strip() == ""
    # Processor time: what else runs on this machine is not the definitions' fault.
    assert processor_s() - before_s < 3
