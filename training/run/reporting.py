"""How a run ended, told to Dagster where it was Dagster that started it: through Pipes, by the first rank alone."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

STARTED_BY_DAGSTER = "DAGSTER_PIPES_CONTEXT"

Report = Callable[[str, str], None]  # an ending, and what there is to say of it


@contextmanager
def reporting(first: bool) -> Iterator[Report]:
    """Gives what tells the ending: done, stopped, or refused where starting again would not help."""
    if not first or STARTED_BY_DAGSTER not in os.environ:
        yield lambda ending, words: None
        return
    from dagster_pipes import open_dagster_pipes

    with open_dagster_pipes() as pipes:
        yield lambda ending, words: pipes.report_custom_message({"ending": ending, "words": words})
