"""`ablate new`: a study file to begin with."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from ablate.cli.reporting import STATUSES, Parser, reporting
from ablate.errors import InputError, WriteError

TEMPLATE = Path(__file__).with_name("new_study.toml")


def main(argv: Sequence[str] | None = None, prog: str = "ablate new") -> int:
    """Write the file and return the exit status: 0, 2 bad input, 130 stopped."""
    args = make_parser(prog).parse_args(argv)
    return reporting(lambda: _new(args.name, prog.removesuffix(" new")))


def _new(name: str, ablate: str) -> int:
    from ablate.study.find import name_or_path

    path = _free_path(name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as stream:
            stream.write(TEMPLATE.read_text(encoding="utf-8"))
    except OSError as error:
        raise WriteError.of(path, error) from error
    run = f"{ablate} run --study {shlex.quote(name_or_path(path))}"
    results = f"results/{path.stem}/digits"
    steps = {
        f"{run} --dry-run": "what it would train, and for how long",
        run: f"about a minute on two cores; then see {results}/report.html",
        f"{ablate} check {results}": "verify what came of it",
    }
    print(f"{path} is written and runs as it is; comments say what each key is for.\n")
    for command, does in steps.items():
        print(f"{command:{max(map(len, steps))}}  # {does}")
    return 0


def _free_path(name: str) -> Path:
    """Where the file goes; raises `InputError` for a bad name, or one that is taken."""
    from ablate.study.find import find_studies
    from ablate.study.toml_file import check_stem

    path = Path(name) if name.endswith(".toml") else Path("studies", f"{name}.toml")
    if not name.endswith(".toml") and Path(name).name != name:
        raise InputError(f"{name}: expected a name, or a path that ends in .toml")
    check_stem(path)
    taken = path if path.exists() else find_studies().get(name)
    if taken is not None:
        raise InputError(f"{name}: {taken} is there already; choose another name")
    return path


def make_parser(prog: str) -> Parser:
    """Its options."""
    parser = Parser(
        prog=prog,
        description="Write a study file to begin with: small, runs as it is, every key explained.",
        epilog=STATUSES,
    )
    parser.add_argument(
        "name", metavar="NAME", help="writes studies/NAME.toml; or a path that ends in .toml"
    )
    return parser
