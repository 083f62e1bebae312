"""Claims are judged by what torchvision's networks have, and by what runs have found."""

from pathlib import Path

import pandas as pd
import pytest

from ablate.cli.profile import main as profile
from ablate.cli.run import main
from ablate.errors import InputError
from ablate.networks.weights.torchvision import residual_networks, stage_table
from ablate.report.claims.figure import growth_table, macs_by_growth
from ablate.report.claims.file import read_claims
from ablate.report.claims.verdict import Judged, judge
from ablate.study.find import find_studies
from support import PUBLISHED

RESULTS = PUBLISHED
TABLES = {
    *("claims.csv", "checks.csv", "networks.csv", "linked.csv", "macs_by_growth.csv"),
    "verdict.csv",
}
FILES = TABLES | {"summary.md", "report.html", "macs_by_growth.png", "macs_by_growth.svg"}
DOUBLING = "width_doubling.doubling_beats_constant"
HELD = "{ layer_macs_equal_at = 2.0 }"


def written(folder: Path, *lines: str) -> Path:
    """A file with one claim, of the given lines."""
    path = folder / "some.toml"
    head = [
        'kind = "claims"',
        'question = "Is it so?"',
        "[claims.one]",
        'text = "So <b>it</b> is."',
    ]
    path.write_text("\n".join([*head, 'instead = "=It is."', *lines]))
    return path


def judged(folder: Path, *lines: str) -> Judged:
    """That claim, judged by torchvision and by the runs in the folder."""
    file = read_claims(written(folder, *lines), find_studies(), residual_networks())
    (one,) = judge(file, stage_table(file.networks), folder)
    return one


def ran(out: Path, prediction: str, dataset: str, verdict: str) -> None:
    """A run's table of verdicts, as far as claims read it."""
    study, name = prediction.split(".")
    row = {"name": name, "verdict": verdict, "sentence": f"It is {verdict}, 95%.", "n": 10}
    (out / study / dataset).mkdir(parents=True)
    pd.DataFrame([row]).to_csv(out / study / dataset / "hypotheses.csv", index=False)


def test_the_shipped_claims_are_judged_as_is_published(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    published = RESULTS / "claims" / "torchvision"
    monkeypatch.chdir(tmp_path)
    folder, made = Path("results/claims/torchvision"), []
    for _ in range(2):
        assert main(["--study", "claims"]) == 0
        made.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert made[0] == made[1]
    assert set(made[0]) == FILES
    for name in ("claims.csv", "summary.md"):
        assert (folder / name).read_text() == (published / name).read_text(), name
    claims = pd.read_csv(folder / "claims.csv")
    assert dict(zip(claims["claim"], claims["verdict"], strict=True)) == {
        "resnet34_is_constant": "refuted",
        "change_where_halved": "supported",
        "purpose_is_capacity": "refuted",
        "depends_on_variant": "refuted",
    }
    assert (folder / "summary.md").read_text() in capsys.readouterr().out


@pytest.mark.parametrize(
    ("check", "holds"),
    [
        ('{ planes = "resnet34", are = [64, 128, 256, 512] }', True),
        ('{ planes = "resnet34", are = [64, 64, 64, 64] }', False),
        ('{ planes = "resnet34", are = [64, 128, 256] }', False),
        ('{ same_planes = ["resnet34", "resnet50"] }', True),
        ('{ planes_differ = ["resnet34", "resnet50"] }', False),
        ('{ planes_change_where_halved = ["resnet18", "wide_resnet50_2"] }', True),
        (HELD, True),
        ("{ layer_macs_equal_at = 3 }", False),
        ('{ source = "A", says = "b", agrees = true }', True),
        ('{ source = "A", says = "b", agrees = false }', False),
    ],
)
def test_a_false_check_refutes_and_a_correction_does_not_touch_the_verdict(
    tmp_path: Path, check: str, holds: bool
) -> None:
    expected = "supported" if holds else "refuted"
    assert judged(tmp_path, f"checks = [{check}]").verdict == expected
    corrected = judged(tmp_path, f"checks = [{HELD}]", f"corrections = [{check}]")
    assert (corrected.checks[-1].holds, corrected.verdict) == (holds, "supported")


def test_checks_tell_networks_of_other_planes_apart(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        'checks = [{ same_planes = ["a", "b"] }, { planes_differ = ["a", "b"] }, '
        '{ planes_change_where_halved = ["a", "b"] }]',
    )
    rows = [("a", 1, 8, True), ("a", 2, 8, True), ("b", 1, 8, True), ("b", 2, 9, True)]
    networks = pd.DataFrame(rows, columns=["network", "stage", "planes", "halved"])
    (one,) = judge(read_claims(path, {}, ["a", "b"]), networks, tmp_path)
    assert [(found.network, found.observed, found.holds) for found in one.checks] == [
        ("b", "8, 9", False),
        ("a, b", "8, 8; 8, 9", True),
        ("a", "in stages none", False),
        ("b", "in stages 2", True),
    ]


@pytest.mark.parametrize(
    ("role", "said", "expected"),
    [
        ("studies", {}, "inconclusive"),
        ("studies", {"digits": "supported"}, "supported"),
        ("studies", {"digits": "refuted"}, "refuted"),
        ("studies", {"digits": "equivalent"}, "inconclusive"),
        ("studies", {"cifar10": "refuted", "digits": "supported"}, "inconclusive"),
        ("studies", {"cifar10": "supported", "digits": "supported"}, "supported"),
        ("against", {"digits": "supported"}, "refuted"),
        ("against", {"digits": "refuted"}, "supported"),
    ],
)
def test_runs_judge_a_claim_and_one_false_check_outweighs_them(
    tmp_path: Path, role: str, said: dict[str, str], expected: str
) -> None:
    for dataset, verdict in said.items():
        ran(tmp_path, DOUBLING, dataset, verdict)
    one = judged(tmp_path, f'{role} = ["{DOUBLING}"]')
    assert {link.dataset: link.verdict for link in one.links} == (said or {"": ""})
    assert one.verdict == expected
    false = "checks = [{ layer_macs_equal_at = 1.0 }]"
    assert judged(tmp_path, f'{role} = ["{DOUBLING}"]', false).verdict == "refuted"


def test_a_run_that_did_not_judge_the_prediction_counts_as_missing(tmp_path: Path) -> None:
    ran(tmp_path, "width_doubling.another", "digits", "supported")
    (link,) = judged(tmp_path, f'studies = ["{DOUBLING}"]').links
    assert (link.dataset, link.verdict, link.speaks) == ("", "", "neither")


@pytest.mark.parametrize(
    "content", ["", "name,verdict\na,b\n", "name,verdict,sentence,n\na,b,c,many\n", "\0" * 9]
)
def test_a_damaged_table_of_verdicts_is_one_clear_line(tmp_path: Path, content: str) -> None:
    ran(tmp_path, DOUBLING, "digits", "supported")
    path = tmp_path / "width_doubling" / "digits" / "hypotheses.csv"
    path.write_text(content)
    with pytest.raises(InputError, match="not a table of hypotheses") as caught:
        judged(tmp_path, f'studies = ["{DOUBLING}"]')
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_an_own_file_quotes_runs_names_commands_and_is_safe_to_open(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "results" / "published").mkdir(parents=True)  # where nothing was run yet
    monkeypatch.chdir(tmp_path)
    ran(tmp_path, DOUBLING, "digits", "supported")
    path = written(
        tmp_path, f'studies = ["{DOUBLING}", "width_iso_macs.optimum_is_two"]', f"checks = [{HELD}]"
    )
    assert main(["--study", str(path), "--out", str(tmp_path)]) == 0
    folder = tmp_path / "some" / "torchvision"
    page, printed = (folder / "report.html").read_text(), capsys.readouterr().out
    assert "digits: supported. It is supported, 95%." in printed
    assert f"not run yet: ablate run --study width_iso_macs --out {tmp_path}" in printed
    assert f"ablate run --study {path} --out {tmp_path}" in page
    assert "So &lt;b&gt;it&lt;/b&gt; is." in page
    assert "<b>it</b>" not in page
    assert "So &lt;b&gt;it&lt;/b&gt; is." in page
    assert pd.read_csv(folder / "claims.csv")["instead"][0] == "'=It is."


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('checks = [{ planes = "resnet43", are = [64] }]', "did you mean resnet34?"),
        ('checks = [{ planez = "resnet34", are = [64] }]', "did you mean planes?"),
        ('corrections = [{ same_plane = ["resnet34"] }]', "did you mean same_planes?"),
        ('check = [{ planes = "resnet34", are = [64] }]', "did you mean checks?"),
        ('checks = [{ planes = "resnet34" }]', "planes needs 'are'"),
        ('checks = [{ same_planes = ["resnet34", "resnet50"], are = [1] }]', "takes no 'are'"),
        ('checks = [{ planes = "resnet34", are = "64" }]', "claims.one.checks.0.are"),
        ('checks = [{ same_planes = ["resnet34"] }]', "at least 2 items"),
        ("checks = [{ are = [64] }]", "expected one of planes"),
        ('checks = [{ planes = "x", source = "y" }]', "got planes, source"),
        ("checks = [{ layer_macs_equal_at = inf }]", "checks.0.layer_macs_equal_at = inf"),
        ('studies = ["width_doublin.a"]', "did you mean width_doubling?"),
        (f'studies = ["{DOUBLING[:-1]}"]', "did you mean doubling_beats_constant?"),
        ('against = ["width_doubling"]', "no hypothesis of width_doubling ''"),
        ('studies = ["claims.one"]', "no study 'claims'"),
        ('studies = ["search_pareto.one"]', "no study 'search_pareto'"),
        ("", "expected checks, studies or against"),
    ],
)
def test_a_mistake_in_the_file_is_one_clear_line_and_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, says: str
) -> None:
    path = written(tmp_path, line)
    assert main(["--study", str(path), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"ablate: {path}: claims.one")
    assert error.count("\n") == 1
    assert says in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("kind", "says"),
    [("", "kind: field required"), ('kind = "claim"', "kind = 'claim': input should be 'claims'")],
)
def test_claims_without_their_kind_are_not_read_as_a_study(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, says: str
) -> None:
    path = written(tmp_path, f"checks = [{HELD}]")
    path.write_text(path.read_text().replace('kind = "claims"', kind))
    assert main(["--study", str(path)]) == 2
    assert capsys.readouterr().err == f"ablate: {path}: {says}\n"


def test_what_only_a_training_would_heed_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    # The values are the defaults: what counts is that they are given.
    assert main(["--study", "claims", "--dataset", "digits", "--workers", "auto", "--dry-run"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("ablate: --dataset, --workers: ")
    assert "takes only --out and --dry-run" in error
    assert profile(["--study", "claims"]) == 2
    assert "holds claims, not networks to train" in capsys.readouterr().err


def test_claims_are_listed_and_can_be_planned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("  claims ") and line.endswith("?")]
    assert main(["--study", "claims", "--out", str(tmp_path / "out"), "--dry-run"]) == 0
    planned = capsys.readouterr().out
    assert "1. resnet34_is_constant: ResNet-34 has the same number of planes" in planned
    assert "check: planes = resnet34, are = [64, 64, 64, 64]" in planned
    assert "for it, where it holds: abstraction.capacity_pays" in planned
    assert not (tmp_path / "out").exists()


def test_macs_by_growth_are_those_counted_by_hand() -> None:
    data = macs_by_growth().data
    # Stage 2 at growth 2, 16x16: 3x3 from 16 to 32, three of 32 to 32, a projection; five norms of
    # two parameters a channel; five outputs of 16x16.
    weights, pixels = 9 * 16 * 32 + 3 * 9 * 32 * 32 + 16 * 32, 16 * 16
    assert data.set_index(["growth", "stage"]).loc[(2.0, "stage 2")].to_dict() == {
        "width": 32,
        "out_size": 16,
        "layer_macs": pixels * 9 * 32 * 32,
        "macs": pixels * weights,
        "params": weights + 5 * 2 * 32,
        "activations": 5 * pixels * 32,
    }
    table = growth_table(data).set_index("cost")
    assert list(table.loc["Widths"]) == ["16, 16, 16", "16, 32, 64", "16, 48, 144"]
    assert table.loc["MACs of a whole stage", "growth 2"] == "9.44M, 8.39M, 8.39M"
