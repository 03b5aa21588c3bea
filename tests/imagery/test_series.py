"""Series and their dates, in the order of time whatever the order in the file."""

import numpy as np
import pytest

from seedbed.imagery.series import in_time_order, read_dates, read_series, write_series
from tests.support.world import refused


def test_any_order_of_dates_gives_the_order_of_time():
    rng = np.random.default_rng(0)
    days = np.sort(rng.choice(700, (20, 6)), axis=1)
    dates = np.datetime64("2019-01-01") + days
    X = rng.normal(size=(20, 6, 2))
    mixed = np.argsort(rng.random((20, 6)), axis=1)
    back, ordered = in_time_order(
        np.take_along_axis(X, mixed[:, :, None], 1), np.take_along_axis(dates, mixed, 1)
    )
    assert np.array_equal(ordered, dates)
    same = np.array([len(set(row)) == 6 for row in days])
    assert same.sum() > 10 and np.array_equal(back[same], X[same])


def test_the_file_keeps_the_dates_of_each_label(tmp_path):
    X = np.arange(12.0).reshape(2, 3, 2)
    dates = [["2020-03-05", "2020-02-03", "2020-01-02"], ["2020-01-09", "", "2020-03-11"]]
    write_series(tmp_path, ["a", "b"], X, dates=dates)
    found, _, rows = read_series(tmp_path, ["b", "x", "a"])
    assert rows.tolist() == [0, 2]
    assert np.array_equal(found, [X[1], X[0, ::-1]])
    known = read_dates(tmp_path, ["b", "x", "a"]).astype(str)
    assert known.tolist() == [
        ["2020-01-09", "NaT", "2020-03-11"],
        ["NaT"] * 3,
        ["2020-01-02", "2020-02-03", "2020-03-05"],
    ]
    write_series(tmp_path, ["a"], X[:1])
    assert read_dates(tmp_path, ["a"]) is None and np.array_equal(
        read_series(tmp_path, ["a"])[0], X[:1]
    )


@pytest.mark.parametrize("ids", [["c"], ["c", "d"]])
def test_no_series_of_these_labels(tmp_path, ids):
    write_series(tmp_path, ["a"], np.zeros((1, 2, 1)))
    refused(lambda: read_series(tmp_path, ids), "series.npz", f"none of {len(ids)}", "'c'")
