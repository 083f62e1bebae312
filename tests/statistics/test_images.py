"""What the choice of test images adds: known covariances, and coverage by simulation."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ablate.statistics.family import compare
from ablate.statistics.images import image_covariance, image_freedom, image_noise

IMAGES = 450
AGAINST_FIRST = np.array([[-1.0, 1.0]])
Bits = npt.NDArray[np.bool_]


def trials(
    rng: np.random.Generator,
    accuracies: tuple[float, ...],
    seeds: int,
    images: int = IMAGES,
    difficulty: float = 2.4,
    own: float = 0.15,
    of_seed: float = 0.01,
) -> Bits:
    """Trials whose arms have these accuracies on the population of images, (arms, seeds, images).

    A trial gets an image right with a probability that falls with its difficulty: a probit, with
    variances of the image for all arms, of the image for one arm, and of the seed. The defaults
    are like the digits: most images are always right, and some hardly ever.
    """
    arms, noise = len(accuracies), np.sqrt(1 + difficulty + own + of_seed)
    level = stats.norm.ppf(accuracies)[:, None, None] * noise
    level = level + np.sqrt(difficulty) * rng.standard_normal(images)
    level = level + np.sqrt(own) * rng.standard_normal((arms, 1, images))
    level = level + np.sqrt(of_seed) * rng.standard_normal((arms, seeds, 1))
    found: Bits = rng.standard_normal((arms, seeds, images)) < level
    return found


@pytest.mark.parametrize(
    ("seeds", "most"), [(6, 0.96), (10, 0.94), pytest.param(30, 0.85, marks=pytest.mark.long)]
)
def test_intervals_over_seeds_and_images_cover_what_is_true_of_the_population(
    seeds: int, most: float
) -> None:
    """The more seeds, the less the interval over seeds alone covers: at 6 it is wide enough."""
    accuracies, rng = (0.953, 0.9755), np.random.default_rng(seeds)
    truth = accuracies[1] - accuracies[0]
    covered = np.zeros(2)
    tables = 500
    for _ in range(tables):
        correct = trials(rng, accuracies, seeds)
        for place, noise in enumerate((None, image_noise(correct))):
            (one,) = compare(correct.mean(axis=2).T, AGAINST_FIRST, images=noise).comparisons
            covered[place] += one.low <= truth <= one.high
    over_seeds, over_both = covered / tables
    assert over_both >= 0.94
    assert over_seeds < most
    assert over_both < 0.99


def test_the_covariance_is_that_of_means_over_other_images_and_other_seeds() -> None:
    rng = np.random.default_rng(0)
    accuracies, seeds = (0.7, 0.75, 0.8), 5
    found = np.mean(
        [image_covariance(trials(rng, accuracies, seeds, 200)) for _ in range(300)], axis=0
    )
    # With so many seeds nothing but the images is left to chance.
    means = [trials(rng, accuracies, 300, 200, of_seed=0).mean(axis=(1, 2)) for _ in range(600)]
    expected = np.cov(np.transpose(means))
    np.testing.assert_allclose(found, expected, rtol=0.12)


def test_what_is_noise_of_seeds_is_taken_off() -> None:
    rng = np.random.default_rng(1)
    alike = rng.random((2, 4, 20_000)) < 0.9  # no image is harder than another
    naive = np.cov(alike.mean(axis=1)) / 20_000
    assert image_covariance(alike).max() < 0.05 * naive.max()


def test_one_seed_fewer_in_an_arm_changes_little_and_what_it_holds_nothing() -> None:
    rng = np.random.default_rng(2)
    correct = trials(rng, (0.8, 0.9), 10, 2000)
    present = np.ones((2, 10), dtype=bool)
    present[1, 3] = False
    emptied = correct.copy()
    emptied[1, 3] = ~emptied[1, 3]
    found = image_covariance(correct, present)
    np.testing.assert_array_equal(found, image_covariance(emptied, present))
    np.testing.assert_allclose(found, image_covariance(correct), rtol=0.05)
    assert image_freedom(correct, present) == image_freedom(emptied, present)


def test_an_arm_with_a_single_seed_has_none_and_disturbs_no_other() -> None:
    correct = trials(np.random.default_rng(3), (0.8, 0.9, 0.7), 4)
    present = np.ones((3, 4), dtype=bool)
    present[1, 1:] = False
    found = image_covariance(correct, present)
    assert np.isnan(found[1]).all()
    assert np.isnan(found[:, 1]).all()
    np.testing.assert_allclose(found[::2, ::2], image_covariance(correct[::2]), rtol=0.2)
    present[:, 1:] = False
    assert np.isnan(image_covariance(correct, present)).all()


@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(2, 5), st.integers(2, 30))
def test_no_difference_has_a_negative_variance(
    seed: int, arms: int, seeds: int, images: int
) -> None:
    correct = np.random.default_rng(seed).random((arms, seeds, images)) < 0.5
    found = image_covariance(correct)
    np.testing.assert_allclose(found, found.T, atol=1e-15)
    assert np.linalg.eigvalsh(found).min() > -1e-12
    assert 0 < image_freedom(correct) <= images - 1


def test_arms_that_always_agree_differ_on_no_image() -> None:
    one = trials(np.random.default_rng(4), (0.8,), 5)
    noise = image_noise(np.concatenate([one, one]))
    assert np.array([1, -1]) @ noise.covariance @ np.array([1, -1]) == pytest.approx(0, abs=1e-12)
    assert noise.freedom == IMAGES - 1


def test_a_difference_on_few_images_has_fewer_degrees_of_freedom() -> None:
    correct = np.ones((2, 2, 1000), dtype=bool)
    correct[0, :, :20] = False
    # Kurtosis of a Bernoulli variable of 0.02: 1 / (p (1 - p)) - 3.
    assert image_freedom(correct) == pytest.approx(2000 / (1 / (0.02 * 0.98) - 3 - 1))
    correct[0, :, :500] = False
    assert image_freedom(correct) == 999


def test_images_widen_an_interval_and_nothing_else() -> None:
    correct = trials(np.random.default_rng(5), (0.8, 0.81), 8)
    values = correct.mean(axis=2).T
    (seeds,), (both,) = (
        compare(values, AGAINST_FIRST, images=noise).comparisons
        for noise in (None, image_noise(correct))
    )
    assert both.estimate == seeds.estimate
    assert both.low < seeds.low < seeds.high < both.high
    assert both.p > seeds.p
    variance = AGAINST_FIRST @ image_covariance(correct) @ AGAINST_FIRST.T
    assert both.error**2 == pytest.approx(seeds.error**2 + float(variance[0, 0]))
