"""The verdict on a table with arms: its question, one sentence, and the effects behind it."""

from ablate.analysis.verdicts.answer import Verdict
from ablate.tables.arms.caveat import caveat, settle
from ablate.tables.arms.compare import Judged
from ablate.tables.arms.on_arms import on_arms
from ablate.tables.arms.on_predictions import on_predictions, said_of
from ablate.tables.arms.parts import as_sentence
from ablate.tables.arms.repeats import ARM

FIGURE = "outcome"


def question(judged: Judged) -> str:
    """What the verdict answers."""
    if judged.asked.question:
        return judged.asked.question
    asked = list(judged.asked.hypotheses.values())
    if len(asked) == 1:
        return f"Is it so: {asked[0].says.rstrip('.')}?"
    if asked:
        return "Do the expectations hold?"
    outcome = judged.repeats.outcome
    others = list(judged.table["arm"])[1:]
    which = others[0] if len(others) == 1 else f"any other {judged.repeats.columns[ARM]}"
    return f"Is {which} better than {judged.baseline} in {outcome}?"


def verdict_of(judged: Judged) -> Verdict:
    """The verdict: on the predictions that answer the question, else on the arms."""
    said = [said_of(judged, row) for row in judged.hypotheses.to_dict("records")]
    answers = {
        name: one.answers for name, one in judged.asked.hypotheses.items() if one.answers
    } or dict.fromkeys(list(judged.asked.hypotheses)[:1], "yes")
    parts = on_predictions(judged, said, answers) if answers else on_arms(judged)
    return Verdict(
        word=parts.word,
        label=parts.label,
        sentence=as_sentence(judged, parts.clause),
        effects=tuple((what, text) for what, text, _ in parts.effects) or (("nothing", "-"),),
        n=min((n for _, _, n in parts.effects), default=int(judged.table["n"].max())),
        unit=judged.repeats.row,
        caveat=caveat(judged, parts.pairs),
        settle=settle(judged, parts.word),
        figure=FIGURE,
        predictions=tuple(said),
    )
