"""Qwen2-Audio through vLLM's offline engine, where it is installed: it plans its batches token by token."""

import os
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resources.captioners import LONGEST_S, RATE_HZ, TEMPERATURE, TOP_P

CONTEXT_TOKENS = 4096  # the prompt, 750 for half a minute of audio, and the answer


class VllmAudio:
    """vLLM plans its own batches, of at most `batch` stretches; threads take turns."""

    def __init__(
        self,
        folder: Path,
        *,
        device: str = "cuda:0",
        precision: str = "bfloat16",
        batch: int = 64,
        max_tokens: int = 256,
    ) -> None:
        from vllm import LLM, SamplingParams

        # Its engine is a process of its own, which takes the first GPU that it sees.
        if device.startswith("cuda:"):
            seen = os.environ.get("CUDA_VISIBLE_DEVICES")
            number = int(device.removeprefix("cuda:"))
            os.environ["CUDA_VISIBLE_DEVICES"] = seen.split(",")[number] if seen else str(number)
        self.parameters: Any = SamplingParams
        self.max_tokens = max_tokens
        self.engine: Any = LLM(
            model=str(folder),
            dtype=precision,
            load_format="safetensors",
            max_model_len=CONTEXT_TOKENS,
            max_num_seqs=batch,
            limit_mm_per_prompt={"audio": 1},
            seed=0,
        )
        self.turn = Lock()

    def listen(self, windows: Sequence[NDArray[np.float32]], prompt: str, seed: int | None = None) -> list[str]:
        longest = int(LONGEST_S * RATE_HZ)
        if any(not 0 < len(window) <= longest for window in windows):
            raise ValueError(f"a window is from 1 to {longest} samples, got {[len(window) for window in windows]}")
        drawn = {"temperature": 0.0} if seed is None else {"temperature": TEMPERATURE, "top_p": TOP_P, "seed": seed}
        asked = [{"prompt": chat_of(prompt), "multi_modal_data": {"audio": [(audio, RATE_HZ)]}} for audio in windows]
        with self.turn:
            found = self.engine.generate(asked, self.parameters(max_tokens=self.max_tokens, **drawn), use_tqdm=False)
        return [each.outputs[0].text.strip() for each in found]


def chat_of(prompt: str) -> str:
    """What Qwen2-Audio's own chat template makes of one audio and a prompt."""
    return (
        "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
        f"<|im_start|>user\nAudio 1: <|audio_bos|><|AUDIO|><|audio_eos|>\n{prompt}<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
