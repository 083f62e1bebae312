"""A stub: a schedule of looks."""


def default_looks(seeds: int) -> list[int]:
    """Looks at 4 seeds and at twice as many each time; the last is `seeds`."""
    looks = []
    look = 4
    while look < seeds:
        looks.append(look)
        look *= 2
    return [*looks, seeds]
