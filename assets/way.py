"""The way of a track: the stages in the order in which they read each other."""

from collections.abc import Container, Iterator

from assets.captions.stage import captions_stage
from assets.catalogue.stage import catalogue_stage, catalogue_through
from assets.lyrics.stage import lyrics_stage
from assets.profile import Profile
from assets.shards.stage import pack_batch, shards_stage
from assets.stage import Outcome, Policy, Recipe, Stage, run_stage
from assets.stems.stage import stems_stage
from assets.tracks.stage import tracks_stage
from assets.windows.stage import windows_stage
from resources.engines import Engine
from resources.ledger import Ledger


def way(profile: Profile, *, fetch: Container[str] = ()) -> dict[str, Recipe]:
    """Every partitioned stage by its table, as the profile has it. The models of those in `fetch` are here afterwards.

    Raises:
        ModelUnavailable: a model of a stage in `fetch` cannot be had.
    """
    root, threads = profile.store_root, profile.threads
    stages: list[Recipe] = [
        tracks_stage(profile.tracks, threads),
        catalogue_stage(profile.catalogue),
        stems_stage(profile.stems, root, threads, fetch="stems" in fetch),
        lyrics_stage(profile.lyrics, root, threads, fetch="lyrics" in fetch),
        captions_stage(profile.captions, root, threads, fetch="captions" in fetch),
        windows_stage(profile.windows),
        shards_stage(profile.shards, root),
    ]
    return {stage.table: stage for stage in stages}


def go(
    profile: Profile, batch: str, ledger: Ledger, engine: Engine, last: str = "shards", policy: Policy | None = None
) -> Iterator[Outcome]:
    """Takes a batch all the way, or to the stage `last`, without Dagster.

    Raises:
        ValueError: there is no such stage.
        ModelUnavailable: a model cannot be had; before anything is done.
    """
    names = list(way(profile))
    stages, policy = way(profile, fetch=names[: names.index(last) + 1]), policy or Policy()
    for name, stage in stages.items():
        if not isinstance(stage, Stage):
            yield catalogue_through(stage, profile.catalogue, batch, ledger)
        elif name == "shards":
            yield pack_batch(stage, profile.shards, batch, ledger, engine, attempts=policy.attempts)
        else:
            yield run_stage(stage, batch, ledger, engine, policy)
        if name == last:
            return
