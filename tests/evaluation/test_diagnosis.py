"""Labels that are wrong, samples that stand there twice, bands that matter."""

import numpy as np

from seedbed.evaluation.diagnosis import label_issues, permutation_importance, repeated, value_keys


def test_flipped_labels_are_found():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 4, 600)
    p = rng.dirichlet(np.full(4, 0.3), 600) * 0.3 + 0.7 * np.eye(4)[y]
    flipped = rng.choice(600, 30, replace=False)
    given = y.copy()
    given[flipped] = (y[flipped] + 1) % 4
    quality, doubted = label_issues(given, p)
    assert set(np.argsort(quality)[:30]) == set(flipped)
    assert doubted.sum() > 20 and set(np.flatnonzero(doubted)) <= set(flipped)


def test_contradictions_are_told_from_copies():
    X = np.random.default_rng(0).normal(size=(6, 3, 2)).astype(np.float32)
    X[4], X[5] = X[0], X[1]
    found = repeated(value_keys(X), ["a", "b", "c", "d", "a", "c"])
    assert (
        len(found) == 2
        and found["conflict"].sum() == 1
        and found[found["conflict"]]["samples"].iloc[0] == [1, 5]
    )
    alone = repeated(["a", "b"], [1, 2])
    assert len(alone) == 0 and alone["conflict"].sum() == alone["samples"].map(len).sum() == 0


def test_only_what_matters_is_missed():
    class Data:
        task, classes, unit, steps, bands = "classification", ["a", "b"], "", 3, list("abcd")
        meta, scaling = {}, None
        y = np.random.default_rng(0).integers(0, 2, 400)

        def arrays(self):
            X = np.random.default_rng(1).normal(size=(400, 3, 4)).astype(np.float32)
            X[:, 1, 2] = self.y
            return X, self.y

    data, score = Data(), lambda y, p: (y == p).mean()
    predict = lambda d: (d.arrays()[0][:, 1, 2] > 0.5).astype(int)
    for axis, best in ((1, 1), (2, 2)):
        loss = permutation_importance(predict, data, score, axis).mean(1)
        assert loss.argmax() == best and loss[best] > 0.4 and np.delete(loss, best).max() == 0
