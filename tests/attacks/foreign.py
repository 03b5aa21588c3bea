"""A run folder that somebody has sent."""

import hashlib
import io
import json
import shutil
import zipfile
from pathlib import Path

import joblib
import numpy as np

from tests.attacks import attack
from tests.attacks.place import Done, Place

ROOM = "A colleague's run folder"


class Evil:
    """Makes a file when it is unpickled."""

    def __init__(self, marker: Path):
        self.marker = marker

    def __reduce__(self):
        return (Path.touch, (self.marker,))


def theirs(place: Place) -> Path:
    """A run that came from elsewhere."""
    folder = place.new("theirs")
    shutil.copytree(place.run, folder)
    return folder


def weights_of(run: Path, model: str = "random_forest") -> Path:
    """Where a model of a run lies."""
    return run / "models" / model / "seed_0"


def put(folder: Path, content: bytes | None = None, **record):
    """Exchange a model's weights, and make its record agree with them."""
    path = folder / "model.json"
    found = json.loads(path.read_text())
    file = next(p for p in folder.glob("model.*") if p.suffix != ".json")
    if content is not None:
        file.write_bytes(content)
        found["weights_sha256"] = hashlib.sha256(content).hexdigest()
    path.write_text(json.dumps(found | record))


def mapped(place: Place, run: Path, *words: str, model="random_forest", who="them") -> Done:
    """The map of the scene by a run's model."""
    asked = ("--run", str(run), "--model", model, "--scene", "data/scene/image.tif")
    return place.seedbed(place.checkout, "map", *asked, *words, who=who)


def pickled(marker: Path) -> bytes:
    file = io.BytesIO()
    joblib.dump(Evil(marker), file)
    return file.getvalue()


@attack(ROOM, "`map`: scikit-learn weights are a pickle", "executed by `joblib.load`")
def a_pickle(place):
    run, marker = theirs(place), place.new("marker")
    put(weights_of(run), pickled(marker))
    done = mapped(place, run).refused("would execute", "--trust")
    assert not marker.exists(), "it was executed"
    return done


@attack(ROOM, "that pickle with `--trust`: executed, as was said", "there was no `--trust`")
def a_trusted_pickle(place):
    run, marker = theirs(place), place.new("marker")
    put(weights_of(run), pickled(marker))
    done = mapped(place, run, "--trust").refused()
    assert marker.exists(), "--trust executes nothing"
    return done


@attack(ROOM, "`map`: a network's weights are a pickle", "refused (`weights_only`)")
def a_torch_pickle(place):
    import torch

    run, marker = theirs(place), place.new("marker")
    file = io.BytesIO()
    torch.save(Evil(marker), file)
    put(weights_of(run, "tempcnn"), file.getvalue())
    done = mapped(place, run, model="tempcnn").refused()
    assert not marker.exists(), "it was executed"
    return done


@attack(ROOM, "`map`: `model.json` names `cProfile:run` as its class", "imported and called")
def a_class_of_the_library(place):
    run = theirs(place)
    put(weights_of(run), **{"class": "cProfile:run"})
    return mapped(place, run).refused("cProfile", "--trust")


@attack(ROOM, "`map`: `model.json` names a module that lies beside it", "imported")
def a_module_in_the_run(place):
    run, marker = theirs(place), place.new("marker")
    for folder in (run, weights_of(run)):
        (folder / "evil.py").write_text(f"open({str(marker)!r}, 'w')")
    put(weights_of(run), **{"class": "evil:Model"})
    done = mapped(place, run).refused("evil", "--trust")
    assert not marker.exists(), "it was executed"
    return done


def altered(run: Path, change, also=lambda schema: None) -> bytes:
    """The weights of the forest with every array changed, and perhaps their schema."""
    file = next(p for p in weights_of(run).glob("model.*") if p.suffix != ".json")
    made = io.BytesIO()
    with zipfile.ZipFile(file) as given, zipfile.ZipFile(made, "w") as out:
        for name in given.namelist():
            content = given.read(name)
            if name.endswith(".npy"):
                content = change(content)
            if name == "schema.json":
                schema = json.loads(content)
                also(schema)
                content = json.dumps(schema).encode()
            out.writestr(name, content)
    return made.getvalue()


def far_children(content: bytes) -> bytes:
    """An array of a tree whose nodes lead far out of it."""
    values = np.load(io.BytesIO(content), allow_pickle=False)
    if values.dtype.names and "left_child" in values.dtype.names:
        values["left_child"] = 2_000_000
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


def foreign_type(schema: dict):
    """Have the schema ask for a type that no shipped model needs."""
    attributes = schema["content"]["content"]
    extra = {
        "__class__": "date",
        "__module__": "datetime",
        "__loader__": "ObjectNode",
        "content": None,
        "__id__": 999_999,
        "__reduce__": {},
    }
    extra = {
        "__class__": "OrderedDict",
        "__module__": "collections",
        "__loader__": "DictNode",
        "key_types": {
            "__class__": "list",
            "__module__": "builtins",
            "__loader__": "ListNode",
            "content": [],
            "__id__": 999_998,
        },
        "content": {},
        "__id__": 999_999,
    }
    attributes["extra_"] = extra


@attack(ROOM, "`map`: trees whose nodes lead out of their arrays", "not tried; a crash is likely")
def altered_trees(place):
    run = theirs(place)
    put(weights_of(run), altered(run, far_children))
    return mapped(place, run).refused("damaged")


@attack(ROOM, "those trees with `--trust`", "the same")
def altered_trees_trusted(place):
    run = theirs(place)
    put(weights_of(run), altered(run, far_children))
    return mapped(place, run, "--trust").refused("damaged")


@attack(ROOM, "those trees and a type of its own, with `--trust`", "the same")
def altered_trees_of_other_types(place):
    run = theirs(place)
    put(weights_of(run), altered(run, far_children, foreign_type))
    mapped(place, run).refused("collections.OrderedDict", "--trust")
    return mapped(place, run, "--trust").refused("damaged")


@attack(ROOM, "`map`: arrays of the weights cut short", "a traceback")
def cut_arrays(place):
    run = theirs(place)
    put(weights_of(run), altered(run, lambda content: content[: len(content) // 2]))
    return mapped(place, run).refused("damaged")


@attack(ROOM, "`map`: an array of objects, which numpy would unpickle", "executed")
def object_arrays(place):
    run, marker = theirs(place), place.new("marker")

    def objects(_):
        file = io.BytesIO()
        np.save(file, np.array([Evil(marker)], dtype=object), allow_pickle=True)
        return file.getvalue()

    put(weights_of(run), altered(run, objects))
    done = mapped(place, run).refused("damaged")
    assert not marker.exists(), "it was executed"
    return done


@attack(ROOM, "`map`: weights are not those of the record", "refused")
def other_weights(place):
    run = theirs(place)
    file = next(p for p in weights_of(run).glob("model.*") if p.suffix != ".json")
    file.write_bytes(altered(run, far_children))
    return mapped(place, run).refused()


@attack(ROOM, "`map` with the model as it was made, without `--trust`", "worked")
def an_honest_model(place):
    done = mapped(place, theirs(place))
    assert done.code == 0, done.line
    return done


@attack(ROOM, "`replay` of a run that somebody else has made", "their diff was applied and run")
def replayed(place):
    run, marker = theirs(place), place.new("marker")
    patch = make_patch(place.checkout, f"open({str(marker)!r}, 'w')\n")
    change(run, patch)
    done = place.seedbed(place.checkout, "replay", str(run), who="them")
    assert "diff.patch, which changes 1 files: nbs/evil.py" in done.out, "the diff is not shown"
    assert not marker.exists(), "it was executed"
    return done.refused("was not made by you", "--trust")


def make_patch(root: Path, text: str) -> bytes:
    """A patch that adds a module."""
    lines = text.splitlines()
    head = f"--- /dev/null\n+++ b/nbs/evil.py\n@@ -0,0 +1,{len(lines)} @@\n"
    body = "".join(f"+{line}\n" for line in lines)
    return f"diff --git a/nbs/evil.py b/nbs/evil.py\nnew file mode 100644\n{head}{body}".encode()


def change(run: Path, patch: bytes | None = None, **values):
    """Alter the record of a run so that it agrees with itself."""
    path = run / "run.json"
    record = json.loads(path.read_text())
    if patch is not None:
        (run / "diff.patch").write_bytes(patch)
        record["git"] |= {"dirty": True, "diff_sha256": hashlib.sha256(patch).hexdigest()}
    path.write_text(json.dumps(record | values))


@attack(ROOM, "`compare`: their settings name `cProfile:run` as the metric", "imported")
def a_metric(place):
    run = theirs(place)
    ini = run / "settings.ini"
    ini.write_text(ini.read_text().replace("metric = f1_score", "metric = cProfile:run"))
    return place.seedbed(place.checkout, "compare", str(run), who="them").refused("--trust")


@attack(ROOM, "`publish` of a run that somebody else has made", "their HTML was published")
def published(place):
    return place.seedbed(place.checkout, "publish", str(theirs(place)), who="them").refused(
        "--trust"
    )


@attack(ROOM, "`share --rocrate` of a run that somebody else has made", "shared")
def shared(place):
    words = ("share", str(theirs(place)), "--rocrate")
    return place.seedbed(place.checkout, *words, who="them").refused("--trust")


@attack(ROOM, "`verify` of a run that somebody else has made", "there was no `verify`")
def verified(place):
    done = place.seedbed(place.checkout, "verify", str(theirs(place)), who="them")
    assert done.code == 0 and "not sealed by you" in done.said, done.line
    return done


@attack(ROOM, "`runs`, `runs --diff`, `compare`: numbers of it are read", "worked")
def read(place):
    run, words = str(theirs(place)), None
    for words in (("runs",), ("runs", "--diff", run, place.run.name), ("compare", run)):
        done = place.seedbed(place.checkout, *words, who="them")
        assert done.code == 0, f"{words}: {done.line}"
    return done
