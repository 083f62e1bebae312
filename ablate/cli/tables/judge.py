"""`ablate judge`: which arm of a table is better, and how surely."""

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

from ablate.cli.reporting import FAILED, Parser, given, refuse, reporting
from ablate.errors import InputError, printable

RESULTS = Path("results/judge")
WHOLE = (  # options of a whole table
    *("--seed", "--budget", "--unit", "--margin", "--paired", "--where", "--expect", "--out"),
)
STREAMED = ("--proposals", "--error", "--most-runs", "--follow", "--json")


def main(argv: Sequence[str] | None = None, prog: str = "ablate judge") -> int:
    """Run the command and return its exit status: 0, 1 an expectation is refuted, 2, 130."""
    parser = make_parser(prog)
    args = parser.parse_args(argv)
    options = given(parser, argv)

    def command() -> int:
        if args.stream:
            refuse(options & set(WHOLE), "not with --stream, which reads rows one by one")
            return _stream(args)
        refuse(options & set(STREAMED), "only with --stream")
        return _judge(args)

    return reporting(command)


def _stream(args: argparse.Namespace) -> int:
    """Rows one by one; what is only for a whole table is refused."""
    from ablate.cli.tables.judge_stream import run
    from ablate.tables.arms.units import way_of

    if len(args.arm) > 1:
        raise InputError("--arm: one column alone with --stream")
    way, said = way_of(args.outcome, args.better)
    proposals = None if args.proposals == "open" else _whole("--proposals", args.proposals)
    return run(
        str(args.file),
        args.arm[0],
        args.outcome,
        baseline=args.baseline,
        lower=way == -1,
        said=said,
        error=args.error,
        proposals=proposals,
        most_runs=args.most_runs,
        follow=args.follow,
        as_json=args.json,
    )


def _whole(option: str, text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise InputError(f"{option} {text}: expected a whole number, or `open`") from error


def _judge(args: argparse.Namespace) -> int:
    from ablate.analysis.verdicts.answer import SHAPES
    from ablate.report.tables.kept import replaced
    from ablate.report.tables.write import check_free, write_judged
    from ablate.results.names import REPORT
    from ablate.tables.arms.compare import Asked, judge
    from ablate.tables.arms.expectations import expectation
    from ablate.tables.arms.on_predictions import sentences
    from ablate.tables.arms.repeats import ARM, read_repeats
    from ablate.tables.arms.table import text_table
    from ablate.tables.arms.words import question

    folder = args.out or RESULTS / args.file.stem
    check_free(folder)
    repeats = read_repeats(
        args.file,
        arm=args.arm,
        outcome=args.outcome,
        seed=args.seed,
        budget=args.budget,
        better=args.better,
        told=args.unit,
        where=_conditions(args.where),
    )
    arms = [str(arm) for arm in repeats.frame[ARM].unique()]
    asked = Asked(
        baseline=args.baseline,
        margin=args.margin,
        paired=args.paired,
        hypotheses={
            f"expect_{number}": expectation(text, arms, args.outcome)
            for number, text in enumerate(args.expect, 1)
        },
    )
    judged = judge(repeats, asked)
    note = replaced(repeats, folder)
    verdict = write_judged(judged, folder)
    chosen = "" if args.baseline else " (it has the most rows; --baseline ARM for another)"
    said = sentences(judged)
    lines = [
        question(judged),
        *verdict.lines(),
        "",
        text_table(judged),
        f"baseline {judged.baseline}{chosen}; {repeats.why}",
    ]
    for one in verdict.predictions:
        says = asked.hypotheses[one.name].says
        lines += ["", f"{SHAPES[one.mark]} {one.mark}: {says}", f"    {said[one.name]}"]
    for line in "\n".join([*lines, *([note] if note else []), str(folder / REPORT)]).split("\n"):
        print(printable(line))
    refuted = (judged.hypotheses["verdict"] == "refuted").any()
    return FAILED if refuted else 0


def _conditions(words: Sequence[str]) -> dict[str, str]:
    """`COLUMN=VALUE` by column."""
    found = {}
    for word in words:
        column, sign, value = word.partition("=")
        if not sign or not column:
            raise InputError(f"--where {word!r}: expected COLUMN=VALUE")
        found[column.strip()] = value.strip()
    return found


def _margin(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number above 0")
    return value


def make_parser(prog: str) -> Parser:
    """Its options."""
    parser = Parser(
        prog=prog,
        description="Say which arm of a table is better, and how surely: verdict, table, figure "
        "and page of any CSV, Parquet or JSON lines file in which rows repeat arms, such as the "
        "seeds of several models. Nothing is trained, and torch is not needed.",
        epilog="Exit status: 0 whatever the verdict; 1 where an --expect is refuted; 2 bad input; "
        "130 stopped.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="a .csv, .parquet or .jsonl file")
    parser.add_argument(
        "--arm",
        action="append",
        required=True,
        metavar="COLUMN",
        help="what is compared, such as the model; given several times, the columns name an arm "
        "together",
    )
    parser.add_argument(
        "--outcome", required=True, metavar="COLUMN", help="what it is compared by: numbers"
    )
    parser.add_argument(
        "--seed",
        metavar="COLUMN",
        help="what tells an arm's rows apart; a row that comes twice is then refused",
    )
    parser.add_argument(
        "--budget", metavar="COLUMN", help="what an arm costs; a figure shows the outcome over it"
    )
    parser.add_argument(
        "--baseline",
        metavar="ARM",
        help="the arm that others are compared with (default: the one with the most rows)",
    )
    way = parser.add_mutually_exclusive_group()
    way.add_argument(
        "--higher",
        dest="better",
        action="store_const",
        const=1,
        help="more is better (default for names with acc, top1, top5, auc, f1, score or r2)",
    )
    way.add_argument(
        "--lower",
        dest="better",
        action="store_const",
        const=-1,
        help="less is better (default for names with loss, err, perplexity, mse, mae, time or "
        "latency)",
    )
    parser.add_argument(
        "--unit",
        choices=("fraction", "percent", "own"),
        help="what the numbers are (default: accuracies and errors within 0 and 1 are fractions, "
        "within 0 and 100 percentages, both told in points; all else is told as it is)",
    )
    parser.add_argument(
        "--margin",
        type=_margin,
        metavar="M",
        help="what counts as equal, in points or in the outcome's own unit (default: half a point "
        "for accuracies and errors; else nothing)",
    )
    parser.add_argument(
        "--paired",
        action="store_true",
        help="arms at the same --seed share something, such as the order of images",
    )
    parser.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="COLUMN=VALUE",
        help="take these rows alone; may be given several times",
    )
    parser.add_argument(
        "--expect",
        action="append",
        default=[],
        metavar="'A > B'",
        help="that arm A is better than arm B; <: worse; =: as good, within the margin. Where that "
        "is refuted the exit status is 1; may be given several times",
    )
    stream = parser.add_argument_group("proposals that come one by one")
    stream.add_argument(
        "--stream",
        action="store_true",
        help="read rows as they come, from FILE or - for standard input, and say after each "
        "whether to keep, discard or go on; nothing is written",
    )
    stream.add_argument(
        "--proposals",
        default="100",
        metavar="N",
        help="how many are to come, or `open` (default: 100)",
    )
    stream.add_argument(
        "--error",
        type=float,
        default=0.05,
        metavar="P",
        help="chance of one false keep or more in the stream, at most (default: 0.05)",
    )
    stream.add_argument(
        "--most-runs", type=int, default=8, metavar="N", help="of one proposal (default: 8)"
    )
    stream.add_argument("--follow", action="store_true", help="wait for more rows at FILE's end")
    stream.add_argument("--json", action="store_true", help="answer in lines of JSON")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help=f"where all of it is written (default: {RESULTS}/NAME of the file)",
    )
    return parser
