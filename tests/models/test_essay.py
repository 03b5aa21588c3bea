"""The interface of the practitioner's essay that the project follows, as it is written there.

Its slips are mended: typographic quotes, the missing `idx`, the missing file and path arguments.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

import seedbed as sb
from seedbed.models.base import BaseModel


@pytest.fixture
def folders(tmp_path):
    """Two folders of X_n.npy and Y_n.npy: for training and for validation."""
    rng = np.random.default_rng(0)
    for name, count in (("train", 60), ("validation", 40)):
        folder = tmp_path / name
        folder.mkdir()
        for n in range(count):
            y = n % 2
            np.save(folder / f"X_{n}.npy", rng.normal(size=(7, 4)) + 2 * y)
            np.save(folder / f"Y_{n}.npy", y)
    return tmp_path / "train", tmp_path / "validation"


class MyDataset:
    def __init__(self, data_path):
        self.data_path = Path(data_path)

    def __len__(self):
        return len(list(self.data_path.glob("X_*.npy")))

    def __getitem__(self, idx):
        x = np.load(self.data_path / f"X_{idx}.npy")
        y = np.load(self.data_path / f"Y_{idx}.npy")
        return x, y


class myFancyModel(BaseModel):
    def train(self, train_data_path):
        dataset = MyDataset(train_data_path)
        X, Y = [], []
        for i in range(len(dataset)):
            x, y = dataset[i]
            X.append(x.flatten())
            Y.append(int(y))
        self.model = RandomForestClassifier(50, random_state=0)
        self.model.fit(X, Y)


def test_the_fancy_model_is_trained_and_validated(folders, tmp_path):
    train_data_path, validation_data_path = folders
    model_save_folder = tmp_path / "myFancyModel"
    model = myFancyModel()
    model.train(train_data_path)
    model.validate(validation_data_path, model_save_folder)
    results = json.loads((model_save_folder / "results.json").read_text())
    assert results["accuracy"] > 0.95 and results["f1_score"] > 0.95
    assert results["model"] == "myFancyModel" and results["data"]["n"] == {"train": 60, "val": 40}
    assert results["primary"]["ci"] is None  # no places, no interval
    assert isinstance(model.model, RandomForestClassifier)


@pytest.mark.slow
def test_what_is_validated_is_what_was_trained(folders, tmp_path):
    train_data_path, validation_data_path = folders
    model = myFancyModel()
    model.train(train_data_path)
    dataset = MyDataset(validation_data_path)
    right = [
        model.model.predict([x.flatten()])[0] == y
        for x, y in (dataset[i] for i in range(len(dataset)))
    ]
    record = model.validate(validation_data_path, tmp_path / "out")
    assert record["accuracy"] == pytest.approx(np.mean(right))


def test_a_shipped_model_takes_the_same_folders(folders, tmp_path):
    model = sb.list_models()["logistic_regression"]()
    model.train(folders[0])
    assert model.validate(str(folders[1]), str(tmp_path / "out"))["accuracy"] > 0.95
    again = sb.load_model(tmp_path / "out")
    assert again.title == "logistic_regression" and again.meta["classes"] == ["0", "1"]


def test_a_pair_that_lacks_a_file_is_named(folders):
    (folders[0] / "Y_7.npy").unlink()
    with pytest.raises(Exception, match="Y_7.npy is missing"):
        sb.list_models()["majority"]().train(folders[0])


@pytest.mark.slow
def test_the_same_words_for_a_dataset_of_the_project(samples, tmp_path):
    settings = sb.load_settings()
    from seedbed.process import ready_dataset

    path = ready_dataset(settings)
    model = sb.list_models()["logistic_regression"]()
    model.train(path)
    record = model.validate(path, tmp_path)
    assert record["primary"]["ci"][0] < record["f1_score"] < record["primary"]["ci"][1]
    whole = sb.cross_validate(sb.list_models()["logistic_regression"](), path, tmp_path / "cv")
    assert whole["f1_score"] == pytest.approx(0.8702185998644646, abs=1e-12)
