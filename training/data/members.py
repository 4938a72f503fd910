"""What a latent shard is made of, and where in it everything lies.

A sample is four members, in this order: NAME.accompaniment.npy, NAME.json, NAME.mix.npy, NAME.vocals.npy. An array is
float16 [n, c]. So, from where a sample starts, its frames and the size of its JSON, follows where each member lies.

Letters: n latent frame, c latent channel.
"""

import io
from dataclasses import dataclass
from functools import lru_cache
from tarfile import BLOCKSIZE

import numpy as np

from training.request import Track

JSON = "json"
FILES = {track: f"{track}.npy" for track in Track}
ORDER = tuple(sorted([JSON, *FILES.values()]))


@dataclass(frozen=True, slots=True)
class Place:
    """A member, from its header on, in bytes from the start of its sample."""

    header: int
    size: int  # of its data

    @property
    def data(self) -> int:
        return self.header + BLOCKSIZE

    @property
    def end(self) -> int:
        return self.data + self.size

    @property
    def next(self) -> int:
        return self.end + -self.size % BLOCKSIZE


def places_of(frames: int, channels: int, json_bytes: int) -> dict[str, Place]:
    """Where the members of a sample lie, by extension, in their order."""
    array_bytes = len(npy_head(frames, channels)) + 2 * frames * channels
    places, at = {}, 0
    for extension in ORDER:
        places[extension] = Place(at, json_bytes if extension == JSON else array_bytes)
        at = places[extension].next
    return places


@lru_cache(maxsize=4096)
def npy_head(frames: int, channels: int) -> bytes:
    """What stands before the numbers in a .npy file of float16 [frames, channels]."""
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f2", "fortran_order": False, "shape": (frames, channels)})
    return head.getvalue()


def npy_of(latents: np.ndarray) -> bytes:
    """float16 [n, c] as a .npy file."""
    frames, channels = latents.shape
    return npy_head(frames, channels) + np.ascontiguousarray(latents, "<f2").tobytes()
