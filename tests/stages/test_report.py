"""The report: one file without a network; and what it says of the labels."""

import re
from html.parser import HTMLParser

import geopandas as gpd
import numpy as np
import pytest

from seedbed.models.registry import find_model
from seedbed.report import evidence, label_quality, learning_rows
from tests.support.reports import a_run, data_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("report"),  # `romania` is made once
]


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
    assert set(data["profiles"]) == {"open", "mixed", "dense"}


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


def test_a_quantity_has_a_report(samples, tmp_path):
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
