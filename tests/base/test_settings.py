"""settings.ini is read into typed settings; what is wrong with it is told at once, with a mend."""

import re

import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from seedbed.base.settings import (
    Settings,
    load_settings,
    make_settings,
    nearest,
    parse_ini,
    parse_override,
    to_ini,
)
from tests.support.paths import ROOT
from tests.support.world import refused

SECTIONS = [name for name in Settings.model_fields if name != "root"]
WORD = (
    st.text(
        st.characters(categories=["L", "N"], include_characters="_-./ ", codec="utf-8"),
        min_size=1,
        max_size=12,
    )
    .map(str.strip)
    .filter(lambda w: w and w.lower() not in ("none", "auto"))
)
WORDS = st.lists(WORD, max_size=4, unique=True)
MAYBE = st.none() | st.floats(0, 1e6, exclude_min=True)


def load(tmp_path, text, *overrides, **options):
    """Settings from the text of a file."""
    path = tmp_path / "settings.ini"
    path.write_text(text, **{"encoding": "utf-8"} | options) if isinstance(
        text, str
    ) else path.write_bytes(text)
    return load_settings(path, overrides)


# --- the file that ships ---


def test_shipped_settings_are_the_defaults():
    """Key by key, in the same order: a file without a line behaves like the line that ships."""
    shipped = parse_ini((ROOT / "settings.ini").read_text(encoding="utf-8"))
    assert list(shipped) == SECTIONS
    defaults, read = Settings(root=ROOT), load_settings(ROOT / "settings.ini")
    for section in SECTIONS:
        model = getattr(defaults, section)
        assert list(shipped[section]) == list(type(model).model_fields), section
        for key in type(model).model_fields:
            assert getattr(getattr(read, section), key) == getattr(model, key), f"{section}.{key}"
    assert read.model_dump() == defaults.model_dump()


def test_every_shipped_line_is_explained():
    """Each section and each key has a comment; `source` in [success] is a sentence of its own."""
    for line in (ROOT / "settings.ini").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            assert re.search(r"\s# \S", line) or line.startswith("source = "), line


# --- what is wrong ---


@pytest.mark.parametrize(
    "text,fragments",
    [
        ("[splt]\nfolds = 3", ["[splt]: no such section", "did you mean 'split'?"]),
        ("[Split]\nfolds = 3", ["[Split]: no such section", "did you mean 'split'?"]),
        ("[DEFAULT]\nfolds = 3", ["[DEFAULT]: no such section"]),
        ("[zzz]\nx = 3", ["[zzz]: no such section", "use one of: success, source"]),
        ("[split]\nblok_km = 3", ["[split] blok_km: no such key", "did you mean 'block_km'?"]),
        ("[split]\nfolds = five", ["[split] folds = five", "integer"]),
        ("[split]\nfolds = 2.5", ["[split] folds = 2.5", "integer"]),
        ("[split]\nfolds = 1", ["[split] folds = 1", "greater than or equal to 2"]),
        ("[split]\nmethod = chance", ["[split] method = chance", "'blocks'", "'random'"]),
        ("[split]\nallow_leakage = perhaps", ["[split] allow_leakage = perhaps", "boolean"]),
        ("[split]\nbuffer_km = -1", ["[split] buffer_km = -1", "greater than or equal to 0"]),
        ("[split]\nblock_km = 0", ["[split] block_km = 0", "greater than 0"]),
        ("[split]\nfold = 5", ["[split] fold = 5", "5 folds, counted from 0"]),
        ("[dataset]\nbatch_size = 1", ["[dataset] batch_size = 1", "greater than 1"]),
        ("[process]\nchip_size = 4096", ["[process] chip_size = 4096", "1024"]),
        ("[process]\nmax_missing = 1.1", ["[process] max_missing = 1.1"]),
        ("[run]\nseeds = 1, x", ["[run] seeds", "integer"]),
        ("[run]\nseeds = none", ["[run] seeds", "no seed"]),
        ("[run]\nseeds = 1, 2, 1", ["[run] seeds", "twice"]),
        ("[run]\nlevel = 1", ["[run] level = 1", "less than 1"]),
        ("[models]\nnames = none", ["[models] names", "no model"]),
        (
            "[models]\nnames = majority, majority",
            ["[models] names", "'majority' stands there twice"],
        ),
        ("[success]\nusable = .9\nceiling = .9", ["[success] ceiling = 0.9", "equals usable"]),
        ("[success]\nusable = nan", ["[success] usable = nan", "finite"]),
        ("[success]\nsource =", ["[success] source"]),
        ("[split]\nbuffer_km = inf", ["[split] buffer_km = inf", "finite"]),
        ("[source]\nname = Sample:romania", ["[source] name = Sample:romania"]),
        ("folds = 3", ["settings.ini", "write `key = value` lines under a [section]"]),
        ("[split]\nfolds", ["settings.ini", "key = value"]),
        ("[split]\nfolds = 3\nfolds = 4", ["settings.ini", "folds", "already exists"]),
        ("[split]\n[split]\n", ["settings.ini", "split", "already exists"]),
    ],
)
def test_one_fault(tmp_path, text, fragments):
    """File, place, value and what is expected."""
    refused(lambda: load(tmp_path, text), "settings.ini", *fragments)


def test_all_faults_at_once(tmp_path):
    """One reading tells all that is wrong."""
    message = refused(
        lambda: load(
            tmp_path,
            "[splt]\n[split]\nfolds = x\nblok_km = 1\n[run]\nseeds = a\n[process]\nsampling = best",
        ),
        "5 faults",
        "[splt]",
        "folds = x",
        "blok_km",
        "seeds",
        "sampling = best",
    )
    assert len(message.splitlines()) == 6


def test_contradictions_together(tmp_path):
    """Values that are fine alone and not together are told together too."""
    refused(
        lambda: load(
            tmp_path, "[split]\nfolds = 3\nfold = 3\n[models]\nnames = a, a\n[run]\nseeds = auto"
        ),
        "3 faults",
        "fold = 3",
        "'a' stands there twice",
        "no seed",
    )


def test_fold_of_a_column(tmp_path):
    """split.folds says nothing about the number of regions."""
    assert load(tmp_path, "[split]\nmethod = column\nfolds = 5\nfold = 7").split.fold == 7


def test_nearest():
    """A near word is hinted at, else all are listed."""
    assert nearest("romanai", ["romania", "brandenburg"]) == "did you mean 'romania'?"
    assert nearest("x", ["romania", "brandenburg"]) == "use one of: romania, brandenburg"


# --- how values are read ---


def test_auto_and_none(tmp_path):
    """auto, none and nothing mean the same: no value of one's own."""
    for word in ("auto", "none", "None", "AUTO", ""):
        settings = load(
            tmp_path,
            f"[split]\nblock_km = {word}\n[source]\nvariables = {word}\nlabels_file = {word}\n[dataset]\naugment = {word}",
        )
        assert (
            settings.split.block_km is None
            and settings.source.variables == ()
            and settings.source.labels_file is None
            and settings.dataset.augment == ()
        )


def test_empty_file_is_all_defaults(tmp_path):
    """Nothing said, nothing changed."""
    assert load(tmp_path, "").model_dump() == Settings(root=tmp_path).model_dump()


@pytest.mark.parametrize(
    "text",
    [
        b"[split]\r\nfolds = 7   # so many\r\n[labels]\r\ntarget = Fl\xc3\xa4che\r\n",
        b"\xef\xbb\xbf[split]\nfolds = 7\n[labels]\ntarget = Fl\xc3\xa4che\n",
        b"[split]\nfolds: 7\n\n# note\n[labels]\ntarget=Fl\xc3\xa4che",
    ],
    ids=["CRLF", "BOM", "loose"],
)
def test_editors_of_this_world(tmp_path, text):
    """Line ends of Windows, a byte order mark, colons and umlauts."""
    settings = load(tmp_path, text)
    assert settings.split.folds == 7 and settings.labels.target == "Fläche"


def test_a_file_that_is_not_utf8(tmp_path):
    """An old encoding is named, not shown as a traceback."""
    refused(
        lambda: load(tmp_path, "[labels]\ntarget = Fläche".encode("latin-1")),
        "settings.ini",
        "UTF-8",
    )


def test_comments_and_signs(tmp_path):
    """A comment needs a blank before it; %, ; and = are ordinary."""
    settings = load(
        tmp_path,
        "[labels]\ntarget = crop#2 # the second\ngroup = 100%(x)s; a=b\n[success]\nsource = Ministry: 2024 ; by mail",
    )
    assert (
        settings.labels.target == "crop#2"
        and settings.labels.group == "100%(x)s; a=b"
        and settings.success.source == "Ministry: 2024 ; by mail"
    )


def test_settings_are_frozen(tmp_path):
    """Nobody changes settings on the way."""
    settings = load(tmp_path, "")
    with pytest.raises(ValueError, match="frozen"):
        settings.split.folds = 3


# --- overrides, places ---


def test_overrides(tmp_path):
    """An override wins over the file, also where the file has no such section; values may hold `=`."""
    settings = load(
        tmp_path,
        "[split]\nfolds = 3",
        "split.folds=4",
        "split.folds = 6",
        "models.names= majority , tempcnn",
        "success.source=a=b",
    )
    assert (
        settings.split.folds == 6
        and settings.models.names == ("majority", "tempcnn")
        and settings.success.source == "a=b"
    )


@pytest.mark.parametrize(
    "text", ["folds=3", "split.folds", "split.=3", ".folds=3", "", "=", "split.folds:3"]
)
def test_override_of_the_wrong_form(text):
    """The form is shown."""
    refused(lambda: parse_override(text), f"-p {text}", "section.key=value")


def test_override_that_an_ini_cannot_hold():
    """A run writes its settings down; what could not be read again is refused."""
    for value in ("ticket #12", "#12", "two\nlines"):
        refused(lambda: parse_override(f"success.source={value}"), "success.source", "comment")
    assert parse_override("labels.target=crop#2") == ("labels", "target", "crop#2")


def test_override_with_a_typing_error(tmp_path):
    """A wrong override is told like a wrong line."""
    refused(
        lambda: load(tmp_path, "", "split.blok_km=3", "splitt.x=1"),
        "2 faults",
        "did you mean 'block_km'?",
        "did you mean 'split'?",
    )


def test_missing_file(tmp_path, monkeypatch):
    """A file that is not there is named."""
    monkeypatch.chdir(tmp_path)
    refused(load_settings, "no settings.ini", str(tmp_path))
    refused(lambda: load_settings(tmp_path / "settings.ini"), "settings.ini", str(tmp_path))
    (tmp_path / "settings.ini").touch()
    refused(lambda: load_settings(tmp_path / "other.ini"), "other.ini", "no such file", "template")
    refused(lambda: load_settings(tmp_path), str(tmp_path), "no such file")


def test_environment_names_the_file(tmp_path, monkeypatch):
    """A run's notebooks read the run's settings, and its project's root."""
    run = tmp_path / "runs" / "one"
    run.mkdir(parents=True)
    (tmp_path / "settings.ini").write_text("[split]\nfolds = 3")
    (run / "settings.ini").write_text("[split]\nfolds = 9")
    monkeypatch.setenv("SEEDBED_SETTINGS", str(run / "settings.ini"))
    monkeypatch.setenv("SEEDBED_ROOT", str(tmp_path))
    settings = load_settings()
    assert settings.split.folds == 9 and settings.root == tmp_path.resolve()
    assert load_settings(tmp_path / "settings.ini").split.folds == 3
    monkeypatch.setenv("SEEDBED_SETTINGS", str(run / "gone.ini"))
    refused(load_settings, "gone.ini", "no such file")


def test_folders_follow_from_the_settings_that_matter(tmp_path):
    """What an export depends on names its folder, and nothing else does."""
    one = load(tmp_path, "")
    for override, export_moves, processed_moves in (
        ("run.threads=2", False, False),
        ("models.epochs=3", False, False),
        ("split.folds=4", False, True),
        ("process.sampling=center", False, True),
        ("labels.target=tree_cover", True, True),
        ("source.name=sample:brandenburg", True, True),
    ):
        other = load(tmp_path, "", override)
        assert (one.export_dir != other.export_dir, one.processed_dir != other.processed_dir) == (
            export_moves,
            processed_moves,
        ), override


# --- and back ---


def test_round_trip_of_the_shipped_file(tmp_path):
    """What a run writes down gives the same settings."""
    settings = load_settings(ROOT / "settings.ini")
    assert load(tmp_path, to_ini(settings)).model_dump() == settings.model_dump()


@budget(max_examples=80, deadline=None, derandomize=True)
@given(data=st.data())
@pytest.mark.slow
def test_round_trip(data, tmp_path_factory):
    """Any settings survive being written and read."""
    draw = data.draw
    sections = {
        "success": {
            "usable": draw(st.floats(-1e9, 0.9)),
            "rope": draw(st.floats(0, 1)),
            "worst_region_min": draw(MAYBE),
            "max_parameters": draw(st.none() | st.integers(1, 10**12)),
            "source": draw(WORD),
        },
        "source": {
            "name": "folder:" + draw(WORD),
            "variables": draw(WORDS),
            "steps": draw(st.none() | st.integers(1, 99)),
            "nodata": draw(st.none() | st.floats(allow_nan=False)),
            "crs": draw(st.none() | WORD),
        },
        "labels": {
            "target": draw(WORD),
            "drop": draw(WORDS),
            "task": draw(st.sampled_from([None, "regression"])),
        },
        "process": {"indices": draw(WORDS), "max_missing": draw(st.floats(0, 1))},
        "split": {
            "block_km": draw(MAYBE),
            "fold": draw(st.none() | st.integers(0, 4)),
            "allow_leakage": draw(st.booleans()),
        },
        "run": {"seeds": draw(st.lists(st.integers(0, 2**40), min_size=1, unique=True))},
    }
    settings = make_settings(sections, root=ROOT)
    again = make_settings(parse_ini(to_ini(settings)), root=ROOT)
    assert again.model_dump() == settings.model_dump()
