"""The report: one file without a network, whatever the labels are called; and what it says of them."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from nbdev.test import test_nb as run_notebook

from seedbed.base.settings import load_settings, to_ini
from seedbed.compare import compare
from seedbed.evaluation.diagnosis import label_issues, permutation_importance, repeated, value_keys
from seedbed.export import export
from seedbed.model import cross_validate
from seedbed.models.registry import find_model
from seedbed.plotting.page import section, table, write_page
from seedbed.process import process
from seedbed.report import evidence, label_quality, learning_rows

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)


def a_run(folder, *overrides):
    """A run of quick models on a sample, with its report; the settings."""
    settings = load_settings(
        overrides=[
            "models.names=majority, logistic_regression",
            "run.resamples=200",
            f"paths.exports={folder}/exports",
            f"paths.processed={folder}/processed",
            f"paths.runs={folder}",
            *overrides,
        ]
    )
    run = folder / "run"
    run.mkdir()
    (run / "settings.ini").write_text(to_ini(settings))
    export(settings), process(settings)
    path = settings.root / settings.processed_dir / "dataset.h5"
    for name in settings.models.names:
        cross_validate(find_model(name)(0, settings.models), path, settings=settings, run_dir=run)
    compare(run, settings, str(run))
    with pytest.MonkeyPatch.context() as patch:
        (
            patch.setenv("SEEDBED_ROOT", str(settings.root)),
            patch.setenv("SEEDBED_SETTINGS", str(run / "settings.ini")),
            patch.setenv("SEEDBED_RUN", str(run)),
        )
        assert run_notebook(ROOT / "nbs/07_report.ipynb", showerr=True)[0]
    return run, path


@pytest.fixture(scope="module")
def romania(tmp_path_factory):
    return a_run(tmp_path_factory.mktemp("romania"), "report.learning_curve=yes")


class Page(HTMLParser):
    """What a page holds."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.fetched, self.open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if "id" in found:
            self.ids.append(found["id"])
        if tag in ("img", "script", "link", "iframe", "source"):
            self.fetched += [found.get("src") or found.get("href") or ""]
        if tag == "image":
            self.fetched.append(found.get("xlink:href", ""))


def data_of(run):
    """The data that the page's script reads."""
    text = (run / "report.html").read_text()
    return json.loads(
        re.search(r'<script type="application/json" id="report-data">(.*?)</script>', text, re.S)[1]
    )


def test_the_page_is_one_file(romania):
    text = (romania[0] / "report.html").read_text()
    page = Page(text)
    assert all(not f or f.startswith(("data:", "#")) for f in page.fetched)
    assert len(page.ids) == len(set(page.ids)) and "{{" not in text
    assert not re.search(r"@import|url\((?!#|\"?data:)", text)
    for name in (
        "models",
        "labels",
        "satellite",
        "errors",
        "bands",
        "doubt",
        "gallery-of-errors",
        "origin",
    ):
        assert name in page.ids
    assert (
        text.count("<figcaption>") >= 9 and "training labels" in text
    )  # the learning curve was asked for


def test_the_gallery_holds_the_worst_errors(romania):
    run, path = romania
    known, data = evidence(run, path), data_of(run)
    wrong = np.flatnonzero(known.answer != known.y)
    surest = known.table["id"].to_numpy()[
        wrong[np.argsort(-known.prediction.max(1)[wrong], kind="stable")]
    ]
    assert [e["id"] for e in data["errors"]] == list(surest[:96]) and data["wrong"] == len(wrong)
    assert all(
        e["true"] != e["pred"]
        and e["natural"].startswith("data:image/png")
        and e["outline"].startswith("M")
        and len(e["series"]) == 7
        for e in data["errors"]
    )
    assert set(data["pulse"]) == {"open", "mixed", "dense"}


def test_the_next_to_relabel_are_the_most_doubted(romania):
    run, path = romania
    frame = gpd.read_file(run / "relabel.geojson")
    known = evidence(run, path)
    quality, _ = label_quality(known)
    assert (
        len(frame) == 50
        and frame["quality"].is_monotonic_increasing
        and frame.crs.to_epsg() == 4326
    )
    assert (
        list(frame["id"])
        == list(known.table["id"].to_numpy()[np.argsort(quality, kind="stable")[:50]])
        and frame["new_label"].isna().all()
    )
    assert set(frame.geometry.geom_type) == {"Polygon"}


def test_a_quantity_has_a_report(tmp_path):
    run, _ = a_run(
        tmp_path,
        "labels.target=tree_cover",
        "success.metric=rmse",
        "success.usable=15",
        "success.ceiling=5",
        "success.worst_region_min=none",
        "process.sampling=chip",
    )
    errors = [abs(e["error"]) for e in data_of(run)["errors"]]
    assert errors == sorted(errors, reverse=True) and len(errors) == 96


@pytest.mark.skipif(CHROMIUM is None, reason="no browser is installed")
def test_a_browser_draws_the_gallery(romania, tmp_path):
    page = tmp_path / "page.html"
    steps = "<script>const s = document.getElementById('by-true'); s.value = 'open'; s.dispatchEvent(new Event('change')); document.getElementById('theme').click();</script></body>"
    page.write_text((romania[0] / "report.html").read_text().replace("</body>", steps))
    done = subprocess.run(
        [
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            f"--user-data-dir={tmp_path}/profile",
            "--virtual-time-budget=2000",
            "--dump-dom",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )
    wanted = sum(e["true"] == "open" for e in data_of(romania[0])["errors"])
    assert wanted > 2 and done.stdout.count('<article class="card">') == min(wanted, 24)
    assert f"{wanted} of" in done.stdout and 'data-theme="dark"' in done.stdout


def test_names_cannot_break_the_page(tmp_path):
    """A class may be called anything."""
    evil = "</script><script>alert(1)</script> & <b>{{data}}"
    write_page(
        tmp_path / "page.html",
        evil,
        "",
        [section("one", evil, evil, table([evil], [[evil]]))],
        {"name": evil},
        ["#000000"],
    )
    text = (tmp_path / "page.html").read_text()
    assert text.count("<script") == 2 and "<b>{{" not in text and "alert(1)</script> &" not in text
    assert json.loads(re.search(r'id="report-data">(.*?)</script>', text, re.S)[1]) == {
        "name": evil
    }


# --- what is said of the data ---


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


def test_only_what_matters_is_missed():
    class Data:
        classes, y = ["a", "b"], np.random.default_rng(0).integers(0, 2, 400)

        def arrays(self):
            X = np.random.default_rng(1).normal(size=(400, 3, 4)).astype(np.float32)
            X[:, 1, 2] = self.y
            return X, self.y

    data, score = Data(), lambda y, p: (y == p).mean()
    predict = lambda d: (d.arrays()[0][:, 1, 2] > 0.5).astype(int)
    for axis, best in ((1, 1), (2, 2)):
        loss = permutation_importance(predict, data, score, axis).mean(1)
        assert loss.argmax() == best and loss[best] > 0.4 and np.delete(loss, best).max() == 0


def test_more_labels_do_not_hurt(romania):
    rows = learning_rows(
        lambda: find_model("logistic_regression")(),
        romania[1],
        "accuracy",
        shares=(0.1, 1.0),
        most=2,
    )
    assert len(rows) == 4 and rows.groupby("share")["score"].mean().is_monotonic_increasing
    assert rows["n"].min() < rows["n"].max() / 5
