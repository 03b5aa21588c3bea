"""The report: one file without a network; and what it says of the labels."""

import copy
import json
import re
from html.parser import HTMLParser

import geopandas as gpd
import numpy as np
import pytest

from seedbed.models.registry import find_model
from seedbed.report import (
    _use_of,
    evidence,
    from_template,
    importance,
    label_quality,
    learning_rows,
    model_table,
    page_head,
    some_of,
    why_no_doubts,
)
from tests.support.models import make_dataset
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


def test_the_table_of_models_has_the_stamps_and_no_empty_column():
    row = {"model": "mlp", "value": 0.4, "tied": False, "verdict": "usable"}
    stamped = row | {"stamps": ["NOT BETTER THAN COORDINATES"]}
    text = model_table({"primary": {"metric": "f1_score"}, "models": [row, stamped]})
    assert ">usable, NOT BETTER THAN COORDINATES<" in text and ">usable<" in text
    assert "worst region" not in text and "gain" not in text


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


# --- what is worth believing ---


def without_skill(known, seed=0):
    """The same labels, predicted by a model that guesses."""
    out, rng = copy.copy(known), np.random.default_rng(seed)
    out.prediction = rng.dirichlet(np.ones(len(known.data.classes)), len(known.y))
    return out


def test_labels_are_doubted_by_a_good_model_only(romania):
    known = evidence(*romania)
    assert why_no_doubts(known) == ""
    guessed = without_skill(known)
    assert label_quality(guessed)[1].sum() > 100  # it would doubt a great many
    assert "is not clearly better than chance" in why_no_doubts(guessed)
    best = known.results["best_model"]
    for change, words in (
        (
            {"beats_non_imagery": False, "difference": {"to": "coordinates"}},
            "does not clearly beat",
        ),
        ({"sees": "coordinates"}, "sees no imagery"),
    ):
        rows = [r | change if r["model"] == best else r for r in known.results["models"]]
        poor = copy.copy(known)
        poor.results = known.results | {"models": rows}
        assert words in why_no_doubts(poor)


def headed(results, **verdict):
    """The page's title, as HTML."""
    return page_head(results | {"verdict": results["verdict"] | verdict}).partition("</h1>")[0]


def test_usable_is_green_only_where_somebody_stands_for_it(romania):
    results = json.loads((romania[0] / "results.json").read_text())
    plain = headed(results, status="usable", headline="random_forest is usable")
    assert '<em class="good">usable</em>' in plain
    example = "random_forest is usable by the example's thresholds"
    assert 'class="open"' in headed(results, status="usable", headline=example)
    nobody = "no model beats coordinates, a non-imagery baseline"
    assert "good" not in headed(results, status="undecided", headline=nobody)


def test_a_text_of_the_users_is_data(romania):
    results = json.loads((romania[0] / "results.json").read_text())
    hostile = "{{region}} http://example.org <b>"
    results["data"] |= {"name": hostile, "target": "{{facts}}"}
    head = page_head(results | {"warnings": [hostile]})
    assert "{{region}} http://example.org &lt;b&gt;" in head and "{{facts}}" in head
    assert "{{x}}" in from_template("figure.html", attributes="", content="{{x}}", caption="")


def test_the_next_to_relabel_can_be_filtered(romania):
    data = data_of(romania[0])
    features = data["relabel"]["features"]
    assert 50 < len(features) <= 600
    assert {"label", "predicted", "region"} <= set(features[0]["properties"])
    first = [f["properties"]["id"] for f in features[:50]]
    assert first == list(gpd.read_file(romania[0] / "relabel.geojson")["id"])


def test_importance_costs_no_more_with_many_labels(tmp_path, monkeypatch):
    """The figure's model learns from some labels, and some are shuffled; few labels are all taken."""
    train, _ = make_dataset(tmp_path)
    assert some_of(train, len(train)) is train
    part = some_of(train, 20)
    assert len(part) == 20 == len(set(part.rows)) and set(part.rows) < set(train.rows)
    np.testing.assert_array_equal(part.y, train.y[np.isin(train.rows, part.rows)])
    seen = []
    kind = find_model("majority")
    monkeypatch.setattr(kind, "sees", "bands")
    learn, predict = kind.train, kind.predict
    monkeypatch.setattr(kind, "train", lambda m, d: (seen.append(len(d)), learn(m, d))[1])
    monkeypatch.setattr(kind, "predict", lambda m, d: (seen.append(len(d)), predict(m, d))[1])
    monkeypatch.setattr("seedbed.report.LEARNT", 30)
    monkeypatch.setattr("seedbed.report.SHUFFLED", 10)
    importance(kind(), train.path, "f1_score", most=1)
    assert seen[0] == 30 and set(seen[1:]) == {10}


@pytest.mark.parametrize(
    "largest, classes, said",
    [(1, ["a", "b"], "more than 1 class would"), (None, [], "its interval has no limit")],
)
def test_no_useful_answer_is_said(largest, classes, said):
    record = {"largest": largest, "classes": classes, "no_useful_answer": 0.25}
    assert "On 25.0 % there is no useful answer" in _use_of(record) and said in _use_of(record)
    assert _use_of(record | {"no_useful_answer": 0.0}) == ""
