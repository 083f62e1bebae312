"""How a run is cited: BibTeX that LaTeX takes, with the checksum of the table."""

import hashlib
from dataclasses import replace

from ablate.report.citation import bibtex
from ablate.report.verdict_file import prose
from support import PUBLISHED
from support.found import found_in

RUN = "width_doubling/digits"


def test_an_entry_names_the_table_by_its_checksum() -> None:
    entry = bibtex(found_in(RUN), PUBLISHED / RUN)
    digest = hashlib.sha256((PUBLISHED / RUN / "trials.csv").read_bytes()).hexdigest()
    assert entry.startswith("@misc{width-doubling-digits,\n")
    assert f"SHA-256 {digest}}}" in entry
    assert "3 arms, 10 seeds each" in entry
    assert r"{width\_doubling on digits: Why double" in entry
    assert entry.count("{") == entry.count("}")


def test_what_latex_would_run_is_text() -> None:
    found = found_in(RUN)
    question = r"50% of $x_1$ & {y} \z ~ ^ #?"
    asked = replace(found, file=found.file.model_copy(update={"question": question}))
    expected = (
        r"50\% of \$x\_1\$ \& \{y\} \textbackslash{}z \textasciitilde{} \textasciicircum{} \#?"
    )
    assert expected in bibtex(asked, PUBLISHED / RUN)


def test_prose_in_markdown_is_no_markup() -> None:
    assert prose("<b> *a* | [x](y) `c` d_e") == (r"&lt;b&gt; \*a\* \| \[x\](y) \`c\` d\_e")
