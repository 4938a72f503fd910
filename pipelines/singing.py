"""`melisma sample`: a song from a model, as files."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from assets.models.course import ASSET_OF
from assets.models.durations import WEIGHTS as DURATIONS
from assets.models.published import fetch, last_model
from assets.profile import profile
from assets.tracks.given_lyrics import decode_text
from pipelines.looking import open_ledger
from pipelines.printing import AsJson, console, print_json, print_table
from resources.child import DecodeError
from resources.models import check_installed
from training.settings import GuidanceSettings

if TYPE_CHECKING:
    from training.request import Request
    from training.songs import Song

SYLLABLE_S = 0.36  # where nothing is known of how long lines are sung; the median of the song maker's songs
MOST_BYTES = 1 << 20  # of lyrics


class CannotSing(Exception):
    """What was asked for cannot be made; the message says why and what to do."""


def sample(
    model: Annotated[str, typer.Argument(help="a training run, the folder of one of its stages, or an export")],
    out: Annotated[Path, typer.Option(help="the song's file; its LRC and stems lie beside it")] = Path("song.flac"),
    prompt: Annotated[str, typer.Option(help="how it is to sound")] = "",
    lyrics: Annotated[Path | None, typer.Option(help="a text file: a line a row, [Chorus] before a section")] = None,
    lrc: Annotated[Path | None, typer.Option(help="lyrics with times; lines without are timed for you")] = None,
    length: Annotated[float | None, typer.Option(help="seconds", min=0.5)] = None,
    language: Annotated[str, typer.Option(help="of the lyrics")] = "en",
    tempo: Annotated[float | None, typer.Option(help="in bpm, if lines are to be timed for one")] = None,
    guidance: Annotated[Literal["none", "both", "mixdown", "nested"], typer.Option(help="how it is guided")] = "both",
    scale: Annotated[float, typer.Option(help="of prompt and lyrics together")] = 2.0,
    vocal_scale: Annotated[float, typer.Option(help="of the lyrics alone; of mixdown and nested")] = 2.0,
    music_scale: Annotated[float, typer.Option(help="of the prompt alone; of mixdown and nested")] = 2.0,
    rates: Annotated[tuple[float, float], typer.Option(help="of whole and parts; of mixdown and nested")] = (0.5, 0.5),
    steps: Annotated[int | None, typer.Option(help="noise levels to go through", min=1)] = None,
    seed: Annotated[int, typer.Option(help="of the noise", min=0)] = 0,
    stems: Annotated[bool, typer.Option("--stems", help="vocals and accompaniment, too")] = False,
    force: Annotated[bool, typer.Option("--force", help="write over what is there")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a song from a prompt, lyrics and a length."""
    check_installed("diffusers", "phonemizer", extra="training")
    files = files_of(out, stems, force)
    chosen = GuidanceSettings(
        kind=guidance,
        scale=scale,
        vocal_scale=vocal_scale,
        music_scale=music_scale,
        whole_rate=rates[0],
        parts_rate=rates[1],
    )
    try:
        with TemporaryDirectory() as scratch:
            export, durations = model_of(model, Path(scratch))
            asked = replace(request_of(lyrics, lrc, length, language), prompt=prompt)
            asked, timed_by = timed(asked, durations, tempo)
            song, facts = sung(export, asked, chosen, steps, seed, stems)
        written = write_song(song, files, facts | {"times": timed_by})
    except (ValueError, KeyError) as error:
        raise CannotSing(str(error.args[0])) from error
    if as_json:
        print_json(written | facts | {"times": timed_by})
        return
    if asked.lines:
        console.print(f"Lines are timed {timed_by}.")
    print_table("The song", ["", ""], written.items())


def files_of(out: Path, stems: bool, force: bool) -> dict[str, Path]:
    """Where each track and the LRC go. Raises CannotSing: not a .flac, no such folder, or something is there."""
    if out.suffix != ".flac":
        raise CannotSing(f"{out}: songs are written as FLAC: call it {out.with_suffix('.flac').name}")
    if not out.parent.is_dir():
        raise CannotSing(f"there is no folder {out.parent}: make it first")
    files = {"mix": out, "lrc": out.with_suffix(".lrc")}
    if stems:
        files |= {track: out.with_suffix(f".{track}.flac") for track in ("vocals", "accompaniment")}
    if (there := [str(path) for path in files.values() if path.exists()]) and not force:
        raise CannotSing(f"{', '.join(there)} would be written over: take another --out, or --force")
    return files


def model_of(name: str, scratch: Path) -> tuple[Path, Path | None]:
    """The export that a name means, and the line durations that belong to it.

    Raises:
        CannotSing: it is neither a run with a finished stage, nor a folder with an export.
    """
    from training.run.checkpoints import found
    from training.run.export import CARD

    folder = Path(name).expanduser()
    if (folder / CARD).exists():
        return folder, None
    if exports := found(folder / "exports"):
        return exports[-1], None
    ledger = open_ledger()
    row = next((row for asset in reversed(ASSET_OF.values()) if (row := last_model(ledger, asset, name))), None)
    if row is None:
        known = sorted({run for asset in ASSET_OF.values() for run in ledger.batches(asset)})
        runs = f"the runs are {', '.join(known[-5:])}" if known else "there is no run yet: melisma train NAME"
        raise CannotSing(f"{name} is neither a folder with an export nor a training run with a finished stage; {runs}")
    learnt = last_model(ledger, "line_durations", name)
    durations = fetch(ledger.store, learnt["export_uri"], scratch / "durations") / DURATIONS if learnt else None
    return fetch(ledger.store, row["export_uri"], scratch / "model"), durations


def request_of(lyrics: Path | None, lrc: Path | None, length: float | None, language: str) -> "Request":
    """What is asked for but the prompt. Raises CannotSing."""
    from training.lrc import read_lrc
    from training.lyrics import read_lyrics
    from training.phonemes import known_languages
    from training.request import Request

    if lyrics and lrc:
        raise CannotSing("lyrics come from --lyrics or from --lrc, not from both")
    if (lyrics or lrc) and language not in known_languages():
        raise CannotSing(f"the language {language} cannot be read: give its code, as en")
    if lrc:
        text = _text_of(lrc)
        if length and "[length:" not in text.lower():
            text = f"[length:{int(length // 60):02d}:{length % 60:05.2f}]\n{text}"
        asked = read_lrc(text)
        if length and abs(asked.duration_s - length) > 0.01:
            raise CannotSing(f"{lrc} is of {asked.duration_s:g} s and --length of {length:g} s: leave one of them out")
        return replace(asked, language=asked.language or language)
    if not length:
        raise CannotSing("how long is it to be? --length 30")
    lines = read_lyrics(_text_of(lyrics)) if lyrics else ()
    return Request(length, lines=lines, language=language if lines else None)


def timed(asked: "Request", durations: Path | None, tempo_bpm: float | None) -> tuple["Request", str]:
    """With a time for each line, and by what they were timed."""
    from training.durations.baselines import by_syllables
    from training.durations.fit import load

    if not asked.lines:
        return asked, ""
    if all(line.start_s is not None for line in asked.lines):
        return asked, "as the LRC says"
    if durations is None:
        return by_syllables(asked, SYLLABLE_S), f"by their syllables, {SYLLABLE_S:g} s each, since no run is named"
    return load(durations).mean(asked, tempo_bpm), "by the run's line durations"


def sung(
    export: Path, asked: "Request", guidance: GuidanceSettings, steps: int | None, seed: int, stems: bool
) -> tuple["Song", dict[str, Any]]:
    """The song, and all that it was made with."""
    import hashlib

    from training.codec import open_codec
    from training.guidance import guidance_of
    from training.prompt_encoders import open_encoder
    from training.request import Track
    from training.run.export import WEIGHTS, open_export
    from training.songs import make_song

    device = profile().models.device
    exported = open_export(export, device)
    codec = open_codec(exported.model.settings.codec, device)
    singer = exported.singer(codec, open_encoder(exported.model.settings.conditions, device))
    if steps:
        singer = replace(singer, sampler=singer.sampler.model_copy(update={"steps": steps}))
    tracks = list(Track) if stems else [Track.MIX]
    song = make_song(singer, codec, asked, tracks, guidance_of(guidance, singer.states), seed)
    with (export / WEIGHTS).open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    origin = exported.origin
    return song, {
        "prompt": asked.prompt,
        "language": asked.language,
        "duration_s": asked.duration_s,
        "seed": seed,
        "guidance": guidance.model_dump(),
        "sampler": singer.sampler.model_dump(),
        "codec": origin.codec,
        "stage": origin.stage,
        "step": origin.step,
        "model_sha256": sha256,
        "data_snapshot": origin.snapshot,
        "git_revision": exported.git_revision,
        "gain_db": round(song.gain_db, 3),
    }


def write_song(song: "Song", files: Mapping[str, Path], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Writes tracks and LRC, each whole or not at all; the facts are in the files' tags. Gives what to tell of it."""
    from resources.ffmpeg import encode
    from training.lrc import write_lrc

    tags = {
        "TITLE": song.request.prompt or "a song",
        "ENCODER": "melisma",
        "LYRICS": "\n".join(line.text for line in song.request.lines),
        "MELISMA": json.dumps(facts, sort_keys=True, ensure_ascii=False),
    }
    for track, sound in song.sounds.items():
        blocks, told = [sound[:, None].numpy()], {**tags, "TRACK": str(track)}
        _whole(files[track], lambda part: encode(part, blocks, song.rate_hz, "flac", tags=told))  # noqa: B023
    _whole(files["lrc"], lambda part: part.write_text(write_lrc(song.request), encoding="utf-8"))
    mix = song.sounds["mix"]  # type: ignore[index]  # a track is its name
    return {
        **{name: str(path) for name, path in files.items()},
        "seconds": song.request.duration_s,
        "level_dbfs": round(float(20 * mix.square().mean().clamp(min=1e-12).sqrt().log10()), 1),
        "read_s": round(song.read_s, 3),
        "denoise_s": round(song.denoise_s, 3),
        "decode_s": round(song.decode_s, 3),
        "real_time_factor": round(song.real_time_factor, 4),
        "memory_mb": round(song.memory_bytes / 1e6),
    }


def _whole(path: Path, write: Callable[[Path], object]) -> None:
    """Has a file written under another name, then gives it its own.

    Raises:
        CannotSing, Outage: it could not be written, and nothing of it is left.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        write(part)
        part.replace(path)
    except (OSError, DecodeError) as error:
        raise CannotSing(f"{path} could not be written: {error}") from error
    finally:
        part.unlink(missing_ok=True)


def _text_of(path: Path) -> str:
    """Raises CannotSing: it cannot be read, or is no text."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CannotSing(f"{path} cannot be read: {error.strerror}") from None
    text = decode_text(data) if len(data) <= MOST_BYTES else "\0"
    if "\0" in text:
        raise CannotSing(f"{path} is no text of lyrics")
    return text
