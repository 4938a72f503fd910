"""No sample's caption quotes its lyrics: what is to be sung comes as lyrics, and only as lyrics."""

import re
from collections.abc import Iterable, Iterator, Sequence

from assets.captions.phrases import sentences
from assets.lyrics.text import plain
from assets.tables import Row

RUN = 4  # words in a row make a quotation

Run = tuple[str, ...]


def without_quotes(captions: Row, lyrics: Row) -> Row:
    """The row of `captions` with nothing in it that quotes the track's lyrics; as it is where nothing does.

    Sentences of the caption are dropped. If none is left, the short caption stands for it; if that is a quotation too,
    the tags; where even those are, there is no caption.
    """
    language = lyrics["language"] or "en"
    sung = runs_of((word["text"] for line in lyrics["lines"] or () for word in line["words"]), language)
    if not sung:
        return captions

    def unquoted(parts: Sequence[str], between: str) -> str:
        """The parts that, joined, hold no run; each is judged with what was kept before it."""
        kept: list[str] = []
        for part in parts:
            if sung.isdisjoint(runs_of([between.join([*kept, part])], language)):
                kept.append(part)
        return between.join(kept)

    def whole(text: str | None, parts: Sequence[str], between: str) -> str | None:
        quotes = text and not sung.isdisjoint(runs_of([text], language))
        return (unquoted(parts, between) or None) if quotes else text

    tags = [tag for tag in captions["tags"] or () if sung.isdisjoint(runs_of([tag], language))]
    short = whole(captions["short_caption"], (captions["short_caption"] or "").split(", "), ", ")
    short = short or unquoted(tags, ", ") or None
    caption = whole(captions["caption"], sentences(captions["caption"] or ""), " ") or short
    return {**captions, "caption": caption, "short_caption": short, "tags": tags}


def runs_of(texts: Iterable[str], language: str = "en") -> set[Run]:
    """Every four words in a row, across the texts, in plain letters."""
    words = list(plain_words(texts, language))
    return {tuple(words[at : at + RUN]) for at in range(len(words) - RUN + 1)}


def plain_words(texts: Iterable[str], language: str) -> Iterator[str]:
    """Words without case, accents and punctuation; a hyphen or a dash parts two."""
    for text in texts:
        for word in re.split(r"[\s\-–—/_,;:.!?…]+", text):
            if letters := plain(word, language):
                yield letters
