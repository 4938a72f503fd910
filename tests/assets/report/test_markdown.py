import html

from hypothesis import given, settings
from hypothesis import strategies as st

from assets.report.markdown import cell, table

HOSTILE = "a | b\n<img src=x onerror=alert(1)> `code` [link](javascript:alert(1)) *bold* <!--"


def test_a_lyric_with_pipes_and_html_stays_one_cell_of_text():
    lines = table(("word", "rule"), [(HOSTILE, "holds")]).splitlines()
    assert (len(lines), lines[2].count("|")) == (3, 3)
    assert html.unescape(cell(HOSTILE)) == HOSTILE.replace("\n", " ")


@settings(derandomize=True)
@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn"])))
def test_any_text_is_shown_as_it_is(text):
    written = cell(text)
    assert not set("<>\"'`*_[]()!|\n") & set(written)
    assert html.unescape(written) == " ".join(text.splitlines())
