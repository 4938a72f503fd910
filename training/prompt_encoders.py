"""Frozen text encoders for prompts, T5 and its kin and the text half of CLAP; what they have read is kept.

Weights come as safetensors, tokenizers as tokenizer.json. Letters: b batch, k text token, d width of the encoder.
"""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from resources.hub import find_weights, missing
from resources.models import ModelChoice, ModelUnavailable
from resources.stores import Store, open_store
from training.conditioning import FrozenEncoder
from training.settings import ConditionSettings

FILES = ("config.json", "tokenizer.json", "*.json", "*.safetensors")
CLASSES = {
    "t5": "T5EncoderModel",
    "mt5": "MT5EncoderModel",
    "umt5": "UMT5EncoderModel",
    "clap": "ClapModel",
    "clap_text_model": "ClapTextModelWithProjection",
}
AT_ONCE = 64  # prompts that are read in one forward
MEMORY_BYTES = 256 << 20


def open_encoder(
    settings: ConditionSettings, device: str = "cpu", cache_folder: Path | None = None
) -> FrozenEncoder | None:
    """The text encoder that the settings name; `None` where they name none. Without a folder it remembers in memory.

    Raises:
        ModelUnavailable: its weights or its tokenizer cannot be had, or it is neither T5 nor CLAP.
    """
    if not settings.prompt_encoder:
        return None
    here = Path(settings.prompt_encoder).expanduser().is_dir()
    choice = ModelChoice(model=settings.prompt_encoder, weights=settings.prompt_encoder if here else "")
    found = find_weights(choice, FILES, fetch=True)
    assert found.path is not None  # it was fetched
    network = TextNetwork(found.path, settings.prompt_tokens, device)
    told_apart = (found.sha256, found.settings, str(network.dtype), network.tokens)
    return Remembering(network, told_apart, open_store(str(cache_folder)) if cache_folder else None)


class TextNetwork:
    """A text encoder as `transformers` has it, in float32 on a CPU and in bfloat16 on a GPU."""

    def __init__(self, folder: Path, tokens: int, device: str) -> None:
        """Raises ModelUnavailable: the folder holds no text encoder of a kind that is known, or not all of it."""
        from transformers import AutoTokenizer
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()
        if lacking := missing(folder, FILES):
            raise ModelUnavailable(f"{folder} holds no text encoder: it has no {lacking[0]}")
        try:
            self.tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            model = _loaded(folder)
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            raise ModelUnavailable(f"{folder} does not hold a text encoder of T5 or CLAP: {error}") from error
        self.device = torch.device(device)
        self.dtype = torch.float32 if self.device.type == "cpu" else torch.bfloat16
        self.model = model.to(self.device).eval().requires_grad_(False)
        self.width: int = model.config.hidden_size
        self.tokens = min(tokens, _longest(model.config))

    @torch.no_grad()
    def __call__(self, prompts: Sequence[str]) -> list[Tensor]:
        """k d each, on the CPU, whichever other prompts there are. Prompts that are too long are cut."""
        batch = self.tokenizer(
            list(prompts), padding=True, truncation=True, max_length=self.tokens, return_tensors="pt"
        ).to(self.device)
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            read = self.model(input_ids=batch.input_ids, attention_mask=batch.attention_mask).last_hidden_state
        rows, there = read.to(self.dtype).cpu(), batch.attention_mask.bool().cpu()
        return [row[kept] for row, kept in zip(rows, there, strict=True)]


class Remembering:
    """A FrozenEncoder that reads each prompt once: it keeps the latest in memory, and all in a store if it has one.

    An object of the store that is damaged is made anew.
    """

    def __init__(self, network: TextNetwork, told_apart: Sequence[str | int], store: Store | None) -> None:
        """`told_apart` is all that what is read depends on, but for the prompt."""
        self.network, self.width = network, network.width
        self.told_apart, self.store = told_apart, store
        self.memory: OrderedDict[str, Tensor] = OrderedDict()
        self.memory_bytes = 0

    def __call__(self, prompts: Sequence[str]) -> list[Tensor]:
        """In a prompt without a word there is nothing to read: 0 d."""
        read = {prompt: self._kept(prompt) for prompt in prompts}
        lacking = sorted((prompt for prompt, tokens in read.items() if tokens is None), key=len)
        for first in range(0, len(lacking), AT_ONCE):
            some = lacking[first : first + AT_ONCE]
            read |= zip(some, self._read(some), strict=True)
        return [tokens.float() for prompt in prompts if (tokens := read[prompt]) is not None]

    def _kept(self, prompt: str) -> Tensor | None:
        if not prompt.strip():
            return torch.zeros(0, self.width)
        if prompt in self.memory:
            self.memory.move_to_end(prompt)
            return self.memory[prompt]
        if self.store is None:
            return None
        try:
            with self.store.open(self._key(prompt)) as file:
                tokens = unpacked(file.read())
        except KeyError:
            return None
        if tokens is not None:
            self._remember(prompt, tokens)
        return tokens

    def _read(self, prompts: Sequence[str]) -> Iterable[Tensor]:
        for prompt, tokens in zip(prompts, self.network(prompts), strict=True):
            if self.store is not None:
                self.store.point(self._key(prompt), packed(tokens))
            self._remember(prompt, tokens)
            yield tokens

    def _remember(self, prompt: str, tokens: Tensor) -> None:
        self.memory[prompt] = tokens
        self.memory_bytes += tokens.nbytes
        while self.memory_bytes > MEMORY_BYTES:
            _, oldest = self.memory.popitem(last=False)
            self.memory_bytes -= oldest.nbytes

    def _key(self, prompt: str) -> str:
        digest = hashlib.sha256(json.dumps([*self.told_apart, prompt]).encode()).hexdigest()
        return f"{digest[:2]}/{digest}.safetensors"


def packed(tokens: Tensor) -> bytes:
    data: bytes = save({"tokens": tokens.contiguous(), "crc32": torch.tensor(_crc32(tokens))})
    return data


def unpacked(data: bytes) -> Tensor | None:
    """What was packed; `None` where it is damaged."""
    try:
        kept: dict[str, Tensor] = load(data)
        tokens, sum_then = kept["tokens"], int(kept["crc32"])
    except (SafetensorError, KeyError, ValueError, RuntimeError):
        return None
    return tokens if _crc32(tokens) == sum_then else None


def _crc32(tokens: Tensor) -> int:
    return crc32(tokens.contiguous().view(torch.uint8).numpy())


def _loaded(folder: Path) -> Any:
    """Its part that reads. Raises ValueError: it is another model, or some of its weights are not there."""
    import transformers

    kind = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type")
    if kind not in CLASSES:
        raise ValueError(f"its config.json says {kind}")
    model, told = getattr(transformers, CLASSES[kind]).from_pretrained(
        folder, local_files_only=True, use_safetensors=True, dtype=torch.float32, output_loading_info=True
    )
    # What is not there would be drawn at random, with a warning and no error.
    if lost := sorted({name for name, _ in model.named_parameters()} & set(told["missing_keys"])):
        raise ValueError(f"{len(lost)} of its weights are not there, {lost[0]} the first")
    return getattr(model, "text_model", model)


def _longest(config: Any) -> int:
    """Tokens that a model has places for. CLAP counts them from the one after padding; T5 hears distances."""
    places: int | None = getattr(config, "max_position_embeddings", None)
    return 1 << 30 if places is None else places - config.pad_token_id - 1
