"""`ablate report`: make the pages of runs again from their tables, and compare runs."""

from collections.abc import Sequence
from pathlib import Path

from ablate.cli.reporting import STATUSES, Parser, given, refuse, reporting
from ablate.errors import InputError


def main(argv: Sequence[str] | None = None, prog: str = "ablate report") -> int:
    """Run the command and return its exit status: 0, 2 bad input, 130 stopped."""
    parser = make_parser(prog)
    args = parser.parse_args(argv)
    if not args.folders and args.index is None:
        parser.error("expected a RUN_DIR such as results/width_doubling/digits, or --index DIR")

    def command() -> int:
        if len(args.folders) < 2:
            refuse(given(parser, argv) & {"--out"}, "only where several runs are compared")
        if not args.folders:
            refuse(given(parser, argv) & {"--against"}, "needs a RUN_DIR to compare")
            refuse(given(parser, argv) & {"--pdf"}, "needs a RUN_DIR with figures")
        return _report(args.folders, args.out, args.index, args.against, args.pdf)

    return reporting(command)


def _report(
    folders: list[Path], out: Path, index: Path | None, against: str | None, pdf: bool
) -> int:
    from ablate.analysis.across.reproduction import reproduction
    from ablate.analysis.findings import find
    from ablate.report.comparison_page import write_comparison
    from ablate.report.index_page import write_index
    from ablate.report.tables.kept import is_judged
    from ablate.report.tables.write import rewrite
    from ablate.report.tables.write_study import is_study, write_said
    from ablate.report.write import write_findings
    from ablate.results.names import PUBLISHED, REPORT
    from ablate.results.published import published_run

    if index is not None and not index.is_dir():
        raise InputError(f"--index: {index}: no such folder")
    judged = [folder for folder in folders if is_judged(folder) or is_study(folder)]
    if judged and (len(folders) > 1 or against is not None or pdf):
        raise InputError(
            f"{judged[0]}: is of a table that was judged: it is neither compared with runs nor "
            "written as PDF; give it alone"
        )
    for folder in judged:
        verdict = write_said(folder) if is_study(folder) else rewrite(folder)
        print("\n".join([*verdict.lines(), str(folder / REPORT)]))
    for folder in [folder for folder in folders if folder not in judged]:
        found, verdict = write_findings(folder, index, pdf)
        print("\n".join([*verdict.lines(), str(folder / REPORT)]))
        if against is not None:
            root = None if against == PUBLISHED else Path(against)
            published = published_run(folder, root)
            print(f"against {published}:")
            for line in reproduction(found, find(published)):
                print(f"  {line}")
    if len(folders) > 1:
        print(write_comparison(folders, out))
    if index is not None:
        print(write_index(index))
    return 0


def make_parser(prog: str) -> Parser:
    """Its options."""
    parser = Parser(
        prog=prog,
        description="Make summary, figures and report of runs again from their tables, without "
        "torch. Several runs are compared too.",
        epilog=STATUSES,
    )
    parser.add_argument(
        "folders", nargs="*", type=Path, metavar="RUN_DIR", help="such as results/STUDY/DATASET"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("results/comparison"),
        metavar="DIR",
        help="where the comparison of several runs goes (default: results/comparison)",
    )
    parser.add_argument(
        "--against",
        metavar="DIR",
        help="say, a line a prediction, whether each run comes to the same verdicts as the run of "
        "the same study and dataset in DIR/STUDY/DATASET; `published`: the project's own runs",
    )
    parser.add_argument(
        "--pdf",
        action="store_true",
        help="also write each figure of a run as NAME.one-column.pdf, 3.25 inches wide, and "
        "NAME.two-columns.pdf, 6.75 inches (needs ablate-resnet[pdf]); without it, those of an "
        "earlier report are removed, as they may show earlier tables",
    )
    parser.add_argument(
        "--index",
        type=Path,
        metavar="DIR",
        help="also write DIR/index.html, of every run in DIR/STUDY/DATASET",
    )
    return parser
