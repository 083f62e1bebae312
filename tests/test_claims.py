"""Claims are judged by what torchvision's networks have, and by what runs have found."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from torchvision.models import resnet

from ablate.cli.profile import main as profile
from ablate.cli.run import main
from ablate.errors import InputError
from ablate.networks import cost as networks_cost
from ablate.report.claims.figure import GROWTHS, growth_table, macs_by_growth
from ablate.report.claims.file import read_claims
from ablate.report.claims.found import read_links
from ablate.report.claims.torchvision import network_names, read_network
from ablate.report.claims.verdict import Linked, Observed, article_network, layer_macs, verdict
from ablate.study.find import find_studies, kind_of
from ablate.study.strict import read_toml

SHIPPED = Path(__file__).parent.parent / "studies" / "claims.toml"
FILES = {
    *("claims.csv", "checks.csv", "networks.csv", "linked.csv", "summary.md", "report.html"),
    *("macs_by_growth.png", "macs_by_growth.svg", "macs_by_growth.csv"),
}
# He et al. 2015 (arXiv 1512.03385), table 1: blocks, side and channels of the four stages.
TABLE_1 = {
    "resnet18": ("basic", [2, 2, 2, 2], [64, 128, 256, 512]),
    "resnet34": ("basic", [3, 4, 6, 3], [64, 128, 256, 512]),
    "resnet50": ("bottleneck", [3, 4, 6, 3], [256, 512, 1024, 2048]),
    "resnet152": ("bottleneck", [3, 8, 36, 3], [256, 512, 1024, 2048]),
}

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file with one claim, of the given lines."""

    def write(*lines: str, name: str = "some") -> Path:
        path = tmp_path / f"{name}.toml"
        head = ['kind = "claims"', 'question = "Is it so?"', "[claims.one]", 'text = "So it is."']
        path.write_text("\n".join([*head, 'instead = "It is."', *lines]))
        return path

    return write


def hypotheses(out: Path, study: str, dataset: str, **verdicts: str) -> None:
    """A run's table of verdicts, as far as claims read it."""
    folder = out / study / dataset
    folder.mkdir(parents=True)
    rows = [
        {"name": name, "verdict": said, "sentence": f"It is {said}, 95%.", "n": 10}
        for name, said in verdicts.items()
    ]
    pd.DataFrame(rows).to_csv(folder / "hypotheses.csv", index=False)


def judged(path: Path, out: Path) -> "pd.Series[object]":
    """The row of the only claim of a file, after a check of it."""
    assert main(["--study", str(path), "--out", str(out)]) == 0
    table = pd.read_csv(out / path.stem / "torchvision" / "claims.csv")
    return table.iloc[0]


@pytest.mark.parametrize("name", TABLE_1)
def test_stages_are_those_that_were_published(name: str) -> None:
    block, blocks, out_widths = TABLE_1[name]
    stages = read_network(name)
    assert [stage.block for stage in stages] == [block] * 4
    assert [stage.blocks for stage in stages] == blocks
    assert [stage.out_width for stage in stages] == out_widths
    assert [stage.planes for stage in stages] == [64, 128, 256, 512]
    assert [stage.inner_width for stage in stages] == [64, 128, 256, 512]
    assert [stage.out_side for stage in stages] == [56, 28, 14, 7]
    assert [stage.halved for stage in stages] == [False, True, True, True]


def test_a_wide_network_has_wider_insides_and_the_same_planes() -> None:
    stages = read_network("wide_resnet50_2")
    assert [stage.inner_width for stage in stages] == [128, 256, 512, 1024]
    assert [stage.planes for stage in stages] == [64, 128, 256, 512]


def test_every_residual_network_of_torchvision_is_known_and_can_be_read() -> None:
    builders = {name for name in resnet.__all__ if name.islower()}
    assert set(network_names()) == builders
    for name in network_names():
        assert len(read_network(name)) == 4


def test_the_shipped_claims_have_the_verdicts_that_the_networks_force(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--study", "claims", "--out", str(tmp_path)]) == 0
    folder = tmp_path / "claims" / "torchvision"
    assert {path.name for path in folder.iterdir()} == FILES
    claims = pd.read_csv(folder / "claims.csv").set_index("claim")
    assert claims["verdict"].to_dict() == {
        "resnet34_is_constant": "refuted",
        "change_where_halved": "supported",
        "purpose_is_capacity": "refuted",
        "depends_on_variant": "refuted",
    }
    checks = pd.read_csv(folder / "checks.csv")
    first = checks[(checks["claim"] == "resnet34_is_constant") & (checks["network"] == "resnet34")]
    assert first[["claimed", "observed", "holds"]].to_numpy().tolist() == [
        ["64, 64, 64, 64", "64, 128, 256, 512", False]
    ]
    assert checks.loc[checks["of"] == "instead", "holds"].all()
    assert set(pd.read_csv(folder / "networks.csv")["network"]) == set(network_names())
    for text in (capsys.readouterr().out, (folder / "summary.md").read_text()):
        one_line = " ".join(text.split())
        for claim in read_claims(SHIPPED, find_studies()).claims.values():
            assert claim.text in one_line
            assert claim.instead in one_line
        assert "1512.03385, section 3.3" in one_line
        for layer in ("2.36M, 590k, 147k", "2.36M, 2.36M, 2.36M", "2.36M, 5.31M, 11.9M"):
            assert layer in one_line


def test_a_second_check_writes_the_same_bytes(tmp_path: Path) -> None:
    folders = []
    for out in (tmp_path, tmp_path):
        assert main(["--study", "claims", "--out", str(out)]) == 0
        folder = out / "claims" / "torchvision"
        folders.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert set(folders[0]) == FILES
    assert folders[0] == folders[1]


@pytest.mark.parametrize(
    ("check", "holds"),
    [
        ('{ planes = "resnet34", are = [64, 128, 256, 512] }', True),
        ('{ planes = "resnet34", are = [64, 64, 64, 64] }', False),
        ('{ planes = "resnet34", are = [64, 128, 256] }', False),
        ('{ same_planes = ["resnet34", "resnet50"] }', True),
        ('{ planes_differ = ["resnet34", "resnet50"] }', False),
        ('{ planes_change_where_halved = ["resnet18", "wide_resnet50_2"] }', True),
        ("{ layer_macs_equal_at = 2.0 }", True),
        ("{ layer_macs_equal_at = 1.0 }", False),
        ("{ layer_macs_equal_at = 3.0 }", False),
        ('{ source = "A", says = "b", agrees = true }', True),
        ('{ source = "A", says = "b", agrees = false }', False),
    ],
)
def test_a_false_check_refutes_and_a_true_one_supports(
    write: Write, tmp_path: Path, check: str, holds: bool
) -> None:
    row = judged(write(f"checks = [{check}]"), tmp_path)
    assert row["verdict"] == ("supported" if holds else "refuted")
    assert (row["checks_hold"] == row["checks"]) == holds


def test_a_correction_does_not_touch_the_verdict(write: Write, tmp_path: Path) -> None:
    true = '{ same_planes = ["resnet34", "resnet50"] }'
    false = '{ planes = "resnet50", are = [1, 1, 1, 1] }'
    row = judged(write(f"checks = [{true}]", f"corrections = [{false}]"), tmp_path)
    assert row["verdict"] == "supported"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, "inconclusive"),
        ({"digits": "supported"}, "supported"),
        ({"digits": "refuted"}, "refuted"),
        ({"digits": "equivalent"}, "inconclusive"),
        ({"digits": "supported", "cifar10": "refuted"}, "inconclusive"),
        ({"digits": "supported", "cifar10": "supported"}, "supported"),
    ],
)
def test_a_claim_without_checks_is_judged_by_the_runs(
    write: Write, tmp_path: Path, said: dict[str, str], expected: str
) -> None:
    for dataset, each in said.items():
        hypotheses(tmp_path, "width_doubling", dataset, doubling_beats_constant=each)
    path = write('studies = ["width_doubling.doubling_beats_constant"]')
    assert judged(path, tmp_path)["verdict"] == expected
    linked = pd.read_csv(tmp_path / "some" / "torchvision" / "linked.csv", keep_default_na=False)
    assert dict(zip(linked["dataset"], linked["verdict"], strict=True)) == (said or {"": ""})


def test_a_prediction_against_a_claim_speaks_the_other_way(write: Write, tmp_path: Path) -> None:
    hypotheses(tmp_path, "compute_balance", "digits", balance_explains_doubling="supported")
    path = write('against = ["compute_balance.balance_explains_doubling"]')
    assert judged(path, tmp_path)["verdict"] == "refuted"


def test_what_a_run_found_is_quoted_and_what_is_missing_has_its_command(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hypotheses(tmp_path, "width_doubling", "digits", doubling_beats_constant="supported")
    links = '"width_doubling.doubling_beats_constant", "width_iso_macs.optimum_is_two"'
    assert judged(write(f"studies = [{links}]"), tmp_path)["verdict"] == "inconclusive"
    out = " ".join(capsys.readouterr().out.split())
    assert "digits: supported. It is supported, 95%." in out
    assert f"not run yet: ablate run --study width_iso_macs --out {tmp_path}" in out


def test_a_run_that_did_not_judge_the_prediction_counts_as_missing(tmp_path: Path) -> None:
    hypotheses(tmp_path, "width_doubling", "digits", another="supported")
    (link,) = read_links(tmp_path, "width_doubling.doubling_beats_constant", "for")
    assert link.dataset == link.verdict == ""


@pytest.mark.parametrize(
    "content", ["", "name,verdict\na,b\n", "name,verdict,sentence,n\na,b,c,many\n", "\0" * 9]
)
def test_a_damaged_table_of_verdicts_is_one_clear_line(tmp_path: Path, content: str) -> None:
    path = tmp_path / "width_doubling" / "digits" / "hypotheses.csv"
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(InputError, match="not a table of hypotheses") as caught:
        read_links(tmp_path, "width_doubling.doubling_beats_constant", "for")
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_one_failed_check_outweighs_what_runs_say() -> None:
    good = Linked(study="s", hypothesis="h", role="for", dataset="d", verdict="supported")
    seen = Observed(network="n", claimed="a", observed="b", holds=False)
    assert verdict([seen], [good]) == "refuted"
    assert verdict([], [good]) == "supported"


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
        ('studies = ["width_doublin.doubling_beats_constant"]', "did you mean width_doubling?"),
        ('studies = ["width_doubling.doubling_beats_constent"]',
         "did you mean doubling_beats_constant?"),
        ("checks = [{ layer_macs_equal_at = inf }]", "checks.0.layer_macs_equal_at = inf"),
        ('against = ["width_doubling"]', "has no hypothesis ''"),
        ('studies = ["claims.one"]', "no study 'claims'"),
        ("", "expected checks, studies or against"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_file_is_one_clear_line_and_status_2(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, says: str
) -> None:
    assert main(["--study", str(write(line)), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"ablate: {tmp_path / 'some.toml'}: claims.one")
    assert error.count("\n") == 1
    assert says in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("first", "says"),
    [("", "kind: field required"), ('kind = "claim"', "kind = 'claim': input should be 'claims'")],
)
def test_claims_without_their_kind_are_told_so_and_not_read_as_a_study(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], first: str, says: str
) -> None:
    path = tmp_path / "some.toml"
    path.write_text(f'{first}\nquestion = "q"\n[claims.one]\ntext = "t"\ninstead = "i"\n')
    assert main(["--study", str(path), "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"ablate: {path}: {says}\n"


def test_the_page_of_an_own_file_has_the_command_that_makes_it(
    write: Write, tmp_path: Path
) -> None:
    path = write("checks = [{ layer_macs_equal_at = 2.0 }]")
    judged(path, tmp_path)
    page = (tmp_path / "some" / "torchvision" / "report.html").read_text()
    assert f"ablate run --study {path} --out {tmp_path}" in page


def test_a_file_name_that_cannot_name_a_folder_is_refused(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write("checks = [{ layer_macs_equal_at = 2.0 }]", name="so me")
    assert main(["--study", str(path)]) == 2
    assert "expected letters, digits, _ and -" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--seeds", "3"], "--seeds"),
        (["--epochs", "1", "--dry-run"], "--epochs"),
        (["--dataset", "cifar10", "--download"], "--dataset, --download"),
        (["--batch-sweep", "8,16"], "--batch-sweep"),
        (["--device", "cpu"], "--device"),
        (["--dataset", "digits", "--workers", "auto"], "--dataset, --workers"),  # the defaults
    ],
)
def test_options_of_a_training_are_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], named: str
) -> None:
    assert main(["--study", "claims", "--out", str(tmp_path), *options]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"ablate: {named}: ")
    assert "takes only --out and --dry-run" in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_dry_run_prints_claims_and_checks_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--study", str(SHIPPED), "--out", str(tmp_path), "--dry-run"]) == 0
    out = capsys.readouterr().out
    for name, claim in read_claims(SHIPPED, find_studies()).claims.items():
        assert f"{name}: {claim.text}" in out
        for link in claim.studies + claim.against:
            assert link in out
    assert "planes = resnet34, are = [64, 64, 64, 64]" in out
    assert not list(tmp_path.iterdir())


def test_the_list_of_studies_has_the_claims(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("  claims ") and line.endswith("?")]


def test_claims_have_no_network_to_profile(capsys: pytest.CaptureFixture[str]) -> None:
    assert profile(["--study", "claims"]) == 2
    error = capsys.readouterr().err
    assert "holds claims, not networks to train" in error
    assert error.count("\n") == 1


def test_only_a_file_that_says_so_holds_claims() -> None:
    kinds = {name: kind_of(read_toml(path)[0]) for name, path in find_studies().items()}
    assert [name for name, kind in kinds.items() if kind == "claims"] == ["claims"]


def test_macs_by_growth_are_those_counted_by_hand() -> None:
    data = macs_by_growth(GROWTHS).data.set_index(["growth", "stage"])
    # Stage 2 at growth 2, 16x16: 3x3 from 16 to 32, three of 32 to 32, a projection.
    by_hand = 16 * 16 * (9 * 16 * 32 + 3 * 9 * 32 * 32 + 16 * 32)
    assert data.loc[(2.0, "stage 2"), "macs"] == by_hand
    assert data.loc[(2.0, "stage 2"), "layer_macs"] == 16 * 16 * 9 * 32 * 32
    # The same weights; five norms of two parameters a channel; five outputs of 16x16.
    weights = by_hand // (16 * 16)
    assert data.loc[(2.0, "stage 2"), "params"] == weights + 5 * 2 * 32
    assert data.loc[(2.0, "stage 2"), "activations"] == 5 * 16 * 16 * 32
    for growth in GROWTHS:
        for stage, (size, cost) in networks_cost.stages(article_network(growth)).items():
            if stage.startswith("stage "):
                row = data.loc[(growth, stage)]
                assert (row["macs"], row["out_size"]) == (cost.macs, size)
                assert (row["params"], row["activations"]) == (cost.params, cost.activations)
    assert len(data) == 9


def test_the_table_of_growths_has_every_panel_stage_by_stage() -> None:
    table = growth_table(macs_by_growth(GROWTHS).data).set_index("cost")
    assert list(table.columns) == ["growth 1", "growth 2", "growth 3"]
    assert list(table.loc["Widths"]) == ["16, 16, 16", "16, 32, 64", "16, 48, 144"]
    assert table.loc["MACs of a whole stage", "growth 2"] == "9.44M, 8.39M, 8.39M"
    assert table.loc["Parameters of a whole stage", "growth 2"] == "9.34k, 33.1k, 132k"
    assert table.loc["Activations of a whole stage", "growth 2"] == "65.5k, 41k, 20.5k"


@pytest.mark.parametrize(("growth", "factor"), [(1.0, 0.25), (2.0, 1.0), (3.0, 2.25)])
def test_macs_of_a_layer_scale_by_a_quarter_of_the_growth_squared(
    growth: float, factor: float
) -> None:
    first, second, third = layer_macs(article_network(growth)).values()
    assert second == factor * first
    assert third == factor * second
