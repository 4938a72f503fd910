import pytest

from assets.captions.names import names_of, names_someone, says_artist


@pytest.mark.parametrize(
    ("artist", "names"),
    [
        ("Ann Lee feat. Bo", [("ann", "lee", "feat", "bo"), ("ann", "lee"), ("bo",)]),
        ("Simon & Garfunkel", [("simon", "garfunkel"), ("simon",), ("garfunkel",)]),
        ("Sigur Rós", [("sigur", "ros")]),
        ("Various Artists", []),
        ("", []),
        (None, []),
    ],
)
def test_an_artist_may_be_several(artist, names):
    assert names_of(artist) == names


@pytest.mark.parametrize(
    ("sentence", "artist"),
    [
        ("A song by silver lanterns with guitars.", "Silver Lanterns"),
        ("The voice of Bo is soft.", "Ann Lee feat. Bo"),
        ("Sigur Ros play quietly.", "Sigur Rós"),
        ("Low plays slowly.", "Low"),
        ("The beat is by deadmau5.", "deadmau5"),
        ("It could be Adele at the piano.", None),
        ("A ballad in the style of the nineties.", None),
        ("The guitars are reminiscent of early surf music.", None),
        ("It sounds a bit like an old film.", None),
        ("A Beatles-esque melody leads.", None),
        ("The melody has a Dylan-like phrasing.", None),
        ("Coldplay's guitars ring.", None),
        ("Taken from the film Titanic.", None),
    ],
)
def test_whoever_is_named_is_noticed(sentence, artist):
    assert names_someone(sentence, artist)


@pytest.mark.parametrize(
    "sentence",
    [
        "A low voice sings over slow drums.",
        "A Latin rhythm with Spanish guitar and a Hammond organ at 120 BPM in Bb minor.",
        "An R&B groove with EDM synths, New Orleans brass and a Fender Rhodes.",
        "The drums enter. Then the guitars follow.",
        "I hear a piano.",
        "It's a choir-like pad in a lo-fi-style mix.",
        "The piece moves from verse to chorus.",
    ],
)
def test_ordinary_words_name_no_one(sentence):
    assert not names_someone(sentence, "Low")


def test_a_tag_that_holds_the_artist_is_noticed_without_capitals():
    assert says_artist("adele style", "Adele")
    assert says_artist("silver lanterns", "Silver Lanterns & Co")
    assert not says_artist("silver bells", "Silver Lanterns")
