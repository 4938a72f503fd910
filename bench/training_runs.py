"""Whether a training run bears being killed, and another beside it: python -m bench.training_runs --store data

The music stage of the demo size, seven times from the same seed on a store's latents (`melisma train` makes them),
launched on a page of Dagster's own with its daemon: undisturbed; with its trainer killed in the middle; with the
process of its run killed; with the daemon killed, and another one started; cancelled, and launched again; and two at
once. Each must end with the same weights. All of it happens in a temporary folder, on a copy of the store.
"""

import argparse
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.request import Request, urlopen

import psutil

from assets.partitions import TRAINING_RUNS
from resources.launchers import MARK, OWNER, marked

HOUSE = Path(__file__).resolve().parents[1]
PORT = 3977
CASES = ("nothing", "trainer", "run", "daemon", "cancelled", "two")
LAUNCH = """
mutation Launch($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
    ... on RunConfigValidationInvalid { errors { message } }
  }
}
"""
CANCEL = """
mutation Cancel($id: String!) {
  terminateRun(runId: $id) { __typename ... on TerminateRunFailure { message } ... on PythonError { message } }
}
"""
RUNS = "query { runsOrError { ... on Runs { results { runId status tags { key value } } } } }"


def ask(query: str, variables: dict[str, Any] | None = None) -> Any:
    body = json.dumps({"query": query, "variables": variables or {}}).encode()
    request = Request(f"http://localhost:{PORT}/graphql", body, {"Content-Type": "application/json"})
    with urlopen(request, timeout=60) as answer:
        return json.load(answer)["data"]


@contextmanager
def started(*command: str, environment: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    with Path(environment["DAGSTER_HOME"], f"{Path(command[0]).name}.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=HOUSE, env=environment, stdout=log, stderr=log)
    try:
        yield process
    finally:
        for child in [*_family(process.pid), process.pid]:
            _kill(child)
        process.wait()


def daemon(environment: dict[str, str]) -> Any:
    return started(_program("dagster-daemon"), "run", "-m", "pipelines.definitions", environment=environment)


def launch(run: str, steps: int) -> None:
    import dagster as dg

    with dg.DagsterInstance.get() as instance:
        instance.add_dynamic_partitions(TRAINING_RUNS, [run])
    config = {"ops": {"music_pretrain": {"config": {"size": "demo", "steps": steps, "threads": 2}}}}
    selector = {
        "repositoryLocationName": "pipelines.definitions",
        "repositoryName": "__repository__",
        "jobName": "train_music",
    }
    tags = {"executionMetadata": {"tags": [{"key": "dagster/partition", "value": run}]}}
    answer = ask(LAUNCH, {"params": {"selector": selector, "runConfigData": config, **tags}})["launchRun"]
    assert answer["__typename"] == "LaunchRunSuccess", answer


def ended(run: str) -> bool:
    """Whether the last of the runs of Dagster's that belong to a training run is over. Raises RuntimeError: badly."""
    statuses = [each["status"] for each in _of(run)]
    if statuses and statuses[0] == "FAILURE" and len(statuses) > 2:
        raise RuntimeError(f"{run} failed: {statuses}")
    return bool(statuses) and statuses[0] == "SUCCESS"


def _of(run: str) -> list[dict[str, Any]]:
    """The runs of Dagster's of a training run, the newest first."""
    found = ask(RUNS)["runsOrError"]["results"]
    return [each for each in found if {"key": "dagster/partition", "value": run} in each["tags"]]


def wait_for(condition: Callable[[], bool], seconds: float = 900.0) -> float:
    start_s = time.monotonic()
    while not condition():
        if time.monotonic() - start_s > seconds:
            raise TimeoutError("it never came")
        time.sleep(0.5)
    return time.monotonic() - start_s


def reached(folder: Path, step: int) -> bool:
    file = folder / "curves" / "curves.jsonl"
    rows = file.read_text().splitlines() if file.exists() else []
    return bool(rows) and json.loads(rows[-1])["step"] >= step


def trainer_of(folder: Path) -> int:
    return int((folder / "lock").read_text().split()[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, default=Path("data"))
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--only", nargs="+", choices=CASES, default=CASES, help="of the table's rows")
    arguments = parser.parse_args()
    with TemporaryDirectory() as home:
        shutil.copy(HOUSE / "dagster.yaml", home)
        runs = Path(home) / "runs"
        for folder in ("shards", "latents", "tables", "current"):  # the store's own runs are none of this
            shutil.copytree(arguments.store / folder, Path(home) / "store" / folder, copy_function=shutil.copy)
        environment = {
            **os.environ,
            "DAGSTER_HOME": home,
            "MELISMA_STORE": str(Path(home) / "store"),
            "MELISMA_MODELS__RUNS": str(runs),
        }
        os.environ.update(environment)
        page = started(
            _program("dagster-webserver"), "-p", str(PORT), "-m", "pipelines.definitions", environment=environment
        )
        found: list[str] = []
        with page:
            wait_for(_answers)
            print("| killed | took | weights | the same | processes left |\n|---|---|---|---|---|")
            for name in arguments.only:
                if name == "two":
                    for of_two, weights, seconds, left in _two(runs, arguments.steps, environment):
                        tell(of_two, weights, seconds, left, found)
                else:
                    tell(name, *_one(name, runs, arguments.steps, environment), found)


def tell(name: str, weights: str, seconds: float, left: int, found: list[str]) -> None:
    """A row of the table; the first weights are what all others must be."""
    found.append(weights)
    same = "yes" if weights == found[0] else "NO"
    print(f"| {name} | {seconds:.0f} s | {weights[:12]} | {same} | {left} |", flush=True)


def weights_of(folder: Path, steps: int) -> str:
    (weights,) = (folder / "exports" / f"step-{steps:08d}").glob("*.safetensors")
    return hashlib.sha256(weights.read_bytes()).hexdigest()


def _two(runs: Path, steps: int, environment: dict[str, str]) -> Iterator[tuple[str, str, float, int]]:
    """Both at once: the second waits in the pool for the first."""
    names = ("twin-a", "twin-b")
    with daemon(environment):
        start_s = time.monotonic()
        for name in names:
            launch(name, steps)
        for name in names:
            wait_for(lambda: ended(name))  # noqa: B023 - it is called at once
            yield f"nothing, {name} of two", weights_of(runs / name / "music", steps), time.monotonic() - start_s, 0


def _one(name: str, runs: Path, steps: int, environment: dict[str, str]) -> tuple[str, float, int]:
    """The weights, the seconds it took, and processes left behind."""
    run = f"kills-{name}"
    folder = runs / run / "music"
    with daemon(environment) as first:
        launch(run, steps)
        start_s = time.monotonic()
        if name != "nothing":
            wait_for(lambda: reached(folder, steps * 2 // 3))
        mark = ""
        if name == "trainer":
            mark = _variable(trainer_of(folder), MARK)
            _kill(trainer_of(folder))
        elif name == "run":
            mark = _variable(trainer_of(folder), MARK)
            _kill(int(_variable(trainer_of(folder), OWNER).split()[0]))
        elif name == "daemon":
            _kill(first.pid)
            first.wait()  # what it had started is nobody's now, and goes on
        elif name == "cancelled":
            mark = _variable(trainer_of(folder), MARK)
            answer = ask(CANCEL, {"id": _of(run)[0]["runId"]})["terminateRun"]
            assert answer["__typename"] == "TerminateRunSuccess", answer
            wait_for(lambda: _of(run)[0]["status"] == "CANCELED")
            print(f"(cancelled in {time.monotonic() - start_s:.0f} s, {len(marked(mark))} processes left)", flush=True)
            launch(run, steps)
        if name != "daemon":
            wait_for(lambda: ended(run))
    if name == "daemon":
        with daemon(environment):
            wait_for(lambda: ended(run))
    seconds = time.monotonic() - start_s
    return weights_of(folder, steps), seconds, len(marked(mark)) if mark else 0


def _answers() -> bool:
    try:
        return bool(ask("query { version }")["version"])
    except OSError:
        return False


def _variable(pid: int, name: str) -> str:
    for part in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
        if part.startswith(f"{name}=".encode()):
            return part.partition(b"=")[2].decode()
    raise KeyError(name)


def _family(pid: int) -> list[int]:
    try:
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _kill(pid: int) -> None:
    if psutil.pid_exists(pid):
        os.kill(pid, signal.SIGKILL)


def _program(name: str) -> str:
    return str(Path(sys.executable).parent / name)


if __name__ == "__main__":
    main()
