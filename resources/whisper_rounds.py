"""Many cuts of a track through faster-whisper at once, with the words that it hears in them one by one.

faster-whisper's own batched pipeline makes a single pass over each cut, and drops what a pass leaves unfinished; one
by one it goes on from there. So do these rounds: in each, all cuts that are not yet heard to their end are heard on
from where they stand, side by side. The mel bands are those of the whole track, as they are when it goes one by one.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from resources.transcribers import Listener, Segment, within

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

LONGEST_FRAMES = 3000  # what Whisper hears at once


def hear_in_rounds(
    model: "WhisperModel",
    audio: np.ndarray,
    cuts: Sequence[tuple[float, float]],
    *,
    language: str,
    beam_size: int,
    batch: int,
    overhear: Listener | None = None,
) -> list[Segment]:
    """Float32 [samples] at 16 kHz -> what is said in the cuts, in order, up to `batch` of them heard at once.

    `overhear` is told what the encoder makes of each cut when it is first heard, whole.
    """
    from faster_whisper.audio import pad_or_trim
    from faster_whisper.tokenizer import Tokenizer
    from faster_whisper.transcribe import get_compression_ratio, get_suppressed_tokens

    mels = model.feature_extractor(audio)  # bands, frames of 10 ms and one more
    frames, frame_s = mels.shape[-1] - 1, model.feature_extractor.time_per_frame
    stands = [round(start_s / frame_s) for start_s, _ in cuts]
    ends = [min(frames, round(end_s / frame_s)) for _, end_s in cuts]
    tokenizer = Tokenizer(model.hf_tokenizer, model.model.is_multilingual, task="transcribe", language=language)
    prompt = model.get_prompt(tokenizer, [])
    suppressed = get_suppressed_tokens(tokenizer, [-1])
    heard: list[list[Segment]] = [[] for _ in cuts]
    while unheard := [i for i in range(len(cuts)) if stands[i] < ends[i]]:
        for group in _groups(unheard, batch):
            rests = [mels[:, stands[i] : min(ends[i], stands[i] + LONGEST_FRAMES)] for i in group]
            encoded = _encoded(model, [pad_or_trim(rest) for rest in rests])
            if overhear is not None:
                for i, each in zip(group, _arrays(encoded), strict=True):
                    if stands[i] == round(cuts[i][0] / frame_s):
                        overhear.hear(stands[i] * frame_s, ends[i] * frame_s, each)
            results = model.model.generate(
                encoded,
                [prompt] * len(group),
                beam_size=beam_size,
                max_length=model.max_length,
                return_scores=True,
                return_no_speech_prob=True,
                suppress_tokens=suppressed,
            )
            for i, rest, result in zip(group, rests, results, strict=True):
                tokens, seconds = result.sequences_ids[0], rest.shape[-1] * frame_s
                # Private, but there faster-whisper keeps Whisper's rules for what its time tokens say.
                pieces, stand, _ = model._split_segments_by_timestamps(
                    tokenizer, tokens, stands[i] * frame_s, rest.shape[-1], seconds, stands[i]
                )
                ratio = get_compression_ratio(tokenizer.decode(tokens).strip())
                heard[i] += _segments(pieces, tokenizer, cuts, result, ratio)
                stands[i] = stand if stand > stands[i] else ends[i]
    return [segment for segments in heard for segment in segments]


def _encoded(model: "WhisperModel", mels: Sequence[np.ndarray]) -> Any:
    """What the encoder makes of windows of mel bands. A processor is at its best with one at a time."""
    from ctranslate2 import StorageView

    if model.model.device != "cpu":
        return model.encode(np.stack(mels))
    return StorageView.from_array(np.concatenate([np.array(model.encode(mel)) for mel in mels]))


def _arrays(encoded: Any) -> np.ndarray:
    """Float32 [windows, frames, width]."""
    return np.array(encoded if encoded.device == "cpu" else encoded.to_device("cpu"), np.float32)


def _groups(indices: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (indices[i : i + size] for i in range(0, len(indices), size))


def _segments(
    pieces: Sequence[dict[str, Any]], tokenizer: Any, cuts: Sequence[tuple[float, float]], result: Any, ratio: float
) -> Iterator[Segment]:
    """What one pass over a cut gave; the pass as a whole was judged. Times are kept inside their cut."""
    length = len(result.sequences_ids[0])
    for piece in pieces:
        text = tokenizer.decode(piece["tokens"]).strip()
        if text and piece["start"] != piece["end"]:
            start_s, end_s = within(cuts, piece["start"], piece["end"])
            yield Segment(
                text=text,
                start_s=start_s,
                end_s=end_s,
                no_speech_probability=result.no_speech_prob,
                mean_log_probability=result.scores[0] * length / (length + 1),
                compression_ratio=ratio,
            )
