"""Fuzzed files of every kind: what is valid can be counted, all else is one line; never more.

`nox -s faults` runs ten times as many examples (ABLATE_FAULTS=full).
"""

import os
import resource
import signal
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ablate.data.catalog import DATASETS
from ablate.errors import LONGEST_LINE, InputError
from ablate.networks import cost
from ablate.networks.weights.torchvision import residual_networks
from ablate.report.claims.file import read_claims
from ablate.search.plan import load_search
from ablate.spec.network import NetSpec
from ablate.study.find import find_studies, kind_of
from ablate.study.plan import load_study
from ablate.study.toml_file import read_toml
from ablate.tables.file import read_table_file
from support import ROOT
from support.documents import names, tables, well_typed
from support.documents import values as small_values

SHIPPED = sorted((ROOT / "studies").glob("*.toml"))
FULL = os.environ.get("ABLATE_FAULTS") == "full"
HANG_S = 60  # of processor time: far beyond what any file may take
MEMORY = 2**31  # bytes beyond what the process has

fuzzed = settings(
    max_examples=400 if FULL else 40,  # of each of five
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.fixture(autouse=True)
def bounds() -> Iterator[None]:
    """Ends what takes the processor or the memory that no study file may take."""

    def hang(signum: int, frame: object) -> None:
        raise TimeoutError(f"more than {HANG_S} s of processor time")

    statm = Path("/proc/self/statm")
    before = resource.getrlimit(resource.RLIMIT_AS)
    handler = signal.signal(signal.SIGPROF, hang)
    if statm.exists():
        now = int(statm.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY, before[1]))
    yield
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.signal(signal.SIGPROF, handler)
    resource.setrlimit(resource.RLIMIT_AS, before)


def understood(path: Path) -> list[NetSpec]:
    """The networks of a file, read as the kind that it says it is."""
    kind = kind_of(read_toml(path))
    if kind == "claims":
        claims = read_claims(path, find_studies(), residual_networks()).claims
        return [NetSpec() for _ in claims]
    if kind == "table":
        return [NetSpec() for _ in read_table_file(read_toml(path)).columns.outcome]
    if kind == "search":
        return [load_search(path, DATASETS["digits"]).baseline]
    study = load_study(path, "digits", latency=lambda net, batch: float(cost.count(net).macs))
    assert len({planned.spec.key for planned in study.plan()}) == len(study.plan())
    return [cell.net for cell in study.cells]


def valid_or_one_line(source: bytes) -> None:
    """Read a file: its networks can be counted, or one line that names it says what is wrong."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fuzzed.toml"
        path.write_bytes(source)
        signal.setitimer(signal.ITIMER_PROF, HANG_S)
        try:
            nets = understood(path)
        except InputError as error:
            message = str(error)
            assert message.startswith(f"{path}: ")
            assert message.isprintable()
            assert len(message) < LONGEST_LINE + 100
        else:
            assert nets
            assert all(cost.count(net).params > 0 for net in nets)


whole = st.integers() | st.sampled_from([0, -1, 1, 10**3, 10**6, 10**9, 10**18, 10**400])
number = st.floats() | st.sampled_from([0.0, -1.0, 1e-300, 1e-9, 1e9, 1e300])
few = st.lists(st.integers(-1, 5) | whole, max_size=6) | st.integers(0, 3000).map(lambda n: [1] * n)
long = st.integers(1, 20_000).map("x".__mul__)
odd = st.sampled_from(
    ["../x", "<script>", "=cmd()", "+1", "-1", "@x", " ", "", "a / b", "\n", "\0"]
)
values = small_values | whole | number | few | long | odd | st.datetimes() | st.times()
extreme = {
    **well_typed,
    **dict.fromkeys(("base_width", "width_multiple", "growth_shift", "groups"), whole),
    **dict.fromkeys(("expansion", "width_per_group", "stem_width", "head_width"), whole),
    **dict.fromkeys(("growth", "widen"), number),
    **dict.fromkeys(("depths", "strides", "widths"), few),
    "equal_stages": st.sampled_from(["macs", "params", "activations"]),
}
matches = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(
            ("macs", "params", "activations", "latency"), number | st.just("reference")
        ),
        "by": st.sampled_from(["width", "depth"]),
    },
)


def dumped(table: dict[str, Any]) -> bytes:
    """A file's content as TOML."""
    return tomli_w.dumps(table).encode()


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_files_are_valid(path: Path) -> None:
    assert understood(path)
    assert tomllib.loads(dumped(tomllib.loads(path.read_text())).decode())


@given(st.sampled_from(SHIPPED), st.data())
@fuzzed
def test_shipped_files_changed_at_random(path: Path, data: st.DataObject) -> None:
    content = tomllib.loads(path.read_text())
    for _ in range(data.draw(st.integers(1, 3))):
        table = data.draw(st.sampled_from(list(tables(content))))
        key = data.draw(st.sampled_from([*table, "x"]) | names)
        if key in table and data.draw(st.booleans()):
            del table[key]
        else:
            table[key] = data.draw(values)
    valid_or_one_line(dumped(content))


@given(
    st.fixed_dictionaries({}, optional=extreme),
    st.dictionaries(
        st.sampled_from(["a", "b", "c"]),
        st.fixed_dictionaries({}, optional=extreme),
        min_size=1,
    ),
    st.none() | matches,
    whole,
)
@fuzzed
def test_the_right_keys_with_values_of_any_size(
    net: dict[str, Any], arms: dict[str, Any], match: dict[str, Any] | None, seeds: int
) -> None:
    content = {"question": "?", "baseline": "a", "net": net, "axes": {"x": arms}, "seeds": seeds}
    valid_or_one_line(dumped(content if match is None else content | {"match": match}))


Place = tuple[dict[str, Any] | list[Any], str | int]


def numbers(value: Any) -> Iterator[Place]:
    """Where the numbers of a file are: the table or list, and the key or index."""
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(item, int | float) and not isinstance(item, bool):
                yield value, key
            yield from numbers(item)


counts = st.sampled_from([0, 1, 2, 3, 7, 12, 50, 333, 500, 1000, 10**4, 10**6, 10**9])
amounts = st.sampled_from(
    [1e-300, 1e-9, 1e-3, 0.1, 0.5, 0.99, 1.0, 1.01, 30.0, 1e3, 1e6, 1e9, 1e12]
)


@given(st.sampled_from(SHIPPED), st.data())
@fuzzed
def test_shipped_files_with_other_numbers(path: Path, data: st.DataObject) -> None:
    content = tomllib.loads(path.read_text())
    places = list(numbers(content))
    if not places:  # claims
        return
    for _ in range(data.draw(st.integers(1, 4))):
        table, key = data.draw(st.sampled_from(places))
        whole_one = isinstance(table[key], int)  # type: ignore[index]
        table[key] = data.draw(counts if whole_one else amounts)  # type: ignore[index]
    valid_or_one_line(dumped(content))


@given(st.sampled_from(SHIPPED), st.integers(0), st.integers(0, 40), st.text(max_size=20) | odd)
@fuzzed
def test_shipped_files_with_some_text_replaced(path: Path, at: int, cut: int, text: str) -> None:
    source = path.read_text()
    start = at % len(source)
    mangled = source[:start] + text + source[start + cut :]
    valid_or_one_line(mangled.encode("utf-8", "surrogatepass"))


@given(st.binary(max_size=200) | st.sampled_from(SHIPPED).map(Path.read_bytes), st.binary())
@fuzzed
def test_bytes_of_any_kind(before: bytes, after: bytes) -> None:
    valid_or_one_line(before + after)


HEAD = 'question = "?"\nbaseline = "a"\n'
TWO = "[axes.x]\na = { growth = 1.0 }\nb = { growth = 2.0 }\n"
SAMPLED = "[match]\nmacs = 1e7\n[sample]\nnetworks = 500\n"
LARGE = {
    "cells": 'question = "?"\nbaseline = "a / a / a / a / a / a / a / a"\n'
    + "".join(
        f"[axes.x{axis}]\n"
        + "".join(
            f"{arm} = {{ base_width = {width} }}\n" for width, arm in enumerate("abcdefgh", 1)
        )
        for axis in range(8)
    ),
    "arms": HEAD
    + "[axes.x]\na = {}\n"
    + "".join(f"b{n} = {{ base_width = {n} }}\n" for n in range(99999)),
    "deep arms": HEAD
    + "[net]\ndepths = [300, 300, 300]\n[axes.x]\na = {}\n"
    + "".join(f"b{n} = {{ growth = {1 + n / 1000} }}\n" for n in range(500))
    + '[match]\nmacs = "reference"\n',
    "trials": HEAD.replace('"a"', '"a"\nseeds = 10000')
    + "[axes.x]\na = {}\n"
    + "".join(f"b{n} = {{ base_width = {n + 17} }}\n" for n in range(999)),
    "blocks": HEAD + "[net]\ndepths = [900, 900, 900]\n" + TWO,
    "deep and matched": HEAD
    + "[net]\ndepths = [333, 333, 333]\n"
    + TWO
    + '[match]\nmacs = "reference"\n',
    "stages": HEAD + f"[net]\ndepths = {[1] * 3000}\nstrides = {[1] * 3000}\n" + TWO,
    "stages and matched": HEAD
    + f"[net]\ndepths = {[1] * 12}\nstrides = {[1] * 12}\n"
    + TWO
    + '[match]\nmacs = "reference"\n',
    "no width left": HEAD + TWO.replace("2.0", "1e-200") + '[match]\nmacs = "reference"\n',
    "a budget of nothing": HEAD + TWO + "[match]\nmacs = 1e-300\n",
    "a budget of everything": HEAD + TWO + "[match]\nmacs = 1e300\n",
    "a depth for everything": HEAD + TWO + '[match]\nmacs = 1e300\nby = "depth"\n',
    "balanced by depth": HEAD + '[axes.x]\na = { growth = 0.001, equal_stages = "macs" }\n',
    "samples": HEAD + TWO + SAMPLED + "depths = [40, 50]\n",
    "samples off the budget": HEAD + TWO + SAMPLED + "depths = [1, 2]\ntolerance = 1e-12\n",
    "samples of many stages": HEAD
    + f"[net]\ndepths = {[1] * 90}\nstrides = {[1] * 90}\n"
    + TWO
    + SAMPLED
    + "depths = [50, 50]\n",
    "a question": f'question = "{"x" * 10**6}"\nbaseline = "a"\n' + TWO,
    "a name": HEAD.replace('"a"', f'"{"x" * 10**6}"') + TWO,
    "nesting": "a = " + "[" * 10**5,
}


@pytest.mark.parametrize("what", LARGE)
def test_what_is_too_large_is_refused_and_what_is_not_is_read(what: str) -> None:
    valid_or_one_line(LARGE[what].encode())
