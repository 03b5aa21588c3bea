"""The baseline that knows dates alone."""

import numpy as np
import pytest

from seedbed.process import write_dataset
from seedbed.training.dataset import SampleDataset
from tests.support.models import ALL, TASKS, make_arrays, make_attributes


def test_date_sees_dates(made, fitted):
    val = made["classification"][1]
    prediction = fitted("date", "classification").predict(val)
    by_date = {}
    for start, row in zip(val.column("start"), prediction):
        by_date.setdefault(start, set()).add(tuple(row))
    assert set(by_date) == {"2018-04-01", "2019-03-01", "2018-09-01"} and all(
        len(rows) == 1 for rows in by_date.values()
    )


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("date", ["", "2018-04-01"])
def test_date_without_differences_is_majority(task, date, tmp_path):
    arrays = make_arrays(task, 1, (), 48)
    path = tmp_path / "dataset.h5"
    write_dataset(path, arrays | {"start": np.full(48, date)}, make_attributes(task, 1, ()))
    train, val = SampleDataset(path, "train"), SampleDataset(path, "val")
    answers = [ALL[name]().train(train).predict(val) for name in ("date", "majority")]
    np.testing.assert_allclose(*answers, rtol=1e-6)


def test_date_features_are_a_circle():
    from seedbed.models.dates import date_features

    rows = date_features(["2018-12-31", "2019-01-01", "2019-07-02", ""])
    assert (
        np.linalg.norm(rows[0, :2] - rows[1, :2])
        < 0.03
        < 1.9
        < np.linalg.norm(rows[1, :2] - rows[2, :2])
    )
    assert rows[:, 2].tolist() == [2018, 2019, 2019, 0] and (rows[3] == 0).all()
