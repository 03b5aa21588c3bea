"""`seedbed pack`: a run's model as a folder that works without this project."""

import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

from .options import Debug, RunName, Trust

Out = Annotated[
    Optional[Path],
    typer.Option("--out", metavar="FOLDER", help="The folder to make; RUN/packed if not given."),
]
Model = Annotated[
    Optional[str],
    typer.Option("--model", metavar="NAME", help="Another model than the run's best."),
]
Fresh = Annotated[
    bool,
    typer.Option(
        "--fresh",
        help="Also try it in a new environment, into which pip installs what it needs.",
    ),
]


def pack(
    run: RunName,
    out: Out = None,
    model: Model = None,
    fresh: Fresh = False,
    trust: Trust = False,
    debug: Debug = False,
):
    """Pack a run's model into one folder: ONNX, a script, a STAC item, a card, a citation.

    The folder is kept only where the packed model gives the same answers, for pixels with gaps and
    on the run's scene. It needs the extra `pack`.
    """
    from seedbed.base.errors import InputError
    from seedbed.base.files import relative
    from seedbed.base.settings import load_settings
    from seedbed.running.history import find_run, settings_of

    project = load_settings()
    found_run = find_run(project, run, complete=True)
    folder = found_run.folder
    sys.path.insert(0, str(project.root / "nbs"))  # models of one's own
    from seedbed.map import find_scene
    from seedbed.sharing.pack import pack as make_pack

    settings = settings_of(found_run, project)
    target = out or folder / "packed"
    if target.exists() and not (target / "model.onnx").is_file():
        raise InputError(
            f"{target}: is there and is no packed model; name another folder with --out"
        )
    dataset = project.root / settings.processed_dir / "dataset.h5"
    scene = find_scene(settings, settings.map.scene)
    scene = scene if scene and scene.is_file() else None
    threshold = settings.map.threshold
    found = make_pack(folder, target, dataset, model, scene, trust, threshold, fresh)
    for what, value in found.items():
        print(f"same answers on {what}: {value:.2g}")
    print(f"{relative(target)}: python predict.py SCENE.tif MAP.tif")
