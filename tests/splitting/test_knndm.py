"""kNNDM against the numbers of its authors, and in small simulations."""

import json

import geopandas as gpd
import numpy as np
import pytest
import shapely
from scipy.spatial import cKDTree

from seedbed.base.errors import InputError
from seedbed.base.settings import Split
from seedbed.splitting.blocks import on_sphere
from seedbed.splitting.folds import make_split
from seedbed.splitting.knndm import (
    area_in,
    dealt_clusters,
    hull_of,
    knndm,
    places_in,
    to_nearest,
    to_other_folds,
)

UNIT = np.pi / 180 * 6.3710088  # kilometres in a thousandth of a degree at the equator


def random_numbers(seed):
    """The uniform numbers of R's `set.seed(seed); runif(n)` (Mersenne Twister)."""
    state, words = seed, []
    for turn in range(50 + 625):
        state = (69069 * state + 1) & 0xFFFFFFFF
        if turn >= 50:
            words.append(state)
    twister = np.random.MT19937(0)
    twister.state = twister.state | {"state": {"key": np.array(words[1:], np.uint32), "pos": 624}}
    return lambda n: twister.random_raw(n) * 2.3283064365386963e-10


SIX = np.array([(1, 1), (1, 2), (2, 2), (2, 3), (1, 4), (5, 4)], float)


def grid(size):
    """The regular sample of the tests of CAST, in a square of 10 x 10: `st_sample` of sf."""
    step = (100 / size) ** 0.5
    start = 10 * random_numbers(1)(2) % step
    count = np.round((10 - start) / step).astype(int) + 1
    x, y = (s + step * np.arange(c) for s, c in zip(start, count))
    return np.array([(a, b) for a in x for b in y if a <= 10 and b <= 10])


@pytest.mark.parametrize("size, w, decimals", [(20, 1.091896, 5), (1000, 1.2004, 4)])
def test_w_is_that_of_the_authors_package(size, w, decimals):
    """CAST, tests/testthat/test-knndm.R: six points, two folds, three clusters."""
    match = knndm(*SIX.T / 1000, grid(size) / 1000, folds=2, largest=0.8)
    assert round(match.w_km / UNIT, decimals) == round(w, decimals)
    assert match.clusters == 3 and match.fold.tolist() == [0, 0, 0, 0, 1, 1]


def test_w_on_the_globe_is_that_of_the_authors_package():
    """The same six points as whole degrees: 121,095.2 m along great circles; here chords."""
    match = knndm(*SIX.T, grid(20), folds=2, largest=0.8)
    assert match.w_km == pytest.approx(121.0952, rel=0.001)


PUBLISHED = (2.184, 2.286, 2.468, 2.554, 2.570, 2.634, 2.678, 2.694, 2.688)


@pytest.mark.parametrize("folds, w", list(zip(range(2, 11), PUBLISHED)))
def test_w_of_a_hundred_points_is_near_to_that_of_the_authors_package(folds, w):
    """Points in a corner of 4 x 4, a map of 10 x 10; CAST clusters them by k-means of its own."""
    points, places = random_numbers(1), random_numbers(1)
    labels = 4 * np.column_stack([points(100), points(100)])
    area = 10 * np.column_stack([places(1000), places(1000)])
    match = knndm(*labels.T / 1000, area / 1000, folds, largest=1 / folds + 0.1)
    assert match.map_km[0] / UNIT == pytest.approx(1.3886, abs=1e-4)
    assert match.w_km / UNIT == pytest.approx(w, rel=0.1)
    assert match.w_random_km / UNIT > 1.1 * w
    assert np.bincount(match.fold).max() <= 100 * (1 / folds + 0.1)


def clustered(seed, clusters, spread=0.02, n=200):
    """Labels around some centres of a square of one degree."""
    rng = np.random.default_rng(seed)
    centres = rng.uniform(0, 1, (clusters, 2))
    return centres[rng.integers(0, clusters, n)] + rng.normal(0, spread, (n, 2))


SQUARE = shapely.box(0, 0, 1, 1)


def test_labels_at_random_get_random_folds():
    places = places_in(SQUARE)
    found = [
        knndm(*np.random.default_rng(seed).uniform(0, 1, (200, 2)).T, places) for seed in range(10)
    ]
    by_chance = [match for match in found if match.clusters is None]
    assert len(by_chance) >= 7
    assert all(np.ptp(np.bincount(match.fold)) <= 1 for match in by_chance)
    assert np.median([match.w_km / np.median(match.map_km) for match in found]) < 0.25


def test_labels_in_clusters_get_clusters():
    places = places_in(SQUARE)
    for seed in range(4):
        match = knndm(*clustered(seed, 12).T, places)
        assert match.clusters is not None
        assert match.w_km < 0.5 * match.w_random_km


@pytest.mark.slow
def test_scores_are_those_of_the_map():
    """As published: random folds flatter labels in strong clusters, kNNDM does not.

    The medians of the first ten runs of the authors' results/sim_res.csv, error of validation
    over that of the surface: at random 1.0 and 1.0, in strong clusters 0.6 by random folds and
    0.9 by kNNDM. Here a nearest neighbour predicts a smooth surface with noise.
    """
    places = places_in(SQUARE)

    def surface(xy, waves, phases):
        return np.cos(xy @ waves + phases).sum(1)

    ratio = {"random": [], "clustered": []}
    for seed in range(8):
        rng = np.random.default_rng(seed)
        waves, phases = rng.normal(0, 8, (2, 12)), rng.uniform(0, 6.28, 12)
        for kind, xy in (
            ("random", rng.uniform(0, 1, (200, 2))),
            ("clustered", clustered(seed, 15)),
        ):
            z, truth = surface(xy, waves, phases), surface(places, waves, phases)
            of_map = np.mean((z[cKDTree(xy).query(places)[1]] - truth) ** 2) ** 0.5
            row = []
            for fold in (np.arange(200) % 5, knndm(*xy.T, places).fold):
                wrong = np.empty(200)
                for k in range(5):
                    near = cKDTree(xy[fold != k]).query(xy[fold == k])[1]
                    wrong[fold == k] = z[fold != k][near] - z[fold == k]
                row.append(np.mean(wrong**2) ** 0.5 / of_map)
            ratio[kind].append(row)
    at_random, in_clusters = (np.median(ratio[kind], axis=0) for kind in ("random", "clustered"))
    assert np.abs(at_random - 1).max() < 0.15
    assert in_clusters[0] < 0.6 and 0.8 < in_clusters[1] < 1.25


def test_the_same_again_and_another_seed():
    places, xy = places_in(SQUARE), clustered(0, 40)
    first, again, other = (knndm(*xy.T, places, seed=seed).fold for seed in (0, 0, 1))
    assert (first == again).all() and (first != other).any()


def test_clusters_that_fill_a_fold_stay_alone():
    cluster = np.repeat([0, 1, 2, 3, 4], [50, 10, 10, 10, 20])
    fold = dealt_clusters(cluster, np.arange(100.0), 3)
    alone = fold[0]
    assert (fold[cluster == 0] == alone).all() and (fold[cluster != 0] != alone).all()
    assert np.array_equal(np.unique(fold), [0, 1, 2])


def test_distances_are_those_of_a_search_by_hand():
    xyz = on_sphere(*np.random.default_rng(0).uniform(0, 1, (2, 60)))
    fold = np.arange(60) % 4
    away = np.linalg.norm(xyz[:, None] - xyz, axis=2)
    expected = np.where(fold[:, None] != fold, away, np.inf).min(1)
    assert np.allclose(to_other_folds(xyz, fold), expected)
    near = np.array([[0, 1], [1, 0]])  # 1 is no training label while the fold of 0 is validated
    fewer = to_other_folds(xyz, fold, near=near)
    without = np.where(np.arange(60) != 1, away[0], np.inf)
    assert fewer[0] == pytest.approx(np.where(fold != 0, without, np.inf).min())
    assert np.allclose(to_nearest(xyz[:5], xyz), 0)


def frame(xy, **columns):
    """Labels of two classes at places."""
    names = np.array(["a", "b"])[np.arange(len(xy)) % 2]
    table = {"id": [f"f{i}" for i in range(len(xy))], "label": names} | columns
    return gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(*xy.T), crs=4326)


def test_a_split_says_what_it_has_matched():
    xy = clustered(3, 12)
    labels = frame(xy)
    split = Split(method="knndm")
    subsets, block, record = make_split(labels, split, classes=["a", "b"], area=SQUARE)
    found = record["knndm"]
    assert record["dealt"] == "matched" and record["buffer_km"] == 0
    assert found["area"] == "hull of the labels" and 900 < found["places"] < 1100
    assert found["unit"] == "cluster" and len(set(block)) == found["clusters"]
    xyz = on_sphere(*xy.T)
    apart = np.concatenate([to_nearest(xyz[s == "val"], xyz[s == "train"]) for s in subsets])
    assert found["validation_km"] == np.quantile(apart, [0.25, 0.5, 0.75]).round(4).tolist()
    assert json.loads(json.dumps(record)) == record


def test_labels_of_one_group_share_a_fold():
    xy = clustered(3, 12)
    labels = frame(xy, group=[f"g{i % 30}" for i in range(200)])
    subsets, _, record = make_split(labels, Split(method="knndm"), classes=["a", "b"])
    assert record["dropped_by"]["group"] == 0
    for subset in subsets:
        assert not set(labels["group"][subset == "val"]) & set(labels["group"][subset == "train"])


def test_the_test_regions_take_no_part():
    xy = np.random.default_rng(0).uniform(0, 1, (200, 2))
    labels = frame(xy, region=np.where(xy[:, 0] < 0.5, "west", "east"))
    split = Split(method="knndm", test=("east",), block_km=5)
    subsets, _, record = make_split(labels, split, classes=["a", "b"])
    assert (subsets[:, xy[:, 0] >= 0.5] == "test").all()
    assert 0.4 < np.mean((subsets == "val").any(0)) < 0.6


def test_a_buffer_counts_in_what_is_matched():
    xy = clustered(3, 12)
    split = Split(method="knndm", buffer_km=3)
    record = make_split(frame(xy), split, classes=["a", "b"], area=SQUARE)[2]
    assert record["knndm"]["validation_km"][0] > 3


def test_an_area_from_polygons_from_an_image_and_from_neither(tmp_path):
    import rasterio
    from rasterio.transform import from_origin

    box = shapely.box(26, 45, 26.2, 45.1)
    gpd.GeoDataFrame(geometry=[box], crs=4326).to_crs(32635).to_file(tmp_path / "area.gpkg")
    assert area_in(tmp_path / "area.gpkg").symmetric_difference(box).area < 1e-6
    gpd.GeoDataFrame(geometry=[box.centroid], crs=4326).to_file(tmp_path / "points.gpkg")
    with pytest.raises(InputError, match="holds Point, expected polygons"):
        area_in(tmp_path / "points.gpkg")
    with pytest.raises(InputError, match="no such file"):
        area_in(tmp_path / "absent.gpkg")
    (tmp_path / "text.txt").write_text("no image")
    with pytest.raises(InputError, match="split.area = .*text.txt"):
        area_in(tmp_path / "text.txt")
    shape = {"height": 4, "width": 5, "count": 1, "dtype": "uint8"}
    transform = from_origin(500_000, 5_000_000, 10, 10)
    with rasterio.open(
        tmp_path / "a.tif", "w", driver="GTiff", crs="EPSG:32635", transform=transform, **shape
    ) as image:
        image.write(np.ones((1, 4, 5), "uint8"))
    west, south, east, north = area_in(tmp_path / "a.tif").bounds
    assert (east - west) * 111_320 * np.cos(np.radians(south)) == pytest.approx(50, rel=0.02)
    assert (north - south) * 111_130 == pytest.approx(40, rel=0.02)


def test_areas_across_180_degrees_and_without_an_area():
    lon, lat = np.array([179.5, -179.5, 180.0]), np.array([0.0, 0.0, 1.0])
    places = places_in(hull_of(lon, lat))
    assert np.abs(places[:, 0]).min() > 179 and 900 < len(places) < 1100
    assert len(places_in(shapely.LineString([(0, 0), (1, 1)]), 100)) == 100
    assert len(places_in(shapely.Point(1, 1), 10)) == 10


def test_too_few_places_and_none():
    with pytest.raises(InputError, match="fewer than split.folds = 5"):
        knndm(*SIX[:4].T, grid(20))
    labels = frame(clustered(0, 3)).set_geometry(np.full(200, None))
    with pytest.raises(InputError, match="split.method = knndm: none of the 200 labels"):
        make_split(labels, Split(method="knndm"), classes=["a", "b"])
