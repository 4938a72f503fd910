import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from assets.catalogue import postings
from assets.catalogue.postings import MOST_OF_A_TERM, Postings, merged, open_postings, ordered, write_postings

KINDS = (np.uint32, np.uint16, np.uint16, np.uint16)
ROW = st.tuples(st.sampled_from([0, 1, 2, 7, 2**31, 2**32 - 1]) | st.integers(0, 2**32 - 1), *[st.integers(0, 9)] * 3)
SOURCES = st.lists(st.lists(ROW, max_size=40), min_size=1, max_size=5)


def columns_of(rows):
    table = np.array(sorted(rows, key=lambda row: row[1:]), np.int64).reshape(-1, 4)
    return ordered(tuple(table[:, i].astype(kind) for i, kind in enumerate(KINDS)))


def rows_of(columns):
    return list(zip(*(column.tolist() for column in columns), strict=True))


def in_chunks(columns, size):
    return Postings([tuple(c[i : i + size] for c in columns) for i in range(0, len(columns[0]), size)])


@given(SOURCES, st.integers(1, 12))
def test_a_merge_holds_what_its_sources_hold_in_order(sources, size):
    sources = [[(term, batch, *rest) for term, _, *rest in rows] for batch, rows in enumerate(sources)]
    pieces = list(merged([in_chunks(columns_of(rows), size) for rows in sources]))
    assert [row for piece in pieces for row in rows_of(piece)] == sorted(row for rows in sources for row in rows)


@given(st.lists(ROW, max_size=60), st.sets(ROW.map(lambda row: row[0])), st.integers(1, 12))
def test_a_look_up_finds_every_posting_of_its_terms_and_no_other(rows, asked, size):
    terms = np.array(sorted(asked), np.uint32)
    index, found = in_chunks(columns_of(rows), size).find(terms)
    assert sorted(rows_of(found)) == sorted(row for row in rows if row[0] in asked)
    assert terms[index].tolist() == found[0].tolist()


def test_a_file_gives_back_what_was_written_whatever_the_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(postings, "CHUNK", 100)
    numbers = np.random.default_rng(0)
    rows = [tuple(row) for row in numbers.integers(0, [2**32, 9, 50, 300], (1234, 4)).tolist()]
    columns = columns_of(rows)
    for name, cut in (("a", [400, 401, 900]), ("b", [])):
        pieces = [tuple(piece) for piece in zip(*(np.split(column, cut) for column in columns), strict=True)]
        write_postings(tmp_path / name, pieces)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    with open_postings(tmp_path / "a") as opened:
        assert [len(chunk[0]) for chunk in opened.chunks] == [100] * 12 + [34]
        assert rows_of(opened.between(0, 2**32)) == sorted(rows)


def test_of_a_term_that_is_everywhere_those_that_came_first_stay():
    rows = [(5, batch, row, 0) for batch in range(3) for row in range(200)]
    first, second = columns_of(rows[:300]), columns_of(rows[300:])
    (piece,) = [piece for piece in merged([Postings([first]), Postings([second])]) if len(piece[0])]
    assert rows_of(piece) == rows[:MOST_OF_A_TERM]


def test_no_postings_make_an_empty_file(tmp_path):
    write_postings(tmp_path / "none", [])
    with open_postings(tmp_path / "none") as opened:
        index, found = opened.find(np.array([1, 2], np.uint32))
    assert len(index) == len(found[0]) == 0
