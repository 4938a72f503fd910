"""Separates files with Demucs as the stage `stems` does: what bench/separation.py times beside `python -m demucs`.

    python -m bench.demucs_folder REPO NAME OUT FILE… [--device cpu] [--batch 1] [--workers 1] [--threads 2]

OUT/vocals.json says where the vocals of each file lie.
"""

import argparse
import json
from functools import partial
from pathlib import Path

from assets.stage import Process
from assets.stems.settings import StemSettings
from assets.stems.stage import stems_of
from resources.engines import Crew, LocalEngine
from resources.models import ModelSpec
from resources.stores import FolderStore


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repo", type=Path)
    parser.add_argument("name")
    parser.add_argument("out", type=Path)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--at-once", type=int, default=1, help="tracks that a worker has under way")
    arguments = parser.parse_args()
    tracks = [
        {"key": file.stem, "uri": str(file), "sha256": None, "duration_s": 1e9, "integrated_lufs": -14.0}
        | {"true_peak_dbtp": 0.0}
        for file in arguments.files
    ]
    engine = LocalEngine(arguments.workers, arguments.threads)
    crew = Crew(arguments.workers, arguments.at_once)
    vocals = {}
    for done in engine.run(partial(_open, arguments), tracks, timeout_s=86_400.0, crew=crew):
        if done.error is not None:
            raise done.error
        vocals[done.item["key"]] = str(arguments.out / done.result[0]["vocals_uri"])
    (arguments.out / "vocals.json").write_text(json.dumps(vocals))


def _open(arguments: argparse.Namespace) -> Process:
    from resources.demucs import DemucsSeparator
    from resources.demucs_files import demucs_files

    files = demucs_files(arguments.name, str(arguments.repo))
    separator = DemucsSeparator(
        files, arguments.device, arguments.precision, arguments.batch, threads=arguments.threads
    )
    spec = ModelSpec(arguments.name, "", "")
    return partial(stems_of, StemSettings(), spec, FolderStore(arguments.out), separator)


if __name__ == "__main__":
    main()
