"""What whisperX writes down, and in what time: run by bench/transcription.py, in a Python that has whisperx.

    python bench/whisperx_words.py FOLDER WEIGHTS REPEATS THREADS BATCH

FOLDER holds songs as .npy, float32 at 16 kHz. The last line is JSON: seconds of each repeat, and the segments.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import whisperx  # type: ignore[import-not-found]  # not among the dependencies


def main() -> None:
    folder, weights, repeats, threads, batch = sys.argv[1:]
    model = whisperx.load_model(
        weights,
        "cpu",
        compute_type="float32",
        language="en",
        threads=int(threads),
        asr_options={"beam_size": 5, "temperatures": [0.0]},
    )
    songs = [np.load(file) for file in sorted(Path(folder).glob("*.npy"))]
    wall_s, processor_s, heard = [], [], []
    for _ in range(int(repeats)):
        began_s, began_processor_s = time.perf_counter(), time.process_time()
        heard = [model.transcribe(song, batch_size=int(batch))["segments"] for song in songs]
        wall_s.append(time.perf_counter() - began_s)
        processor_s.append(time.process_time() - began_processor_s)
    found = [[(each["text"], each["start"], each["end"]) for each in segments] for segments in heard]
    print(json.dumps({"wall_s": wall_s, "processor_s": processor_s, "heard": found}))


if __name__ == "__main__":
    main()
