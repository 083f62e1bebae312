"""Whether runs of the same predictions agree, in one sentence."""

from collections.abc import Mapping
from dataclasses import dataclass

from ablate.analysis import wording
from ablate.analysis.findings import Findings
from ablate.analysis.verdicts.answer import LABELS, Word

DECIDED = {"supported", "refuted", "equivalent"}


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Whether runs agree.

    Args:
        word, label: yes, no or open.
        sentence: why.
        settle: what would settle it; empty where it is settled.
    """

    word: Word
    label: str
    sentence: str
    settle: str


def agreement(runs: Mapping[str, Findings]) -> Agreement:
    """Whether runs come to the same verdicts on the predictions that two or more of them share.

    No where one run supports what another refutes; yes where each shared prediction that is decided
    at all is decided alike, and one is decided in two runs; open else. What is inconclusive in a
    run speaks neither for nor against.
    """
    verdicts: dict[str, list[str]] = {}
    for found in runs.values():
        for row in found.hypotheses.to_dict("records"):
            verdicts.setdefault(row["says"], []).append(row["verdict"])
    shared = {says: own for says, own in verdicts.items() if len(own) > 1}
    against = [own for own in shared.values() if {"supported", "refuted"} <= set(own)]
    alike = [own for own in shared.values() if sum(one in DECIDED for one in own) > 1]
    of = f"of the {wording.plural(len(shared), 'prediction')} that they share"
    settle = (
        "To settle it: new runs, with more seeds, of those that are open; each one's page says how "
        "many."
    )
    if against:
        word: Word = "no"
        sentence = f"{len(against)} {of} came out supported in one run and refuted in another."
    elif alike and all(len(set(own) & DECIDED) == 1 for own in alike):
        word = "yes"
        sentence = f"None {of} came out against another run; {len(alike)} came out alike in two."
    elif alike:
        word = "open"
        sentence = (
            f"None {of} is refuted in one run and supported in another, but not all are alike."
        )
    else:
        word = "open"
        sentence = (
            f"None {of} is decided in two of them." if shared else "They share no prediction."
        )
    return Agreement(
        word=word, label=LABELS[word], sentence=sentence, settle=settle if word == "open" else ""
    )
