"""A training run from a file: python -m training.run SETTINGS.json, under torchrun where there are several devices."""

import sys
from pathlib import Path

from pydantic import ValidationError

from resources.models import ModelUnavailable
from resources.outages import Outage
from training.data.faults import TooManyFaults
from training.run.checkpoints import CheckpointError
from training.run.export import ExportError
from training.run.guard import TooMuchTrouble
from training.run.lock import FolderTaken
from training.run.owner import ended_with_its_owner
from training.run.ranks import joined
from training.run.reporting import reporting
from training.run.run import RankFailed, RunRefused, run
from training.run.settings import RunSettings

REFUSALS = (  # which starting again does not mend
    RunRefused,
    FolderTaken,
    ModelUnavailable,
    CheckpointError,
    ExportError,
    TooManyFaults,
    TooMuchTrouble,
)
FAULTS = (*REFUSALS, RankFailed, Outage)


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: python -m training.run SETTINGS.json", file=sys.stderr)
        return 2
    try:
        settings = RunSettings.model_validate_json(Path(arguments[0]).read_bytes())
    except OSError as error:
        print(f"{arguments[0]} cannot be read: {error.strerror}", file=sys.stderr)
        return 2
    except ValidationError as error:
        print(f"{arguments[0]} holds no settings of a run: {in_words(error)}", file=sys.stderr)
        return 2
    with joined() as ranks, reporting(ranks.first) as report, ended_with_its_owner():
        try:
            ending = run(settings, ranks, lambda line: print(line, flush=True) if ranks.first else None)
        except FAULTS as error:
            print(f"rank {ranks.rank}: {error}" if ranks.together else error, file=sys.stderr)
            if isinstance(error, REFUSALS):
                report("refused", str(error))
            return 1
        if ranks.first:
            print(f"{ending}: {settings.folder}")
        report(ending, str(settings.folder))
    return 0


def in_words(error: ValidationError) -> str:
    """Each fault as `model.codec.kind: Input should be …`."""
    faults = ((".".join(map(str, fault["loc"])), fault["msg"]) for fault in error.errors())
    return "; ".join(f"{where}: {what}" if where else what for where, what in faults)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
