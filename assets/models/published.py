"""Models of runs in the store, where a finished stage leaves them for all others.

models/RUN/STAGE/SHA256/…       the export (training/run/export.py), or line durations; never changed
tables/ASSET/RUN/…              a row that says what it is (`models` in assets/tables.py)
"""

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assets.tables import Row, run_table_of
from resources.ledger import Ledger, Pointer, digest
from resources.stores import Store

NAMED = 12  # letters of a hash in a folder's name


def publish(store: Store, run: str, stage: str, folder: Path, weights: str) -> tuple[str, str]:
    """Puts the files of `folder` into the store; gives their prefix, and the sha256 of the file `weights` there."""
    with (folder / weights).open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    prefix = f"models/{run}/{stage}/{sha256[:NAMED]}"
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        store.put(f"{prefix}/{path.relative_to(folder).as_posix()}", path)
    return prefix, sha256


def fetch(store: Store, prefix: str, folder: Path) -> Path:
    """The files under a prefix as a folder, whole or not there. Raises KeyError: there are none."""
    if folder.exists():
        return folder
    keys = store.list(f"{prefix}/")
    if not keys:
        raise KeyError(f"{prefix} is not in the store {store.uri('')}")
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    for key in keys:
        target = part / key.removeprefix(f"{prefix}/")
        target.parent.mkdir(parents=True, exist_ok=True)
        with store.open(key) as source, target.open("wb") as out:
            shutil.copyfileobj(source, out)
    part.rename(folder)
    return folder


def seal(
    ledger: Ledger, asset: str, run: str, rows: list[Row], version: str, inputs: Mapping[str, str], table: str
) -> None:
    """Makes `rows` the table that counts of an asset of a run; `table` names its columns."""
    made = run_table_of(table, [{"run": run, "status": "ok"} | row for row in rows])
    statuses = made["status"].to_pylist()
    counts = {status: statuses.count(status) for status in ("ok", "rejected", "failed")}
    key = f"tables/{asset}/{run}/{digest(made.to_pylist())}.parquet"
    ledger.seal(asset, run, made, Pointer(key, version, "", dict(inputs), counts))


def last_model(ledger: Ledger, asset: str, run: str) -> Row | None:
    """The row of a run's model, if that stage of it is done."""
    if ledger.pointer(asset, run) is None:
        return None
    rows: list[dict[str, Any]] = ledger.read(asset, run).to_pylist()
    return rows[0]
