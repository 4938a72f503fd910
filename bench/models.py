"""The models of production beside what others run them with: same weights, same audio, side by side in one run.

    python -m bench.models [PART …] [--repeats 3] [--threads 2] [--device cpu] [--quick]

The parts, each a script of its own with more to set (`python -m bench.separation --help`):

separation      Demucs beside the `demucs` command line: time, memory of a long track, the fine-tuned bag, the profile
transcription   Whisper on faster-whisper beside `openai-whisper`, with the word error of each
emissions       wav2vec2 in equal windows beside the plain loop over tracks
decoding        our ffmpeg child beside librosa, PyAV and torchcodec (where they are installed)

It runs unchanged on a GPU (`--device cuda`), and then prints the GPU's memory too. All of it takes two hours on two
cores; `--quick` takes minutes, and its figures mean nothing.
"""

import argparse
import subprocess
import sys

QUICK = {
    "separation": ["--tracks", "2", "--track-s", "10", "--long-s", "60", "--width", "16", "--repeats", "1"],
    "transcription": ["--quick"],
    "emissions": ["--quick"],
    "decoding": ["--minutes", "0.5", "--rounds", "1"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(QUICK))
    parser.add_argument("--repeats", default="3")
    parser.add_argument("--threads", default="2")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--quick", action="store_true", help="to see that it works")
    arguments = parser.parse_args()
    if odd := [part for part in arguments.parts if part not in QUICK]:
        parser.error(f"there is no part {odd[0]}; there is {', '.join(QUICK)}")
    shared = ["--repeats", arguments.repeats, "--threads", arguments.threads, "--device", arguments.device]
    for part in arguments.parts or QUICK:
        print(f"\n## {part}\n", flush=True)
        options = ["--rounds", arguments.repeats] if part == "decoding" else shared
        if arguments.quick:
            options = [*options, *QUICK[part]]
        subprocess.run([sys.executable, "-m", f"bench.{part}", *options], check=True)


if __name__ == "__main__":
    main()
