"""What tests share: a place for tables, real songs, shards of them, and small Demucs networks with random weights."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from playwright.sync_api import Browser, sync_playwright

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
VOCALS = 0.25  # of the mix of packed samples: so the accompaniment is three quarters of it


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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Of a module alone: Playwright leaves its event loop running, in which nothing else could run one of its own."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("there is no Chromium to open pages in: apt-get install chromium")
    arguments = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--mute-audio"]
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=chromium, args=arguments) as found:
        yield found


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


def track_of(song: dict[str, Any], folder: Path, store: FolderStore, split: str, line_words: int) -> Row:
    """All that the tables say of a demo song's 12 s from its sixth on, with two windows."""
    import numpy as np
    import soundfile

    rate_hz = 44_100
    sound = np.concatenate(list(ffmpeg.decode(song["path"], rate_hz, 2, start_s=6, duration_s=12)))
    mix, vocals = folder / f"{song['id']}.flac", store.root / f"stems/{song['id']}.flac"
    vocals.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(mix, sound, rate_hz, subtype="PCM_24")
    soundfile.write(vocals, VOCALS * sound, rate_hz, subtype="PCM_24")
    words = [
        {"text": word["w"], "start_s": word["start"] - 6, "end_s": word["end"] - 6, "confidence": 0.9}
        for word in song["words"]
        if 6 <= word["start"] and word["end"] <= 18
    ]
    parts = [words[i : i + line_words] for i in range(0, len(words), line_words)]
    lines = [
        {
            "text": " ".join(word["text"] for word in part),
            "start_s": part[0]["start_s"],
            "end_s": part[-1]["end_s"],
            "confidence": 0.9,
            "words": part,
        }
        for part in parts
    ]
    made = {"parameter_hash": "0", "models": []}
    window = {"words": 3, "kind": "lyrics", "rank": 1}
    return {
        "track_id": song["id"],
        "batch": "b00000",
        "tracks": {
            "uri": mix.as_uri(), "sha256": None, "duration_s": 12.0, "license": "CC0", "genre": song["genre"], **made
        },
        "catalogue": {"split": split, **made},
        "stems": {"vocals_uri": f"stems/{song['id']}.flac", "gain_db": 0.0, **made},
        "lyrics": {"language": "en", "origin": "given", "lines": lines, "trust": 0.9, **made},
        "captions": {
            "caption": f"A {song['genre']} song at {song['tempo_bpm']:.0f} bpm.", "short_caption": song["genre"],
            "tags": [song["genre"]], "tempo_bpm": song["tempo_bpm"], "key": song["key"], **made,
        },
        "windows": [
            window | {"length_s": 4.0, "start_s": 2.0, "end_s": 6.0, **made},
            window | {"length_s": 2.5, "start_s": 7.25, "end_s": 9.75, **made},
        ],
    }  # fmt: skip


@pytest.fixture(scope="session")
def small_codec() -> Any:
    from training.settings import CodecSettings

    return CodecSettings(rate_hz=22_050, hop=512, bands=40)


@pytest.fixture(scope="session")
def pack_songs(tmp_path_factory: pytest.TempPathFactory, demo_songs: dict[str, Any]) -> Callable[..., list[str]]:
    """Packs two songs for training and one for validation: pack_songs(store, "flac") -> keys of the shards.

    They are batch b00000 of the table of shards.
    """
    from assets.shards.encode import encode_samples
    from assets.shards.pack import pack
    from assets.shards.settings import ShardSettings

    types = {"pop": "train", "backing": "train", "acappella": "valid"}

    def packed(store: FolderStore, codec: str = "flac", songs: int = 3, line_words: int = 99) -> list[str]:
        settings = ShardSettings(codec=codec)
        folder = tmp_path_factory.mktemp("songs")
        chosen = list(types.items())[:songs]
        tracks = [track_of(demo_songs[kind], folder, store, split, line_words) for kind, split in chosen]
        samples = (sample for track in tracks for sample in encode_samples(settings, store, track))
        shards = sorted(pack(samples, store, "b00000", settings), key=lambda shard: shard.uri)
        rows = [{"status": "ok"} | row for shard in shards for row in shard.index]
        seal(Recipe("shards", "1", {}, {}), "b00000", rows, Ledger(store))
        return [shard.uri for shard in shards]

    return packed


@pytest.fixture(scope="session")
def songs_once(tmp_path_factory: pytest.TempPathFactory, pack_songs: Callable[..., list[str]]) -> FolderStore:
    store = FolderStore(tmp_path_factory.mktemp("songs-once"))
    pack_songs(store)
    return store


@pytest.fixture
def songs(songs_once: FolderStore, store: FolderStore) -> FolderStore:
    """The test's own store, with shards of audio."""
    shutil.copytree(songs_once.root, store.root)
    return store


@pytest.fixture(scope="session")
def latents_once(
    tmp_path_factory: pytest.TempPathFactory, songs_once: FolderStore, small_codec: Any
) -> tuple[FolderStore, list[Any], str]:
    from training.codec import MelCodec
    from training.data.latents import codec_name, encode_shard, index_shards

    store = FolderStore(tmp_path_factory.mktemp("latents-once") / "store")
    shutil.copytree(songs_once.root, store.root)
    name = codec_name(small_codec)
    shards = [encode_shard(store, key, MelCodec(small_codec), name) for key in store.list("shards/")]
    return store, shards, index_shards(store, shards)


@pytest.fixture
def latents(latents_once: tuple[FolderStore, list[Any], str], store: FolderStore) -> tuple[FolderStore, str]:
    """The test's own store, with shards of latents, and the key of their index."""
    shutil.copytree(latents_once[0].root, store.root)
    return store, latents_once[2]


@pytest.fixture
def small_run(latents: tuple[FolderStore, str], small_codec: Any, tmp_path: Path) -> Callable[..., Any]:
    """Settings of a very small training run: small_run(folder, steps=4, …)."""
    from training.run.settings import OptimiserSettings, RunSettings, SavingSettings
    from training.settings import ConditionSettings, DitSettings, ModelSettings

    store, index = latents
    dit = DitSettings(channels=40, patch=4, width=16, depth=2, heads=2, text_width=16, lyrics_width=8)
    model = ModelSettings(dit=dit, conditions=ConditionSettings(layers=1), codec=small_codec)

    def make(folder: str = "run", **changes: Any) -> Any:
        values: dict[str, Any] = {
            "folder": tmp_path / folder,
            "store": str(store.root),
            "index": index,
            "model": model,
            "optimiser": OptimiserSettings(learning_rate=1e-2, warm_up=2, ema=0.5),
            "saving": SavingSettings(every=2, log_every=1),
            "steps": 4,
            "frames": 128,
            "crop_s": 2.0,
            "workers": 0,
        }
        return RunSettings(**(values | changes))

    return make


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
