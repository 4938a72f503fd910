import json

import pytest

from pipelines.printing import console, plain, print_json, print_table

HOSTILE = "\x1b]0;owned\x07[red]<b>x</b>[/red]\n\x9b2Jgepj.\u202e3pm\u2066"


def test_a_title_is_printed_on_one_line_without_what_acts_on_a_terminal(capsys):
    print_table("songs", ["title"], [[HOSTILE]])
    printed = capsys.readouterr().out
    assert "[red]<b>x</b>[/red]" in printed
    assert len(printed.splitlines()) == 3
    assert all(c.isprintable() for c in printed.replace("\n", ""))


def test_json_is_ascii_and_comes_back_as_it_was(capsys):
    print_json({"title": HOSTILE, "odd": "\ud800"})
    printed = capsys.readouterr().out
    assert printed.isascii()
    assert "\x1b" not in printed
    assert json.loads(printed) == {"title": HOSTILE, "odd": "\ud800"}


@pytest.mark.parametrize("text", ["[bold]x", "a\r\nEvery batch is up to date", "\\[x]", "\udcff"])
def test_an_error_is_one_line_of_plain_text(capsys, text):
    console.print(f"[red]{plain(text)}[/red]")
    assert len(capsys.readouterr().out.splitlines()) == 1
