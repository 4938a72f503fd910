"""A track heard more than once: stretch by stretch, the take counts whose letters lie best on the sound.

What a transcriber errs in differs from take to take, and it judges its own words badly. The aligner's acoustic model
knows none of them, so it chooses: joint CTC and attention decoding (Watanabe et al., 2017), over whole stretches.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from assets.lyrics.align import Passage, Posteriors
from assets.lyrics.cuts import Span
from assets.lyrics.text import SungLine, spell
from assets.lyrics.transcribe import Heard

SLACK_S = 0.2  # a word may begin this much outside of its cut


def best_of(takes: Sequence[Heard], cuts: Sequence[Span], posteriors: Posteriors) -> Heard:
    """Of each cut, the lines of the take that is likeliest; the first of equals. The rest is the first take's."""
    passages = []
    for cut in cuts:
        heard = [next((p.lines for p in take.passages if (p.start_s, p.end_s) == cut), ()) for take in takes]
        lines = max(heard, key=lambda lines: likelihood(lines, cut, posteriors, takes[0].language))
        if lines:
            passages.append(Passage(*cut, lines))
    dropped = sum((Counter(take.dropped) for take in takes), Counter())
    return Heard(
        takes[0].language, takes[0].language_probability, tuple(passages), dict(dropped), takes[0].log_probability
    )


def likelihood(lines: Sequence[SungLine], cut: Span, posteriors: Posteriors, language: str) -> float:
    """Log probability, in nats, that all that is heard in a cut are the letters of some lines, wherever they lie."""
    first = max(0, int((cut[0] - SLACK_S) / posteriors.frame_s))
    log_probs = posteriors.log_probs[first : int((cut[1] + SLACK_S) / posteriors.frame_s)]
    return ctc_log_likelihood(log_probs, letters_of(lines, posteriors.symbols, language))


def letters_of(lines: Sequence[SungLine], symbols: Sequence[str], language: str) -> list[int]:
    """The words of some lines as the model spells them, with a space between two of them where it knows one."""
    space = [symbols.index(" ")] if " " in symbols else []
    letters: list[int] = []
    for word in (word for line in lines for word in line.words):
        if spelled := spell(word, symbols, language):
            letters += [*(space if letters else ()), *spelled]
    return letters


def ctc_log_likelihood(log_probs: np.ndarray, letters: Sequence[int]) -> float:
    """Nats, over all ways to lay `letters` on float32 [frames, symbols], symbol 0 the blank; -inf where none fits."""
    import torch

    if not letters:
        return float(log_probs[:, 0].sum())
    frames = torch.from_numpy(np.ascontiguousarray(log_probs))[:, None]
    lengths = torch.tensor([len(log_probs)]), torch.tensor([len(letters)])
    return -float(torch.nn.functional.ctc_loss(frames, torch.tensor([list(letters)]), *lengths, reduction="sum"))
