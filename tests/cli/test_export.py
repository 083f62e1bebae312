"""A trained network as a file: the same logits in every format, and faults in one line each."""

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ablate.cli.export import main
from ablate.engine.weights import read_kept, weights_path
from ablate.networks.weights import formats
from ablate.results.csv import read_trials
from ablate.results.names import EXPORTED, TRIALS, WEIGHTS
from support.commands import STUDY, folder, run

FORMATS = [
    "safetensors",
    "torch",
    pytest.param(
        "onnx",
        marks=pytest.mark.skipif(
            not all(map(formats.is_installed, formats.ONNX_PACKAGES)),
            reason="ablate-resnet[export] is not installed",
        ),
    ),
]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that kept its weights."""
    study = tmp_path_factory.mktemp("exported") / "tiny.toml"
    study.write_text(STUDY.replace("seeds = 4", "seeds = 2"))
    run(study, "--workers", 1, "--epochs", 1, "--keep-weights")
    return folder(study)


@pytest.fixture
def results(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "digits"))


def key_of(results: Path, cell: str, seed: int) -> str:
    table = read_trials(results / TRIALS)
    return str(table.loc[(table["cell"] == cell) & (table["seed"] == seed), "key"].item())


def network(results: Path, key: str) -> nn.Module:
    kept = read_kept(weights_path(results / WEIGHTS, key))
    return formats.filled(kept.spec.net, kept.state)


def export(results: Path, *words: object) -> int:
    return main([str(results), *map(str, words)])


def opened(path: Path) -> tuple[Any, dict[str, Any]]:
    """The logits of a file as others would read it, and what it says of itself."""
    if path.suffix == ".onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(path)
        about = json.loads(session.get_modelmeta().custom_metadata_map["ablate.json"])
        return lambda x: torch.tensor(session.run(None, {"images": x.numpy()})[0]), about
    if path.suffix == ".pt2":
        extra = {"ablate.json": ""}
        program = torch.export.load(path, extra_files=extra)
        return program.module(), json.loads(extra["ablate.json"])
    from safetensors import safe_open
    from safetensors.torch import load_file

    import ablate

    with safe_open(path, framework="pt") as file:
        about = json.loads(file.metadata()["ablate.json"])
    described = {k: tuple(v) if isinstance(v, list) else v for k, v in about["network"].items()}
    made = ablate.build(ablate.NetSpec(**described))
    made.load_state_dict(load_file(path))
    return made.eval(), about


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_a_file_gives_the_same_logits_for_any_batch(
    form: formats.Format, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(results, "wide", "--format", form) == 0
    key = key_of(results, "wide", 0)  # the lowest seed
    path = results / EXPORTED / f"{key}{formats.SUFFIXES[form]}"
    out = capsys.readouterr().out
    assert out.startswith(f"wide, seed 0, trial {key}: logits differ by ")
    assert "on 64 test images of digits" in out
    assert str(path) in out
    logits, about = opened(path)
    images: Tensor = torch.randn(5, 1, 8, 8)
    with torch.no_grad():
        expected = network(results, key)(images)
        torch.testing.assert_close(logits(images), expected, rtol=0, atol=1e-4)
        if form == "safetensors":
            assert torch.equal(logits(images), expected)
    assert json.loads(path.with_name(f"{path.name}.json").read_text()) == about
    assert about["trial"] == key
    assert about["input"]["shape"] == ["batch", 1, 8, 8]
    assert about["output"]["shape"] == ["batch", 10]
    kept = read_kept(weights_path(results / WEIGHTS, key))
    assert (tuple(about["input"]["mean"]), tuple(about["input"]["std"])) == (kept.mean, kept.std)
    assert str(Path(formats.__file__).parent).encode() not in path.read_bytes()


def test_a_torch_program_holds_no_pickled_weights(results: Path, tmp_path: Path) -> None:
    out = tmp_path / "wide.pt2"
    assert export(results, "wide", "--format", "torch", "--out", out) == 0
    formats.read(out, "torch")
    changed = tmp_path / "changed.pt2"
    with zipfile.ZipFile(out) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name.endswith("weights_config.json"):
                content = content.replace(b'"use_pickle": false', b'"use_pickle": true', 1)
            new.writestr(name, content)
    with pytest.raises(formats.InputError, match="has pickled entries, which are not read"):
        formats.read(changed, "torch")


def test_a_seed_and_a_key_name_a_trial(
    results: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    key = key_of(results, "narrow", 1)
    words = ["--format", "safetensors", "--out"]
    assert export(results, "narrow", "--seed", 1, *words, tmp_path / "a.safetensors") == 0
    assert export(results, key, *words, tmp_path / "b.safetensors") == 0
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    assert capsys.readouterr().out.count(f"narrow, seed 1, trial {key}: ") == 2


def test_the_lowest_seed_that_is_kept_is_taken(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights_path(results / WEIGHTS, key_of(results, "wide", 0)).unlink()
    assert export(results, "wide", "--format", "safetensors") == 0
    assert capsys.readouterr().out.startswith("wide, seed 1, ")
    assert export(results, "wide", "--format", "safetensors", "--seed", 0) == 2
    assert "expected one of 1" in capsys.readouterr().err


def test_nothing_is_replaced_unless_that_is_asked_for(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(results, "wide", "--format", "safetensors") == 0
    assert export(results, "wide", "--format", "safetensors") == 2
    assert "--force replaces it" in capsys.readouterr().err
    assert export(results, "wide", "--format", "safetensors", "--force") == 0


def test_other_logits_leave_no_file_and_status_1(
    results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write = formats.write

    def wrong(path: Path, form: formats.Format, network: nn.Module, *rest: Any) -> None:
        state = network.state_dict()
        bias = state["head.linear.bias"].clone()
        state["head.linear.bias"] += 1e-6
        write(path, form, network, *rest)
        state["head.linear.bias"].copy_(bias)

    monkeypatch.setattr(formats, "write", wrong)
    assert export(results, "wide", "--format", "safetensors") == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "not written: logits differ by " in err
    assert not any((results / EXPORTED).iterdir())


def test_without_the_dataset_noise_is_compared(
    results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(*_: object) -> None:
        raise formats.InputError("digits is not in data")

    monkeypatch.setattr("ablate.data.dataset.load", missing)
    assert export(results, "wide", "--format", "safetensors") == 0
    assert "on 64 images of noise (digits is not here)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["wde"], "'wde' (did you mean wide?): expected the key of a trial or one of"),
        (["0123456789abcdef"], "expected the key of a trial"),
        (["../../x"], "expected the key of a trial"),
        (["wide", "--seed", "7"], "--seed 7: no weights of that trial of 'wide' are kept"),
        (["wide", "--out", "x.onnx"], "--out x.onnx: expected a name that ends in .safetensors"),
    ],
)
def test_bad_input_is_one_line(
    words: list[str], says: str, trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(trained, *words, "--format", "safetensors") == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert says in err


def test_a_run_without_weights_says_how_to_keep_them(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = key_of(results, "wide", 0)
    shutil.rmtree(results / WEIGHTS)
    for name in ("wide", key):
        assert export(results, name, "--format", "torch") == 2
        assert "run with --keep-weights" in capsys.readouterr().err
    assert export(results, key, "--seed", 0, "--format", "torch") == 2
    assert "is the key of one trial" in capsys.readouterr().err
    assert export(results / "nowhere", "wide", "--format", "torch") == 2
    assert "no such folder" in capsys.readouterr().err


def test_a_missing_package_is_one_line(
    trained: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(formats, "is_installed", lambda package: package != "onnxscript")
    assert export(trained, "wide", "--format", "onnx") == 2
    err = capsys.readouterr().err
    assert "needs onnxscript, which is not installed: pip install 'ablate-resnet[export]'" in err
