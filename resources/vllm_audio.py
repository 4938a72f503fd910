"""Qwen2-Audio through vLLM's offline engine, where it is installed: it plans its batches token by token."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resources.captioners import RATE_HZ, TEMPERATURE, TOP_P, Question, questions
from resources.together import Together

CONTEXT_TOKENS = 4096  # the prompt, 750 for half a minute of audio, and the answer


class VllmAudio:
    """As `QwenAudio`: loaded once, for threads that listen at the same time. An answer depends on its own question."""

    def __init__(
        self,
        folder: Path,
        *,
        device: str = "cuda:0",
        precision: str = "bfloat16",
        batch: int = 64,
        max_tokens: int = 256,
    ) -> None:
        # It takes the first GPU that it sees, and starts processes of its own, which a worker process may not.
        os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"
        if device.startswith("cuda:"):
            seen = os.environ.get("CUDA_VISIBLE_DEVICES")
            number = int(device.removeprefix("cuda:"))
            os.environ["CUDA_VISIBLE_DEVICES"] = seen.split(",")[number] if seen else str(number)
        from vllm import LLM, SamplingParams  # type: ignore[import-not-found]

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
        self.together = Together(self._answers, batch)

    def listen(self, windows: Sequence[NDArray[np.float32]], prompt: str, seed: int | None = None) -> list[str]:
        return self.together(questions(windows, prompt, seed))

    def _answers(self, asked: list[Question]) -> list[str]:
        prompts = [
            {"prompt": chat_of(question.prompt), "multi_modal_data": {"audio": [(question.audio, RATE_HZ)]}}
            for question in asked
        ]
        found = self.engine.generate(prompts, [self._drawn(question.seed) for question in asked], use_tqdm=False)
        return [each.outputs[0].text.strip() for each in found]

    def _drawn(self, seed: int | None) -> Any:
        """How an answer is drawn: at random only where there is a seed for it."""
        if seed is None:
            return self.parameters(max_tokens=self.max_tokens, temperature=0.0)
        return self.parameters(max_tokens=self.max_tokens, temperature=TEMPERATURE, top_p=TOP_P, seed=seed)


def chat_of(prompt: str) -> str:
    """What Qwen2-Audio's own chat template makes of one audio and a prompt."""
    return (
        "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
        f"<|im_start|>user\nAudio 1: <|audio_bos|><|AUDIO|><|audio_eos|>\n{prompt}<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
