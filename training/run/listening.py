"""Songs that a run makes on its way, always the same ones, so that one hears it learn.

Letters: n latent frame, c latent channel, t sample.
"""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import soundfile
from torch import Tensor

from training.codec import Codec, LatentSpec
from training.data.corpus import Corpus
from training.data.draws import draw_of, lines_between, random_of, states_of
from training.data.faults import SampleFault
from training.generate import Singer
from training.guidance import Guidance, fullest
from training.model import SongModel
from training.request import Request
from training.run.checkpoints import step_name
from training.run.curves import Curves
from training.run.settings import RunSettings
from training.run.trainer import Trainer

SONGS, TRIED = 2, 16


class NothingToHear(Exception):
    """No samples could be made or written; the message says why."""


def hear(weights: Mapping[str, Tensor], trainer: Trainer, corpus: Corpus, codec: Codec, curves: Curves) -> list[Path]:
    """Makes what a corpus's first samples say, with these weights; writes it as FLAC, and to the curves.

    Raises:
        NothingToHear
    """
    settings, encoder, device = trainer.settings, trainer.encoder, trainer.ranks.device
    model = SongModel(settings.model, encoder.width if encoder else 0).eval()
    model.load_state_dict(dict(weights))
    singer = Singer(model.to(device), LatentSpec.of(codec), settings.sampler, states_of(settings.stage), encoder)
    if not (requests := first_requests(settings, corpus)):
        raise NothingToHear(f"nothing to listen to: none of the first {TRIED} samples can be read")
    guidance = Guidance(fullest(singer.states))
    folder = settings.folder / "samples" / step_name(trainer.done)
    paths = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for i, latents in enumerate(singer.latents(requests, guidance, singer.noise(requests, seed=0))):
            sound = codec.decode(latents[None])[0]
            paths.append(folder / f"{i}.flac")
            soundfile.write(paths[-1], sound.clamp(-1, 1).numpy(), codec.rate_hz)
            curves.add_sound(trainer.done, f"song {i}", sound, codec.rate_hz)
    except (OSError, soundfile.LibsndfileError) as error:
        raise NothingToHear(f"the samples in {folder} could not be written: {error}") from error
    return paths


def first_requests(settings: RunSettings, corpus: Corpus) -> list[Request]:
    """Of the first samples that can be read."""
    requests: list[Request] = []
    for index in range(min(TRIED, len(corpus))):
        with suppress(SampleFault):
            requests.append(request_of(settings, corpus, index))
        if len(requests) == SONGS:
            break
    return requests


def request_of(settings: RunSettings, corpus: Corpus, index: int) -> Request:
    """All that is known of the beginning of a sample, for the track that its first draw has."""
    draw = draw_of(settings.stage, random_of(settings.seed, 0, index))
    sample = corpus.read(index, ())
    duration_s = min(sample.duration_s, settings.crop_s)
    lines = tuple(lines_between(sample.lines, 0.0, duration_s))
    return Request(duration_s, sample.prompt, lines, sample.language, draw.track)
