"""What a run shows, with a search's networks called by what they are."""

from dataclasses import replace
from pathlib import Path

from ablate.analysis.findings import Findings, find
from ablate.search.confirmation import AXIS
from ablate.search.explored import is_search, read_explored
from ablate.search.words import finalist_words
from ablate.study.words import Words


def read_run(folder: Path) -> Findings:
    """What the run in a folder shows.

    The finalists of a search have their networks' words, also where its study file is older than
    these.

    Raises:
        InputError: a table or the study file is missing, or is not one of ours.
    """
    found = find(folder)
    if not is_search(folder) or found.words.arms:
        return found
    said = finalist_words(read_explored(folder).networks)
    arms = {(AXIS, name): words for name, words in said.items()}
    return replace(found, words=Words(arms=arms))
