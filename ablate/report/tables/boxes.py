"""A box of quartiles with the range around it: where rows lie that are not to be shown."""

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from ablate.report.figures.drawing.tips import tell

HALF = 0.24  # of a line: the box's height to either side
RANGE = 1.6  # points, of the line that shows the range


def draw_box(
    axes: Axes,
    place: float,
    spread: tuple[float, float, float, float, float],
    colour: str,
    tip: str,
    half: float = HALF,
) -> None:
    """Draw it along x; nothing where a number is NaN.

    Args:
        axes: where.
        place: its height on the axis of y.
        spread: lower end of the range, lower quartile, median, upper quartile, upper end.
        colour: of box and line.
        tip: what it says where a pointer rests on it.
        half: its height to either side.
    """
    low, lower, median, upper, high = spread
    if any(value != value for value in spread):  # NaN
        return
    (line,) = axes.plot([low, high], [place, place], color=colour, linewidth=RANGE, zorder=1)
    box = Rectangle(
        (lower, place - half), upper - lower, 2 * half, color=colour, alpha=0.35, linewidth=0
    )
    box.set_zorder(2)
    axes.add_patch(box)
    (middle,) = axes.plot(
        [median, median], [place - half, place + half], color=colour, linewidth=2.5, zorder=2
    )
    for artist in (line, box, middle):
        tell(artist, tip)
