"""Frozen text encoders, on small random weights that go to disk and come back through the same door."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from resources.models import ModelUnavailable
from training import prompt_encoders
from training.codec import open_codec
from training.conditioning import Conditioner, tell
from training.dit import Dit
from training.guidance import State
from training.prompt_encoders import Remembering, open_encoder
from training.request import AskedLine, Request
from training.run.export import open_export
from training.run.ranks import Ranks
from training.run.run import Ending, run
from training.run.settings import RunSettings, SavingSettings
from training.settings import ConditionSettings, DitSettings, ModelSettings
from training.stages import StageSettings

WORDS = ("slow", "fast", "folk", "rock", "song", "with", "a", "piano", "and", "drums")
PROMPTS = ["slow folk", "fast rock song with a piano and drums", "rock"]


def save_tokenizer(folder: Path, begin: str, end: str, pad_first: bool) -> int:
    """Whole words, each prompt between `begin` and `end` as its model was trained to see it; gives the vocabulary."""
    from transformers import PreTrainedTokenizerFast

    special = [begin, "<pad>", end, "<unk>"] if not pad_first else ["<pad>", end, "<unk>"]
    vocabulary = {word: i for i, word in enumerate((*special, *WORDS))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    around = [(token, vocabulary[token]) for token in (begin, end) if token]
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{begin} $A {end}".strip(), special_tokens=around)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>", eos_token=end
    ).save_pretrained(folder)
    return len(vocabulary)


def save_t5(folder: Path, network: str = "T5EncoderModel", config: str = "T5Config") -> None:
    import transformers

    words = save_tokenizer(folder, "", "</s>", pad_first=True)
    shape = getattr(transformers, config)(
        vocab_size=words, d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2, feed_forward_proj="gated-gelu"
    )
    getattr(transformers, network)(shape).save_pretrained(folder)


def save_umt5(folder: Path) -> None:
    save_t5(folder, "UMT5EncoderModel", "UMT5Config")


def save_whole_t5(folder: Path) -> None:
    """With its decoder, as T5 is published."""
    save_t5(folder, "T5ForConditionalGeneration")


TEXT = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
        "max_position_embeddings": 14, "projection_dim": 8}  # fmt: skip


def save_clap_text(folder: Path) -> None:
    from transformers import ClapTextConfig, ClapTextModelWithProjection

    words = save_tokenizer(folder, "<s>", "</s>", pad_first=False)
    ClapTextModelWithProjection(ClapTextConfig(vocab_size=words, **TEXT)).save_pretrained(folder)


def save_clap(folder: Path) -> None:
    """Both of its halves, as CLAP is published."""
    from transformers import ClapConfig, ClapModel

    words = save_tokenizer(folder, "<s>", "</s>", pad_first=False)
    audio = {"patch_embeds_hidden_size": 8, "depths": [1, 1], "num_attention_heads": [1, 1], "num_mel_bins": 64,
             "spec_size": 64, "hidden_size": 16, "projection_dim": 8}  # fmt: skip
    config = ClapConfig(text_config={"vocab_size": words, **TEXT}, audio_config=audio, projection_dim=8)
    ClapModel(config).save_pretrained(folder)


SAVE = {
    "t5": save_t5,
    "whole_t5": save_whole_t5,
    "umt5": save_umt5,
    "clap_text": save_clap_text,
    "clap": save_clap,
}


@pytest.fixture(scope="module", params=list(SAVE))
def saved(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ConditionSettings:
    folder = tmp_path_factory.mktemp(request.param)
    torch.manual_seed(0)
    SAVE[request.param](folder)
    return ConditionSettings(prompt_encoder=str(folder))


@pytest.fixture(scope="module")
def t5(tmp_path_factory: pytest.TempPathFactory) -> ConditionSettings:
    folder = tmp_path_factory.mktemp("one")
    torch.manual_seed(0)
    save_t5(folder)
    return ConditionSettings(prompt_encoder=str(folder))


def opened(settings: ConditionSettings, cache_folder: Path | None = None) -> Remembering:
    encoder = open_encoder(settings, cache_folder=cache_folder)
    assert isinstance(encoder, Remembering)
    return encoder


@contextmanager
def forwards(encoder: Remembering) -> Iterator[list[int]]:
    """How many prompts went into each forward of the network."""
    rows: list[int] = []

    def count(_: Any, __: Any, arguments: dict[str, torch.Tensor]) -> None:
        rows.append(len(arguments["input_ids"]))

    handle = encoder.network.model.register_forward_pre_hook(count, with_kwargs=True)
    yield rows
    handle.remove()


def test_what_is_read_is_what_the_plain_model_reads(saved: ConditionSettings):
    from transformers import AutoTokenizer, ClapTextModelWithProjection, T5EncoderModel, UMT5EncoderModel

    folder = saved.prompt_encoder
    kinds = {"t5": T5EncoderModel, "umt5": UMT5EncoderModel}
    encoder = opened(saved)
    plain = kinds.get(encoder.network.model.config.model_type, ClapTextModelWithProjection).from_pretrained(folder)
    with torch.no_grad():
        ids = AutoTokenizer.from_pretrained(folder)(PROMPTS[1], return_tensors="pt").input_ids
        expected = plain.eval()(input_ids=ids).last_hidden_state[0]
    (read,) = encoder(PROMPTS[1:2])
    assert read.shape == (ids.shape[1], encoder.width)
    torch.testing.assert_close(read, expected, atol=1e-6, rtol=1e-5)


def test_a_prompt_is_read_the_same_alone_and_beside_others(saved: ConditionSettings):
    beside = opened(saved)(PROMPTS)
    for prompt, tokens in zip(PROMPTS, beside, strict=True):
        torch.testing.assert_close(opened(saved)([prompt])[0], tokens, atol=1e-5, rtol=1e-5)


def test_a_prompt_that_is_too_long_is_cut(saved: ConditionSettings):
    (cut,) = opened(saved.model_copy(update={"prompt_tokens": 5}))([" ".join(["slow"] * 30)])
    assert len(cut) == 5


def test_clap_is_asked_for_no_more_tokens_than_it_has_places_for(tmp_path: Path):
    save_clap_text(tmp_path)
    (read,) = opened(ConditionSettings(prompt_encoder=str(tmp_path)))([" ".join(["slow"] * 30)])
    assert len(read) == TEXT["max_position_embeddings"] - 2
    assert read.isfinite().all()


def test_it_never_learns(saved: ConditionSettings):
    encoder = opened(saved)
    assert not any(parameter.requires_grad for parameter in encoder.network.model.parameters())
    assert not encoder.network.model.training
    assert not encoder(PROMPTS)[0].requires_grad


def test_each_distinct_prompt_is_read_once_and_together(t5: ConditionSettings):
    encoder = opened(t5)
    with forwards(encoder) as rows:
        first = encoder([*PROMPTS, PROMPTS[0]])
        again = encoder([PROMPTS[0], "piano", *PROMPTS])
    assert rows == [3, 1]
    assert torch.equal(first[0], first[3])
    assert torch.equal(first[1], again[3])


def test_what_one_process_has_read_the_next_finds_in_the_folder(t5: ConditionSettings, tmp_path: Path):
    read = opened(t5, tmp_path)(PROMPTS)
    later = opened(t5, tmp_path)
    with forwards(later) as rows:
        found = later(PROMPTS)
    assert rows == []
    assert all(torch.equal(one, other) for one, other in zip(read, found, strict=True))
    assert len(list(tmp_path.rglob("*.safetensors"))) == len(PROMPTS)
    assert not [path for path in (tmp_path / ".parts").rglob("*") if path.is_file()]


def truncated(data: bytes) -> bytes:
    return data[: len(data) // 2]


def flipped(data: bytes) -> bytes:
    return data[:-3] + bytes([data[-3] ^ 1]) + data[-2:]


def emptied(data: bytes) -> bytes:
    return b""


@pytest.mark.parametrize("damage", [truncated, flipped, emptied])
def test_a_damaged_object_is_made_anew(t5: ConditionSettings, tmp_path: Path, damage):
    (read,) = opened(t5, tmp_path)(PROMPTS[:1])
    (path,) = tmp_path.rglob("*.safetensors")
    good = path.read_bytes()
    path.write_bytes(damage(good))
    later = opened(t5, tmp_path)
    with forwards(later) as rows:
        (again,) = later(PROMPTS[:1])
    assert rows == [1]
    assert torch.equal(read, again)
    assert path.read_bytes() == good


def test_other_weights_and_another_limit_have_objects_of_their_own(t5: ConditionSettings, tmp_path: Path):
    other = tmp_path / "other"
    torch.manual_seed(1)
    save_t5(other)
    cache = tmp_path / "cache"
    for settings in (t5, t5.model_copy(update={"prompt_tokens": 5}), ConditionSettings(prompt_encoder=str(other))):
        opened(settings, cache)(PROMPTS[:1])
    assert len(list(cache.rglob("*.safetensors"))) == 3


def test_memory_is_bounded_and_keeps_the_latest(t5: ConditionSettings, monkeypatch: pytest.MonkeyPatch):
    encoder = opened(t5)
    size = encoder(["slow folk"])[0].nbytes
    monkeypatch.setattr(prompt_encoders, "MEMORY_BYTES", 2 * size)
    for prompt in ("fast folk", "slow folk", "slow rock"):
        encoder([prompt])
    assert encoder.memory_bytes == 2 * size
    with forwards(encoder) as rows:
        encoder(["slow folk", "slow rock"])
    assert rows == []


def test_without_a_word_there_is_nothing_to_read(t5: ConditionSettings):
    encoder = opened(t5)
    with forwards(encoder) as rows:
        read = encoder(["", "  "])
    assert [tokens.shape for tokens in read] == [(0, 16), (0, 16)]
    assert rows == []


def test_no_encoder_is_opened_where_none_is_named():
    assert open_encoder(ConditionSettings()) is None


def test_a_model_that_reads_no_text_is_refused(tmp_path: Path):
    from transformers import DacConfig, DacModel

    save_tokenizer(tmp_path, "", "</s>", pad_first=True)
    DacModel(DacConfig(encoder_hidden_size=8, downsampling_ratios=[2], decoder_hidden_size=8)).save_pretrained(tmp_path)
    with pytest.raises(ModelUnavailable, match=r"not hold a text encoder of T5 or CLAP: its config\.json says dac"):
        opened(ConditionSettings(prompt_encoder=str(tmp_path)))


def test_a_model_without_its_tokenizer_is_refused(tmp_path: Path):
    save_t5(tmp_path)
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(ModelUnavailable, match=r"it has no tokenizer\.json"):
        opened(ConditionSettings(prompt_encoder=str(tmp_path)))


def test_weights_that_are_not_all_there_are_refused_and_not_drawn_at_random(tmp_path: Path):
    save_t5(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    del weights["encoder.final_layer_norm.weight"]
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelUnavailable, match=r"1 of its weights are not there, encoder\.final_layer_norm"):
        opened(ConditionSettings(prompt_encoder=str(tmp_path)))


def test_pickled_weights_are_not_looked_at(tmp_path: Path):
    save_t5(tmp_path)
    torch.save(load_file(tmp_path / "model.safetensors"), tmp_path / "pytorch_model.bin")
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(ModelUnavailable, match="there are no weights in"):
        opened(ConditionSettings(prompt_encoder=str(tmp_path)))


def test_the_song_model_trains_on_what_a_frozen_encoder_has_read(saved: ConditionSettings):
    encoder = opened(saved)
    shape = DitSettings(channels=4, width=24, depth=1, heads=2, text_width=16, lyrics_width=8)
    torch.manual_seed(0)
    conditioner, model = Conditioner(saved, shape, encoder.width), Dit(shape)
    for weight in (model.out.weight, model.blocks[0].read.out.weight):
        torch.nn.init.normal_(weight)
    requests = [Request(1.0, prompt, (AskedLine("hello", 0.2, 0.8),), "en") for prompt in (*PROMPTS, "")]
    told = tell(requests, 0.1, shape.channels, saved).read_by(encoder, [request.prompt for request in requests])
    x_t, t = torch.randn(4, 10, 4), torch.rand(4)
    with_prompt, without = (
        model(x_t, t, told.frames, conditioner(told.in_state(state))) for state in (State.BOTH, State.VOCALS)
    )
    with_prompt.square().mean().backward()
    assert conditioner.prompt.weight.grad.abs().max() > 0
    changes = (with_prompt - without).abs().amax(dim=(1, 2))
    assert (changes[:3] > 1e-3).all()
    assert changes[3] < 1e-5  # it had no prompt


def test_a_run_goes_on_and_makes_songs_without_reading_a_prompt_twice(t5, latents, small_codec, tmp_path, monkeypatch):
    store, index = latents
    shape = DitSettings(channels=small_codec.bands, patch=4, width=16, depth=1, heads=2, text_width=16, lyrics_width=8)
    model = ModelSettings(dit=shape, codec=small_codec, conditions=t5.model_copy(update={"layers": 1}))
    settings = {"folder": tmp_path / "run", "store": str(store.root), "index": index, "model": model, "workers": 0}
    settings |= {"frames": 128, "crop_s": 2.0, "saving": SavingSettings(every=4, sample_every=4)}
    settings |= {"stage": StageSettings(short_prompts=0.0)}
    assert run(RunSettings(**settings, steps=4), Ranks()) is Ending.DONE
    monkeypatch.setattr(prompt_encoders.TextNetwork, "__call__", None)  # all that it would read has been read
    assert run(RunSettings(**settings, steps=8), Ranks()) is Ending.DONE
    exported = open_export(tmp_path / "run/exports/step-00000008")
    assert exported.origin.frozen_width == 16
    singer = exported.singer(open_codec(small_codec), open_encoder(exported.model.settings.conditions, "cpu", None))
    assert len(list((tmp_path / "run/samples/step-00000008").iterdir())) == 2
    assert singer.encoder is not None
