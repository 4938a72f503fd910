"""What tests share: a place for tables, real songs, and small Demucs networks with random weights."""

import json
import subprocess
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from assets.stage import Recipe, seal
from assets.tables import Row
from resources import ffmpeg
from resources.ledger import Ledger
from resources.stores import FolderStore

# Machines that run tests are shared and slow at times; a slow example is not a wrong one.
hypothesis.settings.register_profile("shared", deadline=None)
hypothesis.settings.load_profile("shared")

SOURCES = ["drums", "bass", "other", "vocals"]  # of Demucs
ENGLISH = {"<pad>": 0, "<s>": 1, "</s>": 2, "<unk>": 3, "|": 4} | {
    letter: i for i, letter in enumerate("ETAONIHSRDLUMWCFGYPBVK'XJQZ", 5)
}  # the vocabulary of wav2vec2's English models
DEMO = Path(__file__).resolve().parents[1] / "demo"


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


@pytest.fixture
def ledger(store: FolderStore) -> Ledger:
    return Ledger(store)


@pytest.fixture
def seal_batch() -> Callable[[Ledger, str, str, list[Row]], str]:
    """Makes rows the table of a batch: seal_batch(ledger, table, batch, rows)."""
    return lambda ledger, table, batch, rows: seal(Recipe(table, "1", {}, {}), batch, rows, ledger)


@pytest.fixture(scope="session")
def demo_songs() -> dict[str, dict[str, Any]]:
    """Truth of the demo's eight songs by type, each with `path`, its audio."""
    truths = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((DEMO / "truth").glob("*.json"))]
    return {truth["type"]: {**truth, "path": DEMO / "audio" / truth["file"]} for truth in truths}


@pytest.fixture(scope="session")
def cut_song() -> Callable[..., Path]:
    """Makes a file of a stretch of a demo song: cut_song(song, target, start_s, length_s, codec="flac") -> target."""

    def cut(song: dict[str, Any], target: Path, start_s: float, length_s: float, codec: str = "flac") -> Path:
        blocks = ffmpeg.decode(song["path"], 44_100, 2, start_s=start_s, duration_s=length_s)
        ffmpeg.encode(target, blocks, 44_100, codec)
        return target

    return cut


@pytest.fixture
def small_disk() -> Iterator[Callable[[Path, str], None]]:
    """Puts a disk of its own at a folder, and changes it later: small_disk(folder, "size=64k"), "remount,ro", …

    Needs root; the test is skipped where mounting is not allowed.
    """
    mounted: list[Path] = []

    def mount(folder: Path, options: str) -> None:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"this user may not mount: {done.stderr.strip()}")
        mounted.append(folder)

    yield mount
    for folder in set(mounted):
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture(scope="session")
def demucs_network() -> Callable[..., Any]:
    """Makes a network of the real class, small and random: demucs_network("HTDemucs", seed=0, segment=…, …)."""

    def make(kind: str = "HTDemucs", seed: int = 0, **changes: Any) -> Any:
        import torch
        from demucs.hdemucs import HDemucs
        from demucs.htdemucs import HTDemucs

        small: dict[str, Any] = {"channels": 4, "segment": Fraction(1, 2), "dconv_comp": 2}
        if kind == "HTDemucs":
            small |= {"bottom_channels": 16, "t_layers": 1, "t_heads": 2}
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return {"HTDemucs": HTDemucs, "HDemucs": HDemucs}[kind](SOURCES, **(small | changes)).eval()

    return make


@pytest.fixture(scope="session")
def save_th() -> Callable[..., Path]:
    """Saves a network as `demucs.states` does, checksum in its name: save_th(network, folder, "sig", half=False)."""

    def save(network: Any, folder: Path, signature: str, *, half: bool = False, **more: Any) -> Path:
        from demucs.states import get_state, save_with_checksum

        args, kwargs = network._init_args_kwargs
        training = {"optim": {"lr": 3e-4, "betas": [0.9, 0.999]}, "seed": 42, "dummy": None}  # as OmegaConf gives it
        state = get_state(network, None, half=half)
        package = {"klass": type(network), "args": args, "kwargs": kwargs, "state": state, "training_args": training}
        save_with_checksum(package | more, folder / f"{signature}.th")
        return next(folder.glob(f"{signature}-*.th"))

    return save


@pytest.fixture(scope="session")
def save_safetensors() -> Callable[..., Path]:
    """Saves a network as the hub has it: save_safetensors(network, folder, "sig", **metadata)."""

    def save(network: Any, folder: Path, signature: str, **metadata: str) -> Path:
        from safetensors.torch import save_file

        def encoded(value: Any) -> Any:
            if isinstance(value, Fraction):
                return {"_type": "fraction", "numerator": value.numerator, "denominator": value.denominator}
            return value

        args, kwargs = network._init_args_kwargs
        facts = {
            "klass": f"{type(network).__module__}.{type(network).__name__}",
            "args": json.dumps([encoded(value) for value in args]),
            "kwargs": json.dumps({name: encoded(value) for name, value in kwargs.items()}),
        }
        path = folder / f"{signature}.safetensors"
        save_file({name: value.contiguous() for name, value in network.state_dict().items()}, path, facts | metadata)
        return path

    return save


@pytest.fixture(scope="session")
def qwen_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with Qwen2-Audio: 2 layers of 32, a vocabulary of bytes, and random weights that have an opinion."""
    import torch
    import transformers
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers.models.qwen2.tokenization_qwen2 import Qwen2Tokenizer

    special = ["<|im_start|>", "<|im_end|>", "<|AUDIO|>", "<|audio_bos|>", "<|audio_eos|>"]
    alphabet = {letter: i for i, letter in enumerate(sorted(ByteLevel.alphabet()))}
    tokenizer = Qwen2Tokenizer(vocab=alphabet, merges=[], extra_special_tokens=special)
    config = transformers.Qwen2AudioConfig(
        audio_config={
            "model_type": "qwen2_audio_encoder", "d_model": 16, "encoder_layers": 1, "encoder_attention_heads": 2,
            "encoder_ffn_dim": 32,
        },
        text_config={
            "model_type": "qwen2", "vocab_size": len(tokenizer), "hidden_size": 32, "intermediate_size": 64,
            "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 2, "initializer_range": 0.3,
        },
        audio_token_index=tokenizer.convert_tokens_to_ids("<|AUDIO|>"),
    )  # fmt: skip
    torch.manual_seed(0)
    model = transformers.Qwen2AudioForConditionalGeneration(config)
    for parameter in (*model.model.audio_tower.parameters(), *model.model.multi_modal_projector.parameters()):
        parameter.data.mul_(8)
    # What the hub's model comes with: answers are drawn, unless one says otherwise.
    model.generation_config = transformers.GenerationConfig(do_sample=True, temperature=0.7, top_p=0.5, top_k=20)
    path = tmp_path_factory.mktemp("qwen")
    model.save_pretrained(path)
    features = transformers.WhisperFeatureExtractor(feature_size=128)
    transformers.Qwen2AudioProcessor(features, tokenizer).save_pretrained(path)
    return path


@pytest.fixture(scope="session")
def save_ctc(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Saves a small random wav2vec2 with a CTC head: save_ctc(network=Wav2Vec2ForCTC, vocabulary=ENGLISH, …)."""

    def save(network: type | None = None, vocabulary: dict[str, Any] = ENGLISH, **config: Any) -> Path:
        import torch
        from transformers import HubertConfig, HubertForCTC, Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC

        torch.manual_seed(0)
        shape = (HubertConfig if network is HubertForCTC else Wav2Vec2Config)(
            vocab_size=32,
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            conv_dim=(32,) * 7,
            num_conv_pos_embeddings=16,
            num_conv_pos_embedding_groups=4,
            pad_token_id=0,
            initializer_range=0.2,
            **config,
        )
        folder = tmp_path_factory.mktemp("ctc")
        (network or Wav2Vec2ForCTC)(shape).save_pretrained(folder)
        Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(folder)
        (folder / "vocab.json").write_text(json.dumps(vocabulary))
        return folder

    return save
