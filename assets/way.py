"""The way of a track: the stages in the order in which they read each other."""

from assets.captions.stage import captions_stage
from assets.catalogue.stage import catalogue_stage
from assets.lyrics.stage import lyrics_stage
from assets.profile import Profile
from assets.shards.stage import shards_stage
from assets.stage import Recipe
from assets.stems.stage import stems_stage
from assets.tracks.stage import tracks_stage
from assets.windows.stage import windows_stage


def way(profile: Profile) -> dict[str, Recipe]:
    """Every partitioned stage by its table, as the profile has it."""
    root, threads = profile.store_root, profile.threads
    stages: list[Recipe] = [
        tracks_stage(profile.tracks, threads),
        catalogue_stage(profile.catalogue),
        stems_stage(profile.stems, root, threads),
        lyrics_stage(profile.lyrics, root, threads),
        captions_stage(profile.captions, root, threads),
        windows_stage(profile.windows),
        shards_stage(profile.shards, root),
    ]
    return {stage.table: stage for stage in stages}
