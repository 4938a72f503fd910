"""Where a page can be opened: in place where the store is a folder, otherwise as a copy on this machine."""

import shutil
from pathlib import Path

from assets.pages.render import page_key
from assets.pages.stage import page_folder
from resources.ffmpeg import local_path
from resources.ledger import digest
from resources.stores import Store


def local_page(store: Store, batch: str, cache: Path) -> Path:
    """The page as a file. A copy is made under `cache`, of what is not there yet.

    Raises:
        KeyError: the batch has no page.
    """
    uri = store.uri(page_key(batch))
    if uri.startswith("file:"):
        return local_path(uri)
    target = cache / digest(uri)
    folder = page_folder(batch)
    (target / "media").mkdir(parents=True, exist_ok=True)
    keys = store.list(f"{folder}/media/")
    for key in keys:
        if not (file := target / key.removeprefix(f"{folder}/")).exists():  # named for what is in it: never changes
            _copy(store, key, file)
    _copy(store, page_key(batch), target / "index.html")
    kept = {Path(key).name for key in keys}
    for file in (target / "media").iterdir():
        if file.name not in kept:
            file.unlink()
    return target / "index.html"


def _copy(store: Store, key: str, file: Path) -> None:
    part = file.with_name(f".{file.name}")
    with store.open(key) as source, part.open("wb") as out:
        shutil.copyfileobj(source, out)
    part.replace(file)
