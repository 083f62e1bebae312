"""`ablate list`: the studies there are, with their questions."""

from collections.abc import Sequence

from ablate.cli.reporting import STATUSES, Parser, reporting

TITLES = {
    "study": "Studies",
    "search": "Searches",
    "claims": "Claims",
    "table": "Tables that others measured",
}


def main(argv: Sequence[str] | None = None, prog: str = "ablate list") -> int:
    """Print them and return the exit status: 0, 2 bad input, 130 stopped."""
    make_parser(prog).parse_args(argv)
    return reporting(show_studies)


def show_studies() -> int:
    """Print names and questions by kind; the exit status."""
    from ablate.study.find import find_studies, kind_of, question_of
    from ablate.study.toml_file import read_toml

    found = {name: read_toml(path) for name, path in sorted(find_studies().items())}
    width = max(map(len, found), default=0)
    for kind, title in TITLES.items():
        lines = [
            f"  {name:{width}}  {question_of(toml)}"
            for name, toml in found.items()
            if kind_of(toml) == kind
        ]
        if lines:
            print("\n".join([f"{title}:", *lines]))
    return 0


def make_parser(prog: str) -> Parser:
    """Its options."""
    return Parser(
        prog=prog,
        description="List the studies, searches and files of claims that `ablate run --study NAME` "
        "knows by name: those in ./studies, then those that came with ablate.",
        epilog=STATUSES,
    )
