"""Clusters that are started by name, and tifs that are read on their workers: the same to the last bit, whatever dies."""

import os
import shutil
import signal
import subprocess
import sys
import time
from functools import partial

import pytest

import seedbed.process
from seedbed.base.errors import InputError
from seedbed.base.files import fingerprint
from seedbed.base.settings import load_settings
from seedbed.imagery.samples import in_order
from seedbed.process import read_samples
from tests.support.notebooks import make_project
from tests.support.world import open_dataset

pytest.importorskip("distributed")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Two worker processes, and a client."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
        ) as made,
        Client(made) as client,
    ):
        yield client


def read(world, monkeypatch, address="", many=10**9, overrides=()):
    """dataset.h5 as bytes' digest and arrays, read in batches of three tifs."""
    monkeypatch.setenv("SEEDBED_SCHEDULER", address)
    in_batches = partial(read_samples, size=3)
    for name, value in {"BATCH": 3, "MANY": many, "read_samples": in_batches}.items():
        monkeypatch.setattr(seedbed.process, name, value)
    settings = world.settings(["run.workers=2", *overrides])
    seedbed.process.process(settings)
    return fingerprint(settings.root / settings.processed_dir / "dataset.h5"), open_dataset(
        settings
    )["X"].sum()


def test_a_dataset_is_the_same_wherever_its_tifs_are_read(project, monkeypatch, request):
    world = project(30)
    ways = [["process.sampling=mean"], ["process.sampling=chip", "process.chip_size=4"]]
    asked = []
    for way in ways:
        world.export(*way)
    here = [read(world, monkeypatch, overrides=way) for way in ways]
    assert [read(world, monkeypatch, many=1, overrides=way) for way in ways] == here
    monkeypatch.setattr(
        "seedbed.process.in_order",
        lambda *args, executor, ahead: (
            asked.append(type(executor).__name__) or in_order(*args, executor, ahead)
        ),
    )
    address = request.getfixturevalue(
        "cluster"
    ).scheduler.address  # forked processes first: dask's threads do not fork
    assert [read(world, monkeypatch, address, overrides=way) for way in ways] == here and asked == [
        "ClientExecutor"
    ] * 2


def test_a_worker_that_dies_while_tifs_are_read_changes_nothing(project, monkeypatch, cluster):
    world = project(30)
    world.export()
    here, killed, join = read(world, monkeypatch), [], seedbed.process.join

    def kill_one(parts, directory):
        def watched():
            for number, part in enumerate(parts):
                if number == 2:
                    killed.extend(cluster.run(os.getpid).values())
                    os.kill(killed[0], signal.SIGKILL)
                yield part

        return join(watched(), directory)

    monkeypatch.setattr("seedbed.process.join", kill_one)
    assert read(world, monkeypatch, cluster.scheduler.address) == here and killed
    wait_for_another(cluster, killed[0])


def wait_for_another(cluster, killed):
    """Until a new worker stands in the place of one that was killed: what a test does to all workers is to reach it too."""
    there = []
    while len(there) != 2 or killed in there:
        time.sleep(0.05)
        there = list(cluster.run(os.getpid, on_error="ignore").values())


def test_a_worker_imports_code_anew_when_it_has_changed(cluster):
    from seedbed.base.cluster import use_code

    module = lambda: cluster.run(lambda: id(sys.modules["seedbed.base.files"]))
    cluster.run(use_code, "one")
    cluster.run(lambda: __import__("seedbed.base.files"))
    first = module()
    cluster.run(use_code, "one")
    assert module() == first
    cluster.run(use_code, "two")
    assert not any(cluster.run(lambda: "seedbed.base.files" in sys.modules).values())


SLURM = """
import dask, sys
from seedbed.base.cluster import connect
from seedbed.base.settings import load_settings
with connect(load_settings(sys.argv[1], ["run.scheduler=slurm", "run.workers=1"])) as client:
    print(client.submit(pow, 2, 5).result(timeout=120))"""
CONFIG = """
jobqueue:
  slurm: {cores: 1, memory: 1GB, queue: short, walltime: "00:07:00", account: grass, interface: lo}"""


def test_a_cluster_of_slurm_takes_its_settings_from_dask(tmp_path):
    pytest.importorskip("dask_jobqueue")
    (tmp_path / "settings.ini").touch()

    def run(*path, config=""):
        (tmp_path / "dask").mkdir(exist_ok=True)
        (tmp_path / "dask/jobqueue.yaml").write_text(config)
        variables = {
            "PATH": os.pathsep.join([*map(str, path), os.environ["PATH"]]),
            "DASK_CONFIG": str(tmp_path / "dask"),
            "HERE": str(tmp_path),
        }
        return subprocess.run(
            [sys.executable, "-c", SLURM, str(tmp_path / "settings.ini")],
            capture_output=True,
            text=True,
            env=os.environ | variables,
        )

    if not shutil.which("sbatch"):
        assert (
            "there is no `sbatch` on this machine; start seedbed where jobs are submitted"
            in run(config=CONFIG).stderr
        )
    (tmp_path / "bin").mkdir()
    for name, text in {
        "sbatch": 'cp "$1" "$HERE/job.sh"; bash "$HERE/job.sh" > "$HERE/log" 2>&1 & echo "Submitted batch job $!"',
        "scancel": 'kill "$1"',
    }.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    assert (
        "say what a job is to have (queue, cores, memory, time) in ~/.config/dask/jobqueue.yaml"
        in run(tmp_path / "bin").stderr
    )
    done = run(tmp_path / "bin", config=CONFIG)
    assert done.stdout.splitlines()[-1:] == ["32"], done.stderr + (tmp_path / "log").read_text()
    assert "no worker is there yet" in done.stdout
    for line in (
        "#SBATCH -p short",
        "#SBATCH -A grass",
        "#SBATCH -t 00:07:00",
        "#SBATCH --cpus-per-task=1",
    ):
        assert line in (tmp_path / "job.sh").read_text()


def test_a_cluster_of_pbs_is_made_of_valid_settings(tmp_path, monkeypatch):
    jobqueue = pytest.importorskip("dask_jobqueue")
    import dask

    from seedbed.base.cluster import start_cluster

    monkeypatch.setattr("shutil.which", lambda name: name)
    monkeypatch.setattr(jobqueue.PBSCluster, "scale", lambda cluster, count: asked.append(count))
    asked = []
    given = {
        "cores": 4,
        "processes": 2,
        "memory": "8GB",
        "queue": "short",
        "walltime": "02:00:00",
        "interface": "lo",
    }
    with (
        dask.config.set({f"jobqueue.pbs.{name}": value for name, value in given.items()}),
        start_cluster("pbs", 6) as made,
    ):
        for line in ("#PBS -q short", "select=1:ncpus=4", "walltime=02:00:00", "--nworkers 2"):
            assert line in made.job_script()
    assert asked[0] == 6  # it is scaled to 0 when it closes


def test_a_scheduler_that_is_not_there_is_told_in_a_line(tmp_path):
    from seedbed.base.cluster import connect

    root = make_project(tmp_path / "p")
    with pytest.raises(InputError, match="run.scheduler = mainframe: write an address"):
        with connect(load_settings(root / "settings.ini", ["run.scheduler=mainframe"])):
            pass
