import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from assets.tracks.probe import parse_tags
from assets.tracks.tags import clean, lyrics_of, plain

HOSTILE = ("Cc", "Cs", "Zl", "Zp")
TURNING = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def is_safe(text: str) -> bool:
    return not TURNING & set(text) and all(unicodedata.category(c) not in HOSTILE for c in text)


def test_what_acts_on_a_terminal_is_taken_out_of_a_tag_and_the_rest_stays():
    assert clean("\x1b]0;owned\x07 \x1b[31mRed\r\nSong\x9b2J") == "]0;owned [31mRed Song 2J"
    assert clean("gepj.\u202e3pm\u2066 x") == "gepj.3pm x"
    assert clean("<script>alert(1)</script>") == "<script>alert(1)</script>"  # escaped where it is shown
    assert clean("👩\u200d👩\u200d👧 مرحبا\u200f") == "👩\u200d👩\u200d👧 مرحبا\u200f"
    assert [clean(nothing) for nothing in (None, "", " \n\x00", "\u202e")] == [None] * 4


def test_a_megabyte_of_title_is_cut():
    assert clean("la " * 400_000) == ("la " * 100).strip()


@settings(derandomize=True)
@given(st.text())
def test_any_text_becomes_one_safe_line(text):
    assert is_safe(plain(text))
    kept = clean(text)
    assert kept is None or (is_safe(kept) and kept == kept.strip() and 0 < len(kept) <= 300)
    assert kept is None or clean(kept) == kept


def written(tags: dict[str, str]) -> bytes:
    """Tags as ffmpeg writes them."""

    def escaped(text: str) -> str:
        return "".join(f"\\{c}" if c in "=;#\\\n" else c for c in text)

    return (";FFMETADATA1\n" + "".join(f"{escaped(k)}={escaped(v)}\n" for k, v in tags.items())).encode()


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).map(lambda n: n.strip().lower()).filter(bool)


@settings(derandomize=True)
@given(st.dictionaries(names, st.text(st.characters(exclude_categories=["Cs"])), max_size=4))
def test_tags_are_read_as_ffmpeg_wrote_them(tags):
    lowered = {name: value for name, value in tags.items() if name.strip().lower() == name and "\r" not in name}
    assert parse_tags(written(lowered)) == lowered


@settings(derandomize=True)
@given(st.binary(max_size=400))
def test_any_bytes_are_read_as_some_tags(data):
    tags = parse_tags(data)
    assert all(name == name.strip().lower() for name in tags)
    lyrics_of(tags)
