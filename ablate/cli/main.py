"""`ablate`: hands over to a sub-command, and loads no other."""

import importlib
import os
import sys
from collections.abc import Sequence
from types import ModuleType

from ablate import __version__
from ablate.cli.reporting import Parser

COMMANDS = {
    "run": "train a study, search for networks, or check claims",
    "list": "list the studies and their questions",
    "new": "write a study file to begin with",
    "report": "make the pages of runs again from their tables, and compare runs",
    "judge": "say which arm of any table of results is better, and how surely",
    "check": "verify runs",
    "export": "write a trained network as safetensors, ONNX or a torch program",
    "profile": "print what a network costs, stage by stage",
    "worker": "join a study from any machine",
    "slurm": "submit workers as a Slurm job array",
    "proxy": "stand between a storage and hundreds of workers",
}
MACHINES = ("worker", "slurm", "proxy")  # in packages of their own
TABLES = ("judge",)


def main(argv: Sequence[str] | None = None, prog: str = "ablate") -> int:
    """Run a sub-command and return its exit status: 0, 1 failed, 2 bad input, 130 stopped."""
    words = list(sys.argv[1:] if argv is None else argv)
    if "_ARGCOMPLETE" in os.environ:  # a shell asks what may come next
        import argcomplete

        argcomplete.autocomplete(make_parser(prog))
    if not words or words[0] not in COMMANDS:
        parser = make_parser(prog)
        parser.parse_args(words)  # gives help, the version, or an error
        parser.error("expected a command first")  # for `-- run`, which Python 3.13 takes
    status: int = _module(words[0]).main(words[1:], f"{prog} {words[0]}")
    return status


def make_parser(prog: str) -> Parser:
    """All sub-commands with all their options."""
    parser = Parser(
        prog=prog,
        description="Architecture search and ablation of residual networks, with the evidence.",
    )
    parser.add_argument("--version", action="version", version=f"ablate {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, does in COMMANDS.items():
        options = _module(name).make_parser(f"{prog} {name}")
        commands.add_parser(name, help=does, parents=[options], add_help=False)
    return parser


def _module(command: str) -> ModuleType:
    package = "ablate.cli"
    if command in MACHINES:
        package = "ablate.cli.machines"
    elif command in TABLES:
        package = "ablate.cli.tables"
    return importlib.import_module(f"{package}.{command}")
