"""What the choice of test images adds to the uncertainty of accuracies: arrays in, numbers out.

Seeds vary in a run and the test images do not, so an interval over seeds is about these images.
An accuracy on images like these has a second source of variance (Bouthillier et al. 2021, MLSys,
"Accounting for variance in machine learning benchmarks"). All arms see the same images, so what is
estimated is a covariance: images that are hard for all arms cancel in a difference.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class ImageNoise:
    """What the choice of test images does to the arms' mean accuracies.

    Args:
        covariance: of the means, (arms, arms), as `image_covariance` has it.
        freedom: degrees of freedom of its variances of differences, as `image_freedom` has them.
    """

    covariance: npt.NDArray[np.float64]
    freedom: float

    def of(self, arms: npt.NDArray[np.int_]) -> "ImageNoise":
        """That of some of the arms, by their places."""
        return ImageNoise(self.covariance[np.ix_(arms, arms)], self.freedom)

    def draws(self, rng: np.random.Generator, count: int) -> npt.NDArray[np.float64]:
        """Errors of the arms' means: Student's t with this covariance, shape (count, arms)."""
        values, vectors = np.linalg.eigh(self.covariance)  # it need not have full rank
        root = vectors * np.sqrt(np.maximum(values, 0))
        scale = np.sqrt(rng.chisquare(self.freedom, (count, 1)) / self.freedom)
        found: npt.NDArray[np.float64] = rng.standard_normal((count, len(root))) @ root.T / scale
        return found


def image_noise(
    correct: npt.NDArray[np.bool_], present: npt.NDArray[np.bool_] | None = None
) -> ImageNoise:
    """Both of what `image_covariance` and `image_freedom` say of the same trials."""
    return ImageNoise(image_covariance(correct, present), image_freedom(correct, present))


def image_covariance(
    correct: npt.NDArray[np.bool_], present: npt.NDArray[np.bool_] | None = None
) -> npt.NDArray[np.float64]:
    """The covariance of the arms' mean accuracies that comes from the choice of test images.

    Seeds and images are crossed random effects, and the arms their responses. The covariance over
    images of what each arm gets right, as a mean over its seeds, is that of the images and a share
    of the residual, which is noise of seeds within an image; the share is taken off (Searle,
    Casella & McCulloch 1992, Variance Components, chapter 4: the analysis-of-variance estimator,
    here of a matrix). What is left, over the number of images, may have negative eigenvalues by
    chance: these are set to zero, which gives the nearest matrix (Higham 1988, Linear Algebra and
    its Applications 103) in which no difference of arms has a negative variance.

    Args:
        correct: whether an image was classified correctly, (arms, seeds, images); at least two
            images. What a missing trial has there is not looked at.
        present: which trials there are, (arms, seeds); all of them if None.

    Returns:
        (arms, arms), in squared fractions; NaN in the rows and columns of arms with fewer than two
        seeds, whose residual is unknown.
    """
    arms, seeds, images = correct.shape
    assert images > 1, images
    there = np.ones((arms, seeds)) if present is None else np.asarray(present, dtype=float)
    n = there.sum(axis=1)
    found = np.full((arms, arms), np.nan)
    known = np.flatnonzero(n > 1)
    if len(known) == 0:
        return found
    n, there = n[known], there[known]
    bits = correct[known] * there[:, :, None]
    means = bits.sum(axis=1) / n[:, None]
    residual = bits - means[:, None, :]
    residual = (residual - residual.mean(axis=2, keepdims=True)) * there[:, :, None]
    flat = residual.reshape(len(known), -1)
    # Of a pair of arms, E[sums] is the residual's covariance, once for each seed that both have,
    # less what centring takes; and as much of it, over both arms' seeds, is in their means.
    sums = flat @ flat.T / (images - 1)
    inverse = 1 / n
    centred = 1 - inverse[:, None] - inverse + there @ there.T * np.outer(inverse, inverse)
    share = sums / centred * np.outer(inverse, inverse)
    values, vectors = np.linalg.eigh((np.atleast_2d(np.cov(means)) - share) / images)
    found[np.ix_(known, known)] = (vectors * np.maximum(values, 0)) @ vectors.T
    return found


def image_freedom(
    correct: npt.NDArray[np.bool_], present: npt.NDArray[np.bool_] | None = None
) -> float:
    """The degrees of freedom of a variance over images of a difference of arms.

    Arms differ on few images, so a difference has a long tail, and its variance over the images is
    known less well than that of as many normal values: with kurtosis k, as well as with 2 I / (k -
    1) degrees of freedom (from the variance of a variance; Box 1953, Biometrika 40). One k is
    taken for all pairs of arms, each weighted by its squared variance.

    Args:
        correct, present: as in `image_covariance`.

    Returns:
        At most images - 1; that too where no two arms differ, or there is one arm.
    """
    arms, seeds, images = correct.shape
    there = np.ones((arms, seeds)) if present is None else np.asarray(present, dtype=float)
    known = there.any(axis=1)
    weights = there[known] / there[known].sum(axis=1, keepdims=True)
    means = np.einsum("as,asi->ai", weights, correct[known])
    means = means - means.mean(axis=1, keepdims=True)
    fourth = squared = 0.0
    for arm in range(1, len(means)):
        apart = means[:arm] - means[arm]
        fourth += float((apart**4).mean(axis=1).sum())
        squared += float(((apart**2).mean(axis=1) ** 2).sum())
    freedom: float = images - 1.0
    if fourth > squared:
        freedom = min(freedom, 2 * images / (fourth / squared - 1))
    return freedom
