"""`ablate list`: the studies there are, with their questions."""

from collections.abc import Sequence

from ablate.cli.reporting import STATUSES, Parser, reporting

TITLES = {"study": "Studies", "search": "Searches", "claims": "Claims"}


def main(argv: Sequence[str] | None = None, prog: str = "ablate list") -> int:
    """Print them and return the exit status: 0, 2 bad input, 130 stopped."""
    make_parser(prog).parse_args(argv)
    return reporting(show_studies)


def show_studies() -> int:
    """Print names and questions by kind; the exit status."""
    from ablate.study.find import find_studies, kind_of, question_of
    from ablate.study.strict import read_toml

    found = sorted(find_studies().items())
    kinds = {name: kind_of(read_toml(path)[0]) for name, path in found}
    width = max(map(len, kinds), default=0)
    for kind, title in TITLES.items():
        lines = [
            f"  {name:{width}}  {question_of(path)}" for name, path in found if kinds[name] == kind
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
