"""What a mark says: in the SVG, with the right numbers, on the right mark, and as text."""

import xml.etree.ElementTree as ET
from pathlib import Path

import matplotlib.colors
import pytest
from matplotlib.figure import Figure

from ablate.report import html
from ablate.report.figures import accuracy, curves, distributions, interaction, stages
from ablate.report.figures.drawing import style
from ablate.report.figures.drawing.style import Drawing
from ablate.report.figures.drawing.tips import reading, tell, with_tips
from ablate.report.html.svg import inline
from support.figures import STUDIES
from support.frames import by_place, trials_frame

SVG = "{http://www.w3.org/2000/svg}"
STYLE_SHEET = (Path(html.__file__).parent / "templates" / "style.css").read_text("utf-8")


def saved(drawing: Drawing | None, folder: Path) -> ET.Element:
    assert drawing is not None
    style.save(drawing, folder)
    return ET.parse(folder / f"{drawing.name}.svg").getroot()


def tips(root: ET.Element) -> list[str]:
    return [str(title.text) for title in root.iter(f"{SVG}title")]


def svg_of(figure: Figure, folder: Path) -> str:
    with style.style():
        figure.savefig(folder / "a.svg", metadata={"Date": None})
    return with_tips((folder / "a.svg").read_text(encoding="utf-8"))


def test_a_reading_has_value_interval_and_n() -> None:
    assert reading("doubling", 97.5, 97.1, 97.9, n=10) == (
        "doubling: 97.5% [97.1, 97.9], n = 10 seeds"
    )
    assert reading("doubling", 97.5, n=1, unit="draw") == "doubling: 97.5%, n = 1 draw"
    assert reading("a", -0.04, form="+z.1f", of=" points") == "a: +0.0 points"


def test_every_seed_and_mean_says_what_it_is(tmp_path: Path) -> None:
    trials, summary, *_ = STUDIES["ten seeds"]
    found = tips(saved(accuracy.accuracy_by_arm(trials, summary), tmp_path))
    for row in summary.table.to_dict("records"):
        mean, low, high = (100 * row[name] for name in ("mean", "low", "high"))
        assert f"{row['cell']}: {mean:.1f}% [{low:.1f}, {high:.1f}], n = 10 seeds" in found
    for row in trials.to_dict("records"):
        seed = f"{row['cell']}, seed {row['seed']}: {100 * row['test_accuracy']:.1f}%"
        assert found.count(seed) == 1
    diff = summary.table.iloc[1]
    between = f"[{100 * diff['diff_low']:+.1f}, {100 * diff['diff_high']:+.1f}]"
    assert any(
        tip.startswith(f"{diff['cell']} against constant: ") and between in tip for tip in found
    )


def test_each_tip_is_on_its_own_mark(tmp_path: Path) -> None:
    figure = Figure()
    (line,) = figure.subplots().plot([0, 1, 2], [3, 1, 2], "o-")
    tell(line, "first", "second", "third")
    root = ET.fromstring(svg_of(figure, tmp_path))
    places = {
        use.findtext(f"{SVG}title"): float(use.attrib["x"])
        for use in root.iter(f"{SVG}use")
        if use.find(f"{SVG}title") is not None
    }
    assert list(places) == ["first", "second", "third"]
    assert sorted(places.values()) == list(places.values())


def test_marks_that_are_not_as_many_as_their_tips_say_nothing(tmp_path: Path) -> None:
    figure = Figure()
    (line,) = figure.subplots().plot([0, 1], [3, 1], "o")
    tell(line, "first", "second", "third")
    assert tips(ET.fromstring(svg_of(figure, tmp_path))) == []


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "\"&'", "a\u2028b", "</title>"])
def test_a_hostile_name_is_text(tmp_path: Path, name: str) -> None:
    figure = Figure()
    (line,) = figure.subplots().plot([0], [1], "o")
    tell(line, reading(name, 50.0))
    svg = svg_of(figure, tmp_path)
    shown = name.replace("\u2028", " ")
    assert tips(ET.fromstring(svg)) == [f"{shown}: 50.0%"]
    page = inline(svg, "a", "b", "f1")
    assert "<script" not in page
    assert page.count("</title>") == 1


@pytest.mark.filterwarnings("ignore:Glyph 7 :UserWarning")
def test_a_name_that_no_xml_could_hold_does_not_end_in_an_error(tmp_path: Path) -> None:
    figure = Figure()
    axes = figure.subplots()
    (line,) = axes.plot([0], [1], "o")
    axes.set_title("a\x07b")
    tell(line, "a\x07b: 50.0%")
    assert tips(ET.fromstring(svg_of(figure, tmp_path))) == ["a\ufffdb: 50.0%"]


def test_lines_bars_and_cells_have_tips(tmp_path: Path) -> None:
    trials, _, of_stages, epochs = STUDIES["ten seeds"]
    found = tips(saved(curves.learning_curves(epochs), tmp_path))
    last = epochs[epochs["epoch"] == 4].groupby("cell")["val_accuracy"].mean()
    tip = f"doubling after epoch 4: {100 * last['doubling']:.1f}%"
    assert any(each.startswith(tip) and each.endswith("n = 10 seeds") for each in found)
    found = tips(saved(stages.stage_shares(of_stages), tmp_path))
    assert "constant, stem: 20.0% of MACs" in found
    found = tips(saved(stages.stage_costs(of_stages), tmp_path))
    assert "constant, stage 1: 100k MACs" in found
    found = tips(saved(distributions.rank_stability(trials), tmp_path))
    assert len([each for each in found if ": rank 1 with " in each]) >= 3


def test_text_is_text_with_fonts_to_fall_back_on(tmp_path: Path) -> None:
    trials, summary, *_ = STUDIES["two seeds"]
    root = saved(accuracy.accuracy_by_arm(trials, summary), tmp_path)
    texts = {element.text for element in root.iter(f"{SVG}text")}
    assert {"Test accuracy (%)", "doubling", "n = 2"} <= texts
    for element in root.iter(f"{SVG}text"):
        assert (
            "'DejaVu Sans', 'Bitstream Vera Sans', Verdana, sans-serif" in element.attrib["style"]
        )
    page = inline((tmp_path / "accuracy.svg").read_text("utf-8"), "accuracy", "b", "f1")
    assert page.count("Verdana") == 1
    assert ">Test accuracy (%)</text>" in page
    assert "rotate(-0" not in page


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = matplotlib.colors.to_rgb(colour)
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_colours_of_arms_stand_out_on_light_and_dark() -> None:
    colours = {look.colour for look in style.looks([str(place) for place in range(10)]).values()}
    assert len(colours) == 10
    assert all(contrast(colour, "#ffffff") >= 3 for colour in colours)
    # Black is turned by the style of the page.
    assert all(contrast(colour, "#14181d") >= 3 for colour in colours - {"#000000"})


def test_a_dark_page_turns_every_grey_that_figures_use(tmp_path: Path) -> None:
    trials, summary, of_stages, epochs = STUDIES["nine arms"]
    drawn = [
        accuracy.accuracy_by_arm(trials, summary),
        stages.stage_costs(of_stages),
        stages.stage_shares(of_stages),
        curves.learning_curves(epochs),
        distributions.error_distribution(
            trials_frame({str(arm): by_place([0.9, 0.8] * 10) for arm in range(5)})
        ),
        distributions.rank_stability(trials),
        interaction.interaction(trials),
    ]
    greys = set()
    for drawing in filter(None, drawn):
        saved(drawing, tmp_path)
        page = ET.fromstring(
            inline((tmp_path / f"{drawing.name}.svg").read_text("utf-8"), "a", "b", "f1")
        )
        for element in page.iter():
            for key in ("fill", "stroke"):
                value = element.get(key, "none")
                if value.startswith("#") and value[1:3] == value[3:5] == value[5:7]:
                    greys.add(f'[{key}="{value}"]')
    kept = {f'[{key}="{value}"]' for key in ("fill", "stroke")
            for value in (style.ON_LIGHT, style.ON_DARK, "#808080", "#949494")}  # fmt: skip
    assert '[fill="#262626"]' in greys
    assert {grey for grey in greys - kept if grey not in STYLE_SHEET} == set()
