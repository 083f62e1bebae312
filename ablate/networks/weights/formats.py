"""A trained network as a file that others read: safetensors, ONNX, or a program of torch.export.

None of them is read by unpickling. Each holds, as text, what the network is and what it takes:

- `safetensors`: the weights alone. `build` makes the network that they go into.
- `torch`: the program with its weights; `torch.export.load` needs no ablate.
- `onnx`: the graph with its weights, for ONNX Runtime and others.
"""

import importlib.util
import io
import json
import logging
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from ablate.errors import InputError
from ablate.files import replacing
from ablate.networks.canonical import description, network_of
from ablate.networks.model import build
from ablate.spec.network import NetSpec

Format = Literal["safetensors", "onnx", "torch"]
FORMATS: tuple[Format, ...] = get_args(Format)
SUFFIXES: dict[Format, str] = {"safetensors": ".safetensors", "onnx": ".onnx", "torch": ".pt2"}
# Largest difference of a logit that is no mistake, over the largest logit: operators may be fused
# and sums be taken in another order, but for safetensors, where all is the same.
TOLERANCES: dict[Format, float] = {"safetensors": 0.0, "onnx": 1e-4, "torch": 1e-4}
ONNX_PACKAGES = ("onnx", "onnxscript", "onnxruntime")
ABOUT = "ablate.json"  # the name of the text in a file
Logits = Callable[[Tensor], Tensor]


def filled(net: NetSpec, state: Mapping[str, Tensor]) -> nn.Module:
    """The network with its weights, on the CPU, for inference.

    Raises:
        InputError: the weights are another network's; or it has modules of one's own, which no
            file of weights may have imported.
    """
    if net.own:
        raise InputError(
            f"its network has modules of one's own, {', '.join(map(str, net.own))}, which are "
            "imported for a study file alone; build it from there and load the weights into it"
        )
    network = build(net)
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise InputError(f"not the weights of {net}: {' '.join(str(error).split())}") from error
    return network.eval()


def describe(
    name: str, net: NetSpec, mean: tuple[float, ...], std: tuple[float, ...]
) -> dict[str, Any]:
    """What a file says of its network, as JSON values.

    Args:
        name: of the network.
        net: all of it.
        mean, std: of the pixels, 0 to 255, that it was trained with, for each channel.
    """
    return {
        "name": name,
        "network": description(net),
        "input": {
            "shape": ["batch", net.in_channels, net.image_size, net.image_size],
            "dtype": "float32",
            "pixels": "8-bit values, as (pixels - mean) / std of each channel",
            "mean": list(mean),
            "std": list(std),
        },
        "output": {"shape": ["batch", net.num_classes], "holds": "logits"},
    }


def is_installed(package: str) -> bool:
    """Whether a package can be imported."""
    return importlib.util.find_spec(package) is not None


def check_installed(form: Format) -> None:
    """Raise `InputError`, in one line, where a package is missing that the format takes."""
    for package in ONNX_PACKAGES if form == "onnx" else ():
        if not is_installed(package):
            raise InputError(
                f"--format onnx needs {package}, which is not installed: pip install "
                "'ablate-resnet[export]'"
            )


class DifferentError(Exception):
    """What was written gives other logits; says by how much, and on how many images."""


def export(
    path: Path,
    form: Format,
    network: nn.Module,
    net: NetSpec,
    about: Mapping[str, Any],
    images: Tensor,
) -> str:
    """Write a network, read it again and compare the logits; say how much they differ.

    The file takes its place once it is found right; what was there before stays until then.

    Args:
        path, form, network, net, about: as of `write`.
        images: normalised, (N, C, H, W).

    Raises:
        DifferentError: a logit differs by more than the format allows; nothing was written.
        WriteError: the file cannot be written.
    """
    with replacing(path) as temporary:
        write(temporary, form, network, net, about)
        again, _ = read(temporary, form)
        with torch.no_grad():
            expected, found = network(images), again(images)
        difference = float((found - expected).abs().max())
        allowed = TOLERANCES[form] * float(expected.abs().max())
        said = f"logits differ by {difference:.2g} at most, {allowed:.2g} allowed, on {len(images)}"
        if not difference <= allowed:  # nor where it is not a number
            raise DifferentError(said)
    return said


def write(
    path: Path, form: Format, network: nn.Module, net: NetSpec, about: Mapping[str, Any]
) -> None:
    """Write a network for inference; its batch may have any size.

    Args:
        path: of the file.
        form: of `FORMATS`.
        network: of `filled`.
        net: what it is.
        about: of `describe`, and what else is to be known.
    """
    text = json.dumps(about)
    if form == "safetensors":
        from safetensors.torch import save_file

        save_file(network.state_dict(), path, {ABOUT: text})
        return
    example = (torch.zeros(2, net.in_channels, net.image_size, net.image_size),)
    batch = ({0: torch.export.Dim("batch")},)
    with _quiet(), torch.no_grad():
        program = torch.export.export(network, example, dynamic_shapes=batch)
        for node in program.graph.nodes:
            node.meta.pop("stack_trace", None)  # it names the folders of this machine
        if form == "torch":
            program.example_inputs = None  # they would be pickled
            buffer = io.BytesIO()  # given a path, it would write the name into the file
            torch.export.save(program, buffer, extra_files={ABOUT: text})
            path.write_bytes(buffer.getvalue())
            return
        made = torch.onnx.export(
            program, input_names=["images"], output_names=["logits"], verbose=False
        )
    assert made is not None
    made.model.metadata_props[ABOUT] = text
    made.save(path)


def read(path: Path, form: Format) -> tuple[Logits, dict[str, Any]]:
    """What a file of `write` gives for normalised images (N, C, H, W), and what it says of itself.

    Raises:
        InputError: there is no such file, it is not one of `write`, or it would be unpickled.
    """
    try:
        if form == "safetensors":
            return _read_safetensors(path)
        return _read_torch(path) if form == "torch" else _read_onnx(path)
    except InputError:
        raise
    except Exception as error:
        line = " ".join(str(error).split())[:300]
        raise InputError(f"{path}: not a network as {form}: {line}") from error


def _read_safetensors(path: Path) -> tuple[Logits, dict[str, Any]]:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        about = json.loads((file.metadata() or {})[ABOUT])
        state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no dict
    return filled(network_of(about["network"]), state), about


def _read_torch(path: Path) -> tuple[Logits, dict[str, Any]]:
    content = path.read_bytes()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            if name.endswith(("weights_config.json", "constants_config.json")):
                entries = json.loads(archive.read(name))["config"].values()
                if any(entry["use_pickle"] for entry in entries):
                    raise InputError(f"{path}: {name} has pickled entries, which are not read")
    about = {ABOUT: ""}
    with _quiet():
        program = torch.export.load(io.BytesIO(content), extra_files=about)
    return program.module(), json.loads(about[ABOUT])


def _read_onnx(path: Path) -> tuple[Logits, dict[str, Any]]:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def logits(images: Tensor) -> Tensor:
        return torch.from_numpy(session.run(["logits"], {"images": images.numpy()})[0])

    return logits, json.loads(session.get_modelmeta().custom_metadata_map[ABOUT])


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what exporters warn and log of their own insides."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
