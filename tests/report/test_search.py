"""The sections of a search on a report: what they say is what the tables hold."""

from pathlib import Path

from ablate.report.html.page import Answer, Page, render
from ablate.report.search_sections import sections
from support.searches import explored


def test_a_report_says_what_was_found_and_how(tmp_path: Path) -> None:
    search, found = explored(tmp_path)
    what, which, how = sections(found)
    table = what.tables[0].frame
    on_front = found.networks["rank"] == 1
    assert len(table) == (on_front | found.networks["finalist"].notna()).sum()
    assert set(table["confirmed as"]) >= {"finalist 1", "finalist 2"}
    infeasible = (found.rows["state"] == "infeasible").sum()
    assert f"{infeasible} infeasible" in what.paragraphs[0]
    assert list(which.tables[0].frame["numbers"]) == list(found.comparisons["sentence"])
    facts = dict(how.tables[0].frame.to_numpy())
    assert facts["networks a sampler and repeat"] == "3"
    assert facts["limit on macs"] == "at most baseline"
    assert facts["axis shortcut"] == "none, A, B"
    assert facts["hypervolume of random"].endswith("(n = 2)")
    assert search.file.search.seed == int(facts["seed"])


def test_the_sections_can_be_on_a_page(tmp_path: Path) -> None:
    _, found = explored(tmp_path)
    page = Page(
        title="t",
        question="q",
        answer=Answer(word="open", label="Open", sentence="a"),
        sections=tuple(sections(found)),
    )
    assert "Which sampler" in render(page)
