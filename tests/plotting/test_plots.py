"""Figures of many and of rare classes, and colours that nothing shares."""

import tracemalloc

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from seedbed.plotting import figures, plots
from seedbed.plotting.stages import physical_series
from seedbed.training.dataset import SampleDataset
from tests.support.models import make_dataset

SPECIES = [f"species {k:03d}" for k in range(300)]


@pytest.fixture(autouse=True)
def closed():
    """No figure outlives its test."""
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def many():
    """True and predicted numbers of 300 classes."""
    rng = np.random.default_rng(0)
    y = np.arange(900) % 300
    return y, np.where(rng.random(900) < 0.5, y, rng.integers(0, 300, 900))


def test_folds_classes_and_subsets_share_no_colour():
    folds = {colour[:3] for colour in plots.fold_colours(range(12)).values()}
    classes = {to_rgb(c) for c in plots.class_colours(SPECIES[:40]).values()}
    subsets = {to_rgb(c) for c in plots.SPLIT_COLOURS.values()}
    assert len(folds) == 12 and not folds & classes and not folds & subsets
    assert to_rgb(plots.FILL) not in classes | folds


def test_three_hundred_classes_are_a_list_of_confusions(many):
    y, answer = many
    C = np.zeros((300, 300), int)
    np.add.at(C, (y, answer), 1)
    tracemalloc.start()
    ax = plots.plot_confusion(C, SPECIES)
    ax.figure.savefig("/dev/null", format="png")
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    assert len(ax.patches) == 15 and peak < 100, f"{peak:.0f} MB"
    off = C - np.diag(np.diag(C))
    first = plots.top_confusions(C, SPECIES)[0]
    i, j = SPECIES.index(first["true"]), SPECIES.index(first["predicted"])
    assert first["n"] == off.max() == C[i, j] and i != j
    assert ax.get_yticklabels()[0].get_text() == f"{first['true']} → {first['predicted']}"


def test_a_perfect_model_of_many_classes_confuses_nothing():
    ax = plots.plot_confusion(np.eye(40, dtype=int), SPECIES[:40])
    assert len(ax.patches) == 0 and "0 of 0 errors" in ax.get_xlabel()


def test_few_classes_remain_a_matrix():
    ax = plots.plot_confusion(np.eye(25, dtype=int), SPECIES[:25])
    assert len(ax.images) == 1


def test_every_figure_of_many_classes_is_of_a_size_to_look_at(many):
    y, answer = many
    names, rng = np.array(SPECIES)[y], np.random.default_rng(1)
    lon, lat = rng.random((2, 900))
    colours = plots.class_colours(SPECIES)
    region = np.array(["north", "south"])[y % 2]
    series = rng.random((900, 4))
    drawn = [
        figures.plot_labels(lon, lat, names, colours),
        figures.plot_phenology(series, names, region, colours),
        figures.plot_confusions(y, answer, SPECIES, region),
    ]
    for fig in drawn:
        fig.canvas.draw()
        size = fig.get_tightbbox().size
        assert max(size) < 13, size  # inches
    assert len(drawn[0].axes[0].get_legend().get_texts()) == 13
    assert "288 others" in drawn[0].axes[0].get_legend().get_texts()[-1].get_text()


def test_rare_classes_are_drawn_above_frequent_ones():
    values = np.array(["common"] * 50 + ["rare"] * 2 + ["middling"] * 10)
    ax = plt.subplots()[1]
    colours = plots.class_colours(["rare", "common", "middling"])
    plots.draw_classes(ax, np.random.default_rng(0).random((62, 2)), values, colours)
    order = {c.get_label().partition(" ")[0]: c.get_zorder() for c in ax.collections}
    assert order["common"] < order["middling"] < order["rare"]
    assert [c.get_label() for c in ax.collections] == ["rare (2)", "common (50)", "middling (10)"]


def test_importance_of_many_bands_shows_those_that_matter():
    loss = np.linspace(0, 1, 200)[:, None] + np.zeros((1, 3))
    ax = plt.subplots()[1]
    figures.plot_importance(loss, [f"b{k}" for k in range(200)], "bands", "F1", ax)
    titles = [ax.get_title(loc) for loc in ("left", "center")]  # where the style of figures puts it
    assert len(ax.patches) == 24 and any("24 that matter most of 200" in title for title in titles)


def test_histograms_show_every_fold():
    X = np.random.default_rng(0).random((50, 2, 1))
    subsets = np.array([["val"] * 25 + ["train"] * 25, ["train"] * 25 + ["val"] * 25])
    fold = figures.validating_fold(subsets, ["a", "b"])
    assert list(fold[[0, -1]]) == ["a", "b"]
    fig = figures.plot_histograms(X, fold, ["B2"])
    assert [t.get_text() for t in fig.legends[0].get_texts()] == ["all samples", "fold a", "fold b"]
    assert len(fig.axes[0].patches) == 3


@pytest.mark.parametrize("window", [(), (4, 4)])
def test_all_series_are_mapped_and_the_values_are_the_same(window, tmp_path):
    """A copy of a million series would be half a gigabyte."""
    path = make_dataset(tmp_path, window=window)[0].path
    data = SampleDataset(path, None)
    whole, order = physical_series(data), np.arange(len(data))[::-1]
    assert whole.flags.writeable == bool(window)
    np.testing.assert_array_equal(physical_series(data, order), whole[order])
    np.testing.assert_array_equal(physical_series(data, slice(None, None, -1)), whole[::-1])
    part = SampleDataset(path, "train")
    np.testing.assert_array_equal(physical_series(part), whole[part.rows])


def test_a_strip_of_places_is_no_sliver():
    """The frame of a map is at most five thirds as long as wide; both ways, and at any latitude."""
    lat = np.linspace(50, 60, 9)
    for lon in (np.full(9, 10.0), lat - 40, 8 * lat):
        ax = plots.plot_places(lon, lat, np.zeros(9))
        (west, east), (south, north) = ax.get_xlim(), ax.get_ylim()
        wide, high = (east - west) * np.cos(np.radians(lat.mean())), north - south
        assert 0.59 < wide / high < 1 / 0.59
        assert west < lon.min() and lon.max() < east and south < 50 and 60 < north
        plt.close(ax.figure)
