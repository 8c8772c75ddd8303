"""The numbers that are kept say the same as the libraries that they come from."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.filters import frangi, sato, threshold_otsu
from sklearn.cluster import KMeans as SkKMeans
from sklearn.linear_model import LogisticRegression
from sklearn.mixture import GaussianMixture

from delineate.classical.clusters import ClusterParameters, KMeans, Mixture
from delineate.classical.logistic import Logistic
from delineate.classical.method import Case, LevelParameters, ToneParameters
from delineate.classical.otsu import Otsu, OtsuParameters
from delineate.classical.regions import Spectral, SpectralParameters, region_features
from delineate.classical.ridges import Frangi, RidgeParameters, Sato
from delineate.classical.tones import continued, local_mean, prepared_tone, prepared_tones
from delineate.classical.two_sided import EdgeParameters, Edges

ALL = np.ones((30, 40), bool)


@pytest.fixture
def tones() -> np.ndarray:
    """Three channels of smooth noise."""
    rng = np.random.default_rng(3)
    return np.stack([gaussian_filter(rng.normal(0, 6, (30, 40)), 2) for _ in range(3)]).astype(
        np.float32
    )


def as_tuples(array: np.ndarray) -> tuple:
    """Nested tuples, as a card has them."""
    return tuple(map(as_tuples, array)) if array.ndim else float(array)


def test_kmeans_is_that_of_scikit_learn(tones):
    """The cluster with the largest share is the one that scikit-learn predicts."""
    pixels = tones.reshape(3, -1).T.astype(np.float64)
    fitted = SkKMeans(5, n_init=2, random_state=0).fit(pixels)
    ours = KMeans(
        parameters=ClusterParameters(),
        means=as_tuples(fitted.cluster_centers_),
        classes=((1.0, 0.0),) * 5,
        spread=0.1,
    )
    np.testing.assert_array_equal(ours.shares(pixels).argmax(axis=1), fitted.predict(pixels))


def test_posteriors_are_those_of_scikit_learn(tones):
    """Shares of the components equal `predict_proba` of a fitted mixture."""
    pixels = tones.reshape(3, -1).T.astype(np.float64)
    fitted = GaussianMixture(4, random_state=0, reg_covar=1e-4).fit(pixels)
    ours = Mixture(
        parameters=ClusterParameters(),
        means=as_tuples(fitted.means_),
        classes=((1.0, 0.0),) * 4,
        weights=as_tuples(fitted.weights_),
        covariances=as_tuples(fitted.covariances_),
    )
    np.testing.assert_allclose(ours.shares(pixels), fitted.predict_proba(pixels), atol=1e-9)


def test_otsu_is_that_of_scikit_image(tones):
    """With two levels and no smoothing the mask is what lies above Otsu's threshold."""
    tone = tones[:1]
    truth = tone[0] > threshold_otsu(tone[0])
    parameters = OtsuParameters(smoothing_px=0)
    case = Case(tone, truth.astype(np.uint8), ALL)
    method = Otsu.learn([case], parameters, classes=2, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(method.probability(tone, ALL)[0] > 0.5, truth)
    assert method.classes == ((1.0, 0.0), (0.0, 1.0))


def test_otsu_looks_at_the_view_alone(tones):
    """A surround that is darker than all else moves no threshold."""
    view = ALL.copy()
    view[:, :15] = False
    tone = np.where(view, tones[:1], np.float32(-50))
    seen = continued(tones[0], view)
    inside = seen[view] > threshold_otsu(seen[view])
    labels = np.zeros(view.shape, np.uint8)
    labels[view] = inside
    method = Otsu.learn(
        [Case(tone, labels, view)],
        OtsuParameters(smoothing_px=0),
        classes=2,
        rng=np.random.default_rng(0),
    )
    np.testing.assert_array_equal(method.probability(tone, view)[0][view] > 0.5, inside)


@pytest.mark.parametrize("classes", [2, 3])
def test_logistic_regression_is_that_of_scikit_learn(classes):
    """On rows that stand for one pixel each, probabilities are those of scikit-learn."""
    rng = np.random.default_rng(1)
    features = rng.normal(0, 2, (200, 3))
    labels = (features[:, 0] + rng.normal(0, 1, 200) > 0).astype(int) * rng.integers(
        1, classes, 200
    )
    ours = Logistic.learn(features, np.eye(classes)[labels], is_balanced=False)
    scaled = (features - features.mean(axis=0)) / features.std(axis=0)
    theirs = LogisticRegression(C=10.0, max_iter=2000).fit(scaled, labels)
    np.testing.assert_allclose(ours.shares(features), theirs.predict_proba(scaled), atol=1e-3)


def test_a_class_without_pixels_is_never_said():
    """A logistic regression keeps a place for a class that it never met."""
    features = np.array([[0.0], [1.0], [2.0], [3.0]])
    counts = np.array([[5.0, 0, 0], [5.0, 0, 0], [0, 0, 5.0], [0, 0, 5.0]])
    shares = Logistic.learn(features, counts, is_balanced=True).shares(features)
    assert shares.argmax(axis=1).tolist() == [0, 0, 2, 2]
    assert shares[:, 1].max() < 1e-9


@pytest.mark.parametrize(("kind", "theirs"), [(Frangi, frangi), (Sato, sato)])
@pytest.mark.parametrize("is_dark", [False, True])
def test_filters_are_those_of_scikit_image(tones, kind, theirs, is_dark):
    """The response is the library's, and probability rises with it."""
    parameters = RidgeParameters(smoothing_px=0, is_dark=is_dark)
    expected = theirs(tones[0], sigmas=parameters.sigmas_px, black_ridges=is_dark)
    np.testing.assert_allclose(kind.response(tones[0], parameters), expected, rtol=1e-5, atol=1e-9)
    labels = (expected > np.quantile(expected, 0.8)).astype(np.uint8)
    case = Case(tones[:1], labels, ALL)
    method = kind.learn([case], parameters, classes=2, rng=np.random.default_rng(0))
    order = np.argsort(expected.ravel())
    assert (np.diff(method.probability(tones[:1], ALL).ravel()[order]) >= -1e-6).all()


def test_local_means_are_gaussian(tones):
    """In a whole image they are those of SciPy."""
    expected = gaussian_filter(tones[0].astype(np.float64), 2.0, truncate=4, mode="reflect")
    np.testing.assert_allclose(local_mean(tones[0], ALL, 2.0), expected, atol=1e-3)


def test_local_means_know_the_view():
    """An even tone stays even up to the border of the view."""
    view = ALL.copy()
    view[:10] = False
    tone = np.where(view, np.float32(3), np.float32(-7))
    np.testing.assert_allclose(local_mean(tone, view, 4.0)[view], 3, atol=1e-5)
    flat = prepared_tones(tone[None], view, LevelParameters(flatten_px=4))
    np.testing.assert_allclose(flat, 0, atol=1e-5)


def test_a_view_goes_on_beyond_its_rim():
    """Its dark rim and all outside have the tone of the nearest pixel further in."""
    view = np.zeros((20, 30), bool)
    view[:, 10:] = True
    tone = np.where(view, np.arange(20, dtype=np.float32)[:, None], np.float32(-9))
    tone[:, 10:13] = -3  # the rim
    expected = np.broadcast_to(np.arange(20)[:, None], tone.shape)
    np.testing.assert_array_equal(continued(tone, view), expected)


def test_a_view_of_hardly_anything_is_no_error():
    """Where nothing lies inside the rim, the few pixels of the view are what there is."""
    view = np.zeros((20, 30), bool)
    view[5, 5:8] = True
    found = continued(np.full((20, 30), 2, np.float32), view)
    np.testing.assert_array_equal(found, np.where(view, 2, 0))


@pytest.mark.parametrize("kind", [Frangi, Sato])
def test_the_rim_of_a_view_is_no_tube(kind):
    """A dark surround with a darker rim to the picture raises no response."""
    rows, columns = np.mgrid[:80, :80]
    radius = np.hypot(rows - 40, columns - 40)
    tone = np.where(radius < 33, np.float32(1), np.float32(-2))
    method = kind(
        parameters=RidgeParameters(smoothing_px=0, flatten_px=10),
        full=1.0,
        curve=Logistic(mean=(0,), deviation=(1,), weights=((0,), (1,)), offsets=(0, 0)),
    )
    flat = method.probability(np.full((1, 80, 80), 1, np.float32), np.ones((80, 80), bool))
    np.testing.assert_allclose(method.probability(tone[None], radius < 35), flat, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "weights"), [("grey", (0.299, 0.587, 0.114)), ("blue", (0, 0, 1))]
)
def test_one_tone_of_three(tones, name, weights):
    """Grey is luma, a colour is its channel."""
    found = prepared_tone(tones, ALL, ToneParameters(tone=name, smoothing_px=0))
    np.testing.assert_allclose(found, np.tensordot(weights, tones, 1), atol=1e-5)


def test_outlines_are_filled():
    """A ring becomes a disc, a line of one pixel goes where it is to be opened."""
    rows, columns = np.mgrid[:80, :80]
    radius = np.hypot(rows - 40, columns - 40)
    tone = ((radius > 18) & (radius < 22)).astype(np.float32)[None] * 4
    view = np.ones((80, 80), bool)
    parameters = EdgeParameters(smoothing_px=1, edge_share=0.1, closing_px=1, opening_px=2)
    found = Edges.side(tone, view, parameters)
    assert found[radius < 21].all()
    assert not found[radius > 27].any()


@pytest.mark.parametrize(("hole_px", "is_filled"), [(0, True), (60, True), (20, False)])
def test_large_holes_can_be_left(hole_px, is_filled):
    """A ring round 36 px is filled as a whole, or not where no such hole is to be."""
    rows, columns = np.mgrid[:80, :80]
    radius = np.hypot(rows - 40, columns - 40)
    tone = ((radius > 18) & (radius < 22)).astype(np.float32)[None] * 4
    parameters = EdgeParameters(closing_px=2, hole_px=hole_px)
    found = Edges.side(tone, np.ones((80, 80), bool), parameters)
    assert found[40, 40] == is_filled
    assert found[40, 60]


def test_features_of_regions_by_hand():
    """Mean and deviation of a region of two tones; a flat image has no surroundings to differ."""
    tone = np.array([[[1.0, 3.0, 5.0, 5.0]]], np.float32)
    regions = np.array([[0, 0, 1, 1]])
    found = region_features(tone, np.ones((1, 4), bool), regions)
    np.testing.assert_allclose(found[:, :2], [[2, 1], [5, 0]], atol=1e-6)
    np.testing.assert_allclose(found[:, 3:], found[:, :3] ** 2)


def test_normalised_cuts_part_what_differs():
    """Two halves of different tone end in different parts."""
    rng = np.random.default_rng(5)
    tone = np.zeros((1, 60, 80), np.float32)
    tone[:, :, 40:] = 5
    tone += rng.normal(0, 0.2, tone.shape)
    view = np.ones((60, 80), bool)
    parts = Spectral.regions(tone, view, SpectralParameters(superpixels=60, parts=4))
    assert parts.max() <= 3
    left, right = set(parts[:, :38].ravel()), set(parts[:, 42:].ravel())
    assert not left & right
