"""Trains the CTC head of the aligner on a folder that bench/ctc_audio.py has made.

    python -m training.ctc_head --audio DIR --out resources/weights/ctc_head.safetensors

Letters: b batch, n encoder frame of 20 ms (1500 in a window), d encoder width (512), s symbol.
"""

import argparse
import hashlib
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf
import torch
from torch import Tensor, nn
from tqdm import tqdm

from resources.acoustics import FRAME_S, RATE_HZ, WhisperEncoder
from resources.ctc_head import SYMBOLS, CtcHead, HeadFacts, pack

Row = dict[str, Any]


@dataclass(frozen=True)
class Recipe:
    epochs: int = 4  # with more it learns the lines by heart, and hears unknown words worse
    batch: int = 4
    rate: float = 2e-3
    weight_decay: float = 0.02
    dropout: float = 0.35
    noise: float = 0.5  # of each channel's own deviation, added to what the encoder hears
    width: int = 256
    seed: int = 3
    threads: int = 2


@dataclass(frozen=True, slots=True)
class Trained:
    head: CtcHead
    delay_s: float
    median_error_s: float  # of held-out word starts, the delay taken out
    placed: float  # share of them within 0.3 s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audio", type=Path, required=True, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=Recipe.epochs)
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    parser.add_argument("--threads", type=int, default=Recipe.threads)
    args = parser.parse_args()
    recipe = Recipe(epochs=args.epochs, seed=args.seed, threads=args.threads)
    rows = [row | {"path": folder / row["file"]} for folder in args.audio for row in read_index(folder)]
    trained = train(rows, recipe)
    windows = sum(row["split"] == "train" for row in rows)
    facts = HeadFacts(
        SYMBOLS,
        trained.delay_s,
        {},
        asdict(recipe) | {"windows": windows, "median_error_s": trained.median_error_s, "placed": trained.placed},
    )
    data = pack(trained.head, facts)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    part = args.out.with_suffix(".part")
    part.write_bytes(data)
    part.replace(args.out)
    print(f"{args.out}: {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}")
    print(
        f"delay {trained.delay_s * 1000:.0f} ms, held out: median error {trained.median_error_s * 1000:.0f} ms, "
        f"{trained.placed:.1%} of words within 0.3 s"
    )


def read_index(folder: Path) -> list[Row]:
    return [json.loads(line) for line in (folder / "index.jsonl").read_text().splitlines()]


def train(rows: Sequence[Row], recipe: Recipe) -> Trained:
    """The head after all epochs, and what the held-out windows say of it. The same rows and recipe, the same head."""
    random.seed(recipe.seed)
    torch.manual_seed(recipe.seed)
    torch.set_num_threads(recipe.threads)
    encoder = WhisperEncoder(recipe.threads)
    heard = [(row, features(row["path"], encoder)) for row in tqdm(rows, desc="encoding", unit="window")]
    train_set = [(x, letters(row["text"])) for row, x in heard if row["split"] == "train"]
    valid_set = [(row, x) for row, x in heard if row["split"] == "valid"]
    spread = torch.stack([x.float().std(dim=0) for x, _ in train_set]).mean(dim=0)  # d
    head = CtcHead(width=recipe.width, dropout=recipe.dropout)
    optimiser = torch.optim.AdamW(head.parameters(), lr=recipe.rate, weight_decay=recipe.weight_decay)
    steps = recipe.epochs * -(-len(train_set) // recipe.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=recipe.rate, total_steps=steps, pct_start=0.2)
    for epoch in range(recipe.epochs):
        head.train()
        losses = []
        for x, targets in batches(train_set, recipe.batch):
            with torch.autocast("cpu", torch.bfloat16):  # halves the time; the loss itself is in single precision
                log_probs = head(x + recipe.noise * spread * torch.randn_like(x))
            loss = ctc_loss(log_probs, targets)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(head.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            losses.append(loss.item())
        held_out = valid_loss(head.eval(), valid_set)
        tqdm.write(f"epoch {epoch + 1}: loss {np.mean(losses):.3f}, held out {held_out:.3f}")
    return Trained(head.eval(), *delay_and_error(head, valid_set))


def features(path: Path, encoder: WhisperEncoder) -> Tensor:
    """n d in half precision, kept beside the audio: encoding costs more than training."""
    kept = path.with_suffix(".npy")
    if not kept.exists():
        audio, rate_hz = sf.read(path, dtype="float32")
        if rate_hz != RATE_HZ:
            raise ValueError(f"{path} is at {rate_hz} Hz, not {RATE_HZ}")
        part = path.with_suffix(".part.npy")
        np.save(part, encoder.encode(audio).astype(np.float16))
        part.replace(kept)
    return torch.from_numpy(np.load(kept))


def letters(text: str) -> Tensor:
    return torch.tensor([SYMBOLS.index(c) for c in text.lower() if c in SYMBOLS], dtype=torch.long)


def batches(rows: Sequence[tuple[Tensor, Tensor]], size: int) -> Iterator[tuple[Tensor, list[Tensor]]]:
    """b n d and the letters of each, in a new order every time."""
    order = random.sample(range(len(rows)), len(rows))
    for i in range(0, len(order), size):
        chosen = [rows[j] for j in order[i : i + size]]
        yield torch.stack([x for x, _ in chosen]).float(), [y for _, y in chosen]


def ctc_loss(log_probs: Tensor, targets: Sequence[Tensor]) -> Tensor:
    """Nats per hundred letters' worth of window, so that one without words counts too. `log_probs` b n s."""
    b, n, _ = log_probs.shape
    lengths = torch.tensor([len(t) for t in targets])
    loss = nn.functional.ctc_loss(
        log_probs.transpose(0, 1),  # n b s
        torch.cat(list(targets)),
        torch.full((b,), n),
        lengths,
        reduction="sum",
        zero_infinity=True,
    )
    return loss / (100 * b)


@torch.inference_mode()
def valid_loss(head: CtcHead, rows: Sequence[tuple[Row, Tensor]]) -> float:
    return float(np.mean([ctc_loss(head(x[None].float()), [letters(row["text"])]).item() for row, x in rows]))


@torch.inference_mode()
def delay_and_error(head: CtcHead, rows: Sequence[tuple[Row, Tensor]]) -> tuple[float, float, float]:
    """Median lateness of word starts in seconds; without it, the median of errors and the share within 0.3 s."""
    late: list[float] = []
    for row, x in rows:
        words = row["text"].split()
        if row["starts"] and len(row["starts"]) == len(words):
            found = word_starts(head(x[None].float())[0].numpy(), words)
            late += (found - np.array(row["starts"])).tolist()
    errors = np.array(late)
    delay_s = float(np.round(np.median(errors), 4))
    return delay_s, float(np.median(np.abs(errors - delay_s))), float(np.mean(np.abs(errors - delay_s) <= 0.3))


def word_starts(log_probs: np.ndarray, words: Sequence[str]) -> np.ndarray:
    """Seconds at which each word's first letter begins, by CTC segmentation. `log_probs` n s."""
    from ctc_segmentation import CtcSegmentationParameters, ctc_segmentation, prepare_token_list

    quiet = log_probs.copy()
    quiet[:, 0] = np.logaddexp(log_probs[:, 0], log_probs[:, 1])  # between words a blank and a space are the same
    config = CtcSegmentationParameters(index_duration=FRAME_S, char_list=list(SYMBOLS))
    truth, begins = prepare_token_list(config, [letters(word).numpy() for word in words])
    timings, _, _ = ctc_segmentation(config, quiet, truth)
    starts: np.ndarray = timings[np.array(begins[:-1]) + 1]
    return starts


if __name__ == "__main__":
    main()
