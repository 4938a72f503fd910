"""A song as it is heard: what a model writes, made sound by a codec, with its stems from the same noise.

Letters: t sample, n latent frame, c latent channel.
"""

import resource
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from training.codec import Codec
from training.generate import Singer, Spent
from training.guidance import Guidance
from training.request import Request, Track

PEAK_DB = -1.0  # the loudest sample of any track


@dataclass(frozen=True, slots=True)
class Song:
    """`sounds` are t, mono, at `rate_hz`, each exactly as long as was asked; `gain_db` was put on all of them alike."""

    request: Request
    seed: int
    rate_hz: int
    sounds: Mapping[Track, Tensor]
    gain_db: float
    read_s: float  # in which what is asked was read
    denoise_s: float
    decode_s: float
    memory_bytes: int  # the most that this process has held at once, or the GPU

    @property
    def real_time_factor(self) -> float:
        """Seconds that a second of one track took."""
        return (self.read_s + self.denoise_s + self.decode_s) / (len(self.sounds) * self.request.duration_s)


def make_song(
    singer: Singer, codec: Codec, request: Request, tracks: Sequence[Track], guidance: Guidance, seed: int
) -> Song:
    """The tracks of one song.

    Raises:
        ValueError: it cannot be asked for like this: too long, lines outside it, guidance the model never learnt; or
            what comes out is no sound.
    """
    device = next(singer.model.parameters()).device.type
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    requests = [replace(request, track=track) for track in tracks]
    spent = Spent()
    latents = singer.latents(requests, guidance, singer.noise(requests, seed), spent)
    start_s = time.perf_counter()
    length = round(request.duration_s * codec.rate_hz)
    sounds = {track: _fitted(codec.decode(n[None])[0], length) for track, n in zip(tracks, latents, strict=True)}
    decode_s = time.perf_counter() - start_s
    if broken := [str(track) for track, sound in sounds.items() if not bool(sound.isfinite().all())]:
        raise ValueError(
            f"the {broken[0]} is no sound: the model or the guidance has gone out of bounds; try less of it"
        )
    gain_db = _gain_db(list(sounds.values()))
    return Song(
        request=request,
        seed=seed,
        rate_hz=codec.rate_hz,
        sounds={track: sound * 10 ** (gain_db / 20) for track, sound in sounds.items()},
        gain_db=gain_db,
        read_s=spent.read_s,
        denoise_s=spent.denoise_s,
        decode_s=decode_s,
        memory_bytes=_memory_bytes(device),
    )


def _fitted(sound: Tensor, length: int) -> Tensor:
    """A song is asked for in seconds and made in frames: half a frame of it may be cut, or be silence."""
    return F.pad(sound[:length], (0, max(0, length - len(sound))))


def _gain_db(sounds: Sequence[Tensor]) -> float:
    """What brings the loudest sample down to `PEAK_DB`; 0 where none is above."""
    peak = max(float(sound.abs().max()) for sound in sounds)
    return min(0.0, PEAK_DB - 20 * float(torch.log10(torch.tensor(peak)))) if peak > 0 else 0.0


def _memory_bytes(device: str) -> int:
    if device == "cuda":
        return int(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
