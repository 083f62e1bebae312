"""What a report says of how many seeds were trained: the looks, and seeds that were added later."""

import pandas as pd

from ablate.analysis.findings import Findings
from ablate.report.html.page import Section, Table
from ablate.results.stopping import extended_text, saved_text, settled_text


def sections(found: Findings) -> list[Section]:
    """Of a study with `[stop]` its looks, and a warning where seeds were added by hand."""
    facts = tuple(seed_facts(found))
    if found.looks is None or not found.looks.made:
        return [Section(heading="The seeds", anchor="seeds", paragraphs=facts)] if facts else []
    frame = pd.DataFrame(
        [
            {
                "seeds": look.seeds,
                "settled": settled_text(look),
                "trained on": ", ".join(look.needed) or "-",
            }
            for look in found.looks.made
        ]
    )
    table = Table(
        caption="The looks: what was settled at each, and the arms that were trained on",
        frame=frame,
        note=f"Planned at {', '.join(map(str, found.looks.planned))} seeds, before any was trained",
    )
    return [Section(heading="The seeds", anchor="seeds", paragraphs=facts, tables=(table,))]


def seed_facts(found: Findings) -> list[str]:
    """The same in a sentence each, as far as there is something to say."""
    facts = []
    if found.looks is not None and found.looks.made:
        facts.append(saved_text(found.looks, found.trials["cell"].unique()))
    if found.extended_from and found.seeds is not None:
        facts.append(extended_text(found.extended_from, found.seeds))
    return facts
