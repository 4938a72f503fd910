"""What can be believed of an answer."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from assets.captions.answer import Answer
from assets.captions.claims import Contradicted, put_right
from assets.captions.names import names_someone, says_artist
from resources.captioners import Facts

NAME = "name"  # why a sentence was dropped, beside the reasons of `Wrong`
TEMPO = "The tempo is "


@dataclass(slots=True)
class Tally:
    """How many sentences and items were put right, and how many dropped, by reason."""

    corrected: int = 0
    dropped: Counter[str] = field(default_factory=Counter)


def believed(answer: Answer, facts: Facts, artist: str | None, tally: Tally) -> Answer:
    """The answer without what names someone or contradicts the facts, and with tempo and key as they were measured."""

    def kept(texts: Iterable[str], named: Callable[[str, str | None], bool]) -> tuple[str, ...]:
        found = []
        for text in texts:
            if named(text, artist):
                tally.dropped[NAME] += 1
                continue
            try:
                right = put_right(text, facts)
            except Contradicted as contradicted:
                tally.dropped[contradicted.wrong] += 1
                continue
            tally.corrected += right != text
            found.append(right)
        return tuple(found)

    # As a sentence, since "fast" alone claims nothing.
    tempo = kept([f"{TEMPO}{answer.tempo[0].lower()}{answer.tempo[1:]}"] if answer.tempo else [], names_someone)
    return Answer(
        genre=kept(answer.genre, says_artist),
        mood=kept(answer.mood, says_artist),
        instruments=kept(answer.instruments, says_artist),
        vocals="".join(kept([answer.vocals] if answer.vocals else [], names_someone)),
        tempo="".join(tempo).removeprefix(TEMPO),
        production="".join(kept([answer.production] if answer.production else [], names_someone)),
        description=kept(answer.description, names_someone),
    )
