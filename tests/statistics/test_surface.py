"""A surface through many networks: what it tells, and how often its intervals hold."""

import numpy as np
import pytest

from ablate.statistics.surface import fit, leave_one_out, resampled, within

NOISE = 0.5


def truth(points: np.ndarray) -> np.ndarray:
    return 3 * points[:, 0] + 2 * np.sin(1.5 * points[:, 1]) + 0.4 * points[:, 2] ** 2


def sample(seed: int, networks: int = 200) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    points = rng.uniform(-2, 2, (networks, 3))
    return points, truth(points) + rng.normal(0, NOISE, networks)


def test_it_tells_networks_that_it_has_not_seen() -> None:
    surface = fit(*sample(0))
    wanted = np.random.default_rng(1).uniform(-1.5, 1.5, (50, 3))
    off = surface.at(wanted) - truth(wanted)
    assert np.sqrt(np.mean(off**2)) < NOISE / 2
    assert surface.deviation == pytest.approx(NOISE, rel=0.25)


def test_leaving_one_out_is_what_fitting_without_it_gives() -> None:
    points, values = sample(2, 60)
    surface = fit(points, values)
    counts = np.ones(60)
    errors = []
    for place in range(60):
        counts[place] = 0
        errors.append(values[place] - surface.at(points[place], counts)[0])
        counts[place] = 1
    checked = leave_one_out(surface)
    assert checked.error == pytest.approx(np.sqrt(np.mean(np.square(errors))), rel=1e-6)
    spread = np.sum((values - values.mean()) ** 2)
    assert checked.r2 == pytest.approx(1 - np.sum(np.square(errors)) / spread, rel=1e-6)
    assert checked.n == 60


def test_noise_alone_is_not_told() -> None:
    points, _ = sample(3)
    checked = leave_one_out(fit(points, np.random.default_rng(4).normal(size=len(points))))
    assert checked.r2 < 0.1


def test_a_network_that_counts_twice_is_as_two_of_it() -> None:
    points, values = sample(5, 50)
    surface = fit(points, values)
    counts = np.ones(50)
    counts[7] = 2
    twice = np.append(np.arange(50), 7)
    whole = type(surface)(
        points=surface.points[twice],
        values=surface.values[twice],
        kernel=surface.kernel,
        noise=surface.noise,
        centre=surface.centre,
        scale=surface.scale,
        level=surface.level,
        unit=surface.unit,
    )
    wanted = np.zeros((1, 3))
    assert surface.at(wanted, counts) == pytest.approx(whole.at(wanted), rel=1e-8)


def test_intervals_over_networks_hold() -> None:
    """Of a difference of two places; 60 tables, so that 95% may be 50 of them and not fewer."""
    held = 0
    places = np.array([[0.0, 1.2, 0.0], [0.0, -0.4, 0.0]])
    for seed in range(60):
        points, values = sample(100 + seed, 120)
        surface = fit(points, values)
        draws = np.array([surface.at(places, one) for one in resampled(120, 100, seed)])
        error = (draws[:, 0] - draws[:, 1]).std(ddof=1)
        found, right = -np.subtract(*surface.at(places)[::-1]), -np.subtract(*truth(places)[::-1])
        held += abs(found - right) <= 2 * error
    assert held >= 50


def test_resampling_keeps_the_number_and_the_seed_decides() -> None:
    counts = resampled(30, 20)
    assert (counts.sum(axis=1) == 30).all()
    assert (counts == resampled(30, 20)).all()
    assert (counts != resampled(30, 20, seed=1)).any()


def test_what_lies_between_networks() -> None:
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 100.0]])
    wanted = np.array([[0.2, 20.0], [0.8, 80.0], [0.5, 50.0], [-0.1, 5.0]])
    assert within(corners, wanted).tolist() == [True, False, True, False]
