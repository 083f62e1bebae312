"""The confirmation of a search: an ordinary study of its finalists, with seeds of their own."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import tomli_w

from ablate import files
from ablate.networks.canonical import description
from ablate.search.explored import Explored
from ablate.search.plan import Search
from ablate.search.words import finalist_words
from ablate.spec.own import Use, in_file, used
from ablate.study.layers import FROM_DATASET
from ablate.study.words import SAYS

AXIS = "network"


def write_confirmation(path: Path, search: Search, explored: Explored) -> None:
    """Write the study that confirms a search's finalists, as a file that `ablate run` takes.

    Its arms are the baseline and the finalists, each described in full. Its seeds are 0, 1, ...,
    which exploring never uses.

    Args:
        path: of the file; its stem names the study.
        search: what was looked for.
        explored: what was found.
    """
    file = search.file
    chosen = explored.networks.dropna(subset="finalist")
    arms = {file.baseline: _arm(description(search.baseline))}
    words = finalist_words(explored.networks)
    arms |= {
        name: {SAYS: words[name]} | _arm(json.loads(text))
        for name, text in chosen[["finalist", "network"]].itertuples(index=False)
    }
    hypotheses = {
        name: table.model_dump(exclude_none=True, exclude_defaults=True)
        for name, table in file.hypotheses.items()
    }
    content = {
        "question": file.question,
        "baseline": file.baseline,
        "seeds": file.seeds,
        "margin": file.margin,
        "data": file.data.model_dump(exclude_none=True),
        "train": asdict(search.train),
        "axes": {AXIS: arms},
        "hypotheses": hypotheses,
    }
    note = f"# Made from {search.path.name}: what its search found, to be confirmed.\n\n"
    with files.replacing(path) as temporary:
        temporary.write_text(note + tomli_w.dumps(content), encoding="utf-8")


def _arm(described: Mapping[str, Any]) -> dict[str, Any]:
    """A network as an arm may give it: without what the dataset sets, and TOML has no null."""
    return {
        key: in_file(own) if isinstance(own := used(value), Use) else value
        for key, value in described.items()
        if key not in FROM_DATASET and value is not None
    }
