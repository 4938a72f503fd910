"""Qwen2-Audio through `transformers`: hears stretches of music, and answers a prompt about each.

Letters in comments: b windows in a batch, v tokens of the vocabulary, l tokens of a question, n of its answer.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import (
    AutoProcessor,
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    Qwen2AudioForConditionalGeneration,
)
from transformers.utils.logging import disable_progress_bar

from resources.batching import is_out_of_memory
from resources.captioners import RATE_HZ, TEMPERATURE, TOP_P, Question, questions
from resources.together import Together
from resources.weights import WeightsError

ENDS = ("<|im_end|>", "<|endoftext|>")  # of a turn, and of a text

log = logging.getLogger(__name__)


class QwenAudio:
    """Loaded once from a folder of safetensors; threads that listen at the same time share batches on the device.

    An answer depends on its stretch, prompt and seed alone (but for the rounding of the device, which may differ
    between sizes of a batch).
    """

    def __init__(
        self,
        folder: Path,
        *,
        device: str = "cpu",
        precision: str = "float32",
        batch: int = 8,
        max_tokens: int = 256,
    ) -> None:
        """Raises WeightsError where the folder does not hold such a model as safetensors."""
        disable_progress_bar()
        network: Any = Qwen2AudioForConditionalGeneration
        try:
            self.processor: Any = AutoProcessor.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            model, loading = network.from_pretrained(
                folder,
                dtype=getattr(torch, precision),
                local_files_only=True,
                use_safetensors=True,
                output_loading_info=True,
            )
        except (OSError, ValueError) as error:
            raise WeightsError(f"{folder} does not hold Qwen2-Audio as safetensors: {error}") from error
        if absent := sorted(loading["missing_keys"]):  # they would be left at random
            raise WeightsError(f"{folder} has no weights for {absent[0]} and {len(absent) - 1} others: fetch it again")
        self.model: Any = model.to(device).eval()
        # Answers grow to the right, so that prompts of a batch must end together.
        tokenizer = self.processor.tokenizer
        tokenizer.padding_side = "left"
        # Instead of what the folder says, which samples; how it is drawn here is `Draw`.
        self.model.generation_config = GenerationConfig(
            do_sample=False,
            max_new_tokens=max_tokens,
            eos_token_id=[tokenizer.convert_tokens_to_ids(end) for end in ENDS],
            pad_token_id=tokenizer.pad_token_id,
        )
        self.together = Together(self._answers_in_memory, batch)
        self._halved = False

    def listen(self, windows: Sequence[NDArray[np.float32]], prompt: str, seed: int | None = None) -> list[str]:
        return self.together(questions(windows, prompt, seed))

    def _answers_in_memory(self, asked: list[Question]) -> list[str]:
        """Once, and for good, with half the batch where the device has no room for a whole one.

        Raises:
            MemoryError: there is no room for half a batch either.
        """
        try:
            return self._answers(asked)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            cause = str(error).partition("\n")[0]
        # Only now, since through its traceback the error holds the very tensors that there is no room for.
        if self._halved or len(asked) == 1:
            raise MemoryError(
                f"no room on {self.model.device} for {len(asked)} windows, set a smaller `batch`: {cause}"
            )
        self._halved = True
        self.together.size = half = (len(asked) + 1) // 2
        log.warning("no room on %s for %d windows at a time: %d from now on", self.model.device, len(asked), half)
        if self.model.device.type == "cuda":
            torch.cuda.empty_cache()
        return [*self._answers_in_memory(asked[:half]), *self._answers_in_memory(asked[half:])]

    @torch.inference_mode()
    def _answers(self, asked: list[Question]) -> list[str]:
        inputs = self.processor(
            text=[self._chat(question.prompt) for question in asked],
            audio=[question.audio for question in asked],
            sampling_rate=RATE_HZ,
            padding=True,
            return_tensors="pt",
        ).to(self.model.device, self.model.dtype)
        draw = Draw([question.seed for question in asked])
        tokens = self.model.generate(**inputs, logits_processor=LogitsProcessorList([draw]))  # b l+n
        answers = tokens[:, inputs["input_ids"].shape[1] :]  # b n
        return [text.strip() for text in self.processor.batch_decode(answers, skip_special_tokens=True)]

    def _chat(self, prompt: str) -> str:
        """The prompt as the model was taught to be asked, with one placeholder for the audio."""
        content = [{"type": "audio", "audio_url": ""}, {"type": "text", "text": prompt}]
        chat: str = self.processor.apply_chat_template(
            [{"role": "user", "content": content}], add_generation_prompt=True, tokenize=False
        )
        return chat


class Draw(LogitsProcessor):
    """Sampling with one generator a stretch, for a greedy search: neither what else is in the batch nor the process's
    own random state changes what is drawn.

    The largest of logits plus Gumbel noise is a draw from their softmax. A stretch without a seed is left alone.
    """

    def __init__(self, seeds: Sequence[int | None]) -> None:
        self.generators = [
            None if seed is None else torch.Generator().manual_seed(seed) for seed in seeds
        ]  # fmt: skip

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        drawn = scores.to(torch.float32, copy=True)  # b v
        for row, generator in enumerate(self.generators):
            if generator is not None:
                drawn[row] = likely(drawn[row] / TEMPERATURE)
                noise = torch.rand(drawn.shape[1], generator=generator).to(drawn.device)  # the same on any device
                drawn[row] -= torch.log(-torch.log(noise.clamp(1e-20, 1 - 1e-7)))
        return drawn  # type: ignore[return-value]


def likely(logits: torch.Tensor) -> torch.Tensor:
    """[v] with all but the most likely tokens, which make up `TOP_P` together, ruled out."""
    ordered, order = logits.softmax(-1).sort(descending=True)
    before = ordered.cumsum(-1) - ordered  # what is more likely than each
    return logits.masked_fill(torch.zeros_like(before, dtype=torch.bool).scatter(0, order, before >= TOP_P), -torch.inf)
