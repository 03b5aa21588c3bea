"""What commands do with runs, files and settings of strangers: refused in one line, nothing executed or leaked."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import joblib
import pytest

import seedbed.cli  # noqa: F401
from seedbed.base.errors import InputError
from seedbed.base.files import fingerprint, read_json, write_json
from seedbed.base.provenance import git_state
from seedbed.base.settings import load_settings
from seedbed.running.cache import Cache
from seedbed.running.history import find_run, unreferenced
from seedbed.running.pipeline import keep_untracked, run_pipeline
from seedbed.running.replay import replay
from seedbed.running.stages import tiny_project
from seedbed.running.verify import lacking
from tests.models.test_weights import Evil
from tests.support.notebooks import gone, record_of, the_run
from tests.support.secrets import leaked, planted

IGNORED = "runs/\ndata/\n__pycache__/\nmlruns/\n"


def git(root, *words):
    """A git command that must succeed."""
    author = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run(["git", "-C", root, *author, *words], check=True, capture_output=True)


COMMAND = "from seedbed.cli import main; main()"


@pytest.fixture
def checked_in(tmp_path):
    """A tiny project in git."""
    root = tiny_project(tmp_path / "p")
    (root / ".gitignore").write_text(IGNORED)
    git(root, "init", "-q", "-b", "main")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "one")
    return root


# --- secrets ---


@pytest.mark.slow
def test_twenty_secrets_reach_no_run_no_archive_and_no_screen(checked_in, here, monkeypatch):
    secrets = planted(checked_in)
    code, out, err = here("run", cwd=checked_in)
    run = the_run(checked_in)
    assert code == 0 and "will not be replayable" in out
    assert leaked(run, secrets) == [] and not any(s in out + err for s in secrets)
    assert "never kept" in str(record_of(run)["untracked"]) + str(record_of(run)["git"]["lacks"])
    assert record_of(run)["git"]["remote"] == "https://h.org/x.git"
    shared = [("verify", run.name), ("publish", run.name), ("runs",), ("doctor",)]
    for package, words in (("rocrate", ("--rocrate",)), ("mlflow", ("--mlflow", "mlruns"))):
        if __import__("importlib").util.find_spec(package):
            shared.append(("share", run.name, *words))
    monkeypatch.setenv("EARTHENGINE_SERVICE_ACCOUNT", '{"private_key": "' + secrets[0])
    for words in shared:
        _, out, err = here(*words, cwd=checked_in)
        assert not any(secret in out + err for secret in secrets), words
    for place in ("reports", "mlruns", "runs"):
        assert leaked(checked_in / place, secrets) == []


def test_a_setting_with_a_secret_is_refused_without_showing_it(checked_in, here):
    value = "stac:https://me:hunter2222@example.org"
    code, _, err = here("run", "-p", f"success.source={value}", cwd=checked_in)
    assert code == 1 and "success.source: holds a password in an address" in err
    assert "hunter2222" not in err and not (checked_in / "runs").exists()


@pytest.mark.parametrize(
    "value", ["-----BEGIN PRIVATE KEY-----\nabc", "{broken", '{"private_key": "abc"}']
)
def test_doctor_never_shows_a_key(value, monkeypatch):
    from seedbed.cli.doctor import check_earth_engine

    monkeypatch.setenv("EARTHENGINE_SERVICE_ACCOUNT", value)
    found = check_earth_engine(None)
    assert found.state == "bad" and "abc" not in found.text + found.fix


def test_kept_files_keep_their_permissions_and_stay_inside(tmp_path):
    root, run = tmp_path / "p", tmp_path / "run"
    root.mkdir()
    (root / "private.py").write_text("x = 1")
    (root / "private.py").chmod(0o600)
    (root / "big.py").write_text("x" * 100)
    (root / "scan.tif").write_bytes(b"x")
    (tmp_path / "outside.py").write_text("x = 2")
    (root / "way").symlink_to(tmp_path)
    names = ["private.py", "big.py", "scan.tif", "../outside.py", "way/outside.py", "way"]
    kept = {file["path"]: file for file in keep_untracked(root, run, names, each=50)}
    assert [name for name, file in kept.items() if file["kept"]] == ["private.py"]
    assert (run / "untracked/private.py").stat().st_mode & 0o777 == 0o600
    assert "run.keep_suffixes" in kept["scan.tif"]["why"] and "MB" in kept["big.py"]["why"]
    assert len([p for p in run.rglob("*") if p.is_file()]) == 1


# --- the record is true ---

ODD = {
    "diff.external": "/bin/false",
    "color.ui": "always",
    "diff.noprefix": "true",
    "diff.mnemonicPrefix": "true",
    "core.autocrlf": "input",
    "diff.context": "0",
    "diff.renames": "copies",
    "diff.algorithm": "patience",
    "diff.relative": "true",
    "core.quotePath": "false",
    "diff.x.textconv": "tr a-z A-Z <",
}


def test_the_patch_does_not_depend_on_the_users_configuration(checked_in, monkeypatch):
    (checked_in / ".gitattributes").write_text("*.ini diff=x\n")
    git(checked_in, "add", "-A")
    git(checked_in, "commit", "-qm", "two")
    (checked_in / "settings.ini").write_text((checked_in / "settings.ini").read_text() + "\n# ä\n")
    plain = git_state(checked_in)
    for name, value in ODD.items():
        git(checked_in, "config", name, value)
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "/bin/false")
    assert git_state(checked_in) == plain and plain[0]["lacks"] == [] and plain[1]


@pytest.mark.slow
def test_what_cannot_be_kept_is_said(checked_in, monkeypatch):
    for i in range(130):
        (checked_in / f"m{i:03d}.py").write_text("x = 1")
    (checked_in / os.fsdecode(b"lat\xe9in.txt")).write_text("x")
    record, _ = git_state(checked_in)
    assert len(record["untracked"]) == 100 and record["untracked_count"] == 130
    assert record["lacks"][0].startswith("1 files whose names are not UTF-8, first lat\\xe9in.txt")
    assert record["lacks"][1].startswith("30 of 130 files that git does not know")
    run = run_pipeline(checked_in)
    found = find_run(load_settings(checked_in / "settings.ini"), run)
    assert len(lacking(found)) == 2
    monkeypatch.setenv("PATH", "/nonexistent")
    assert git_state(checked_in)[0]["lacks"] == [
        "git is not installed or does not answer; install it"
    ]


def test_a_repository_of_another_user_is_named_as_such(checked_in, monkeypatch):
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    assert "safe.directory" in git_state(checked_in)[0]["lacks"][0]


def test_a_changed_submodule_is_lacking(checked_in, tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    git(inner, "init", "-q")
    (inner / "a.py").write_text("x = 1")
    git(inner, "add", "-A")
    git(inner, "commit", "-qm", "one")
    git(checked_in, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner), "sub")
    git(checked_in, "commit", "-qm", "two")
    (checked_in / "sub/a.py").write_text("x = 2")
    record, patch = git_state(checked_in)
    assert record["lacks"] == ["sub: a submodule with changes of its own; commit them there"]
    assert record["dirty"] and patch == ""


# --- runs of strangers ---


@pytest.fixture
def foreign(checked_in, monkeypatch, tmp_path):
    """A run that somebody else has made of the same commit."""
    monkeypatch.setenv("SEEDBED_STATE", str(tmp_path / "their-state"))
    run = run_pipeline(checked_in)
    monkeypatch.setenv("SEEDBED_STATE", str(tmp_path / "my-state"))
    return run


def changed(run, **values):
    """A run whose record says something else."""
    record = record_of(run)
    record["git"] |= values.pop("git", {})
    (run / "run.json").write_text(json.dumps(record | values))
    return run


@pytest.mark.slow
def test_a_foreign_run_is_not_replayed_and_what_it_would_execute_is_shown(
    checked_in, foreign, here
):
    code, out, err = here("replay", foreign.name, cwd=checked_in)
    assert code == 1 and "was not made by you" in err and "--trust" in err
    assert f"commit {record_of(foreign)['git']['commit'][:12]}" in out
    for words in (("publish",), ("share", "--rocrate")):
        assert "--trust" in here(words[0], foreign.name, *words[1:], cwd=checked_in)[2]


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    ["../out.py", "/tmp/out.py", "L/../../out.py", "link/out.py", ".git/hooks/x", "a/.GIT/x"],
)
def test_a_kept_file_that_leads_out_of_the_checkout_is_refused(checked_in, foreign, path):
    kept = foreign / "untracked"
    kept.mkdir()
    (kept / "link").symlink_to("/tmp")
    digest = hashlib.sha256(b"").hexdigest()
    file = {"path": path, "bytes": 0, "sha256": digest, "kept": True}
    changed(foreign, untracked=[file])
    settings = load_settings(checked_in / "settings.ini")
    with pytest.raises(InputError, match="leads out of|leads through a link|altered or removed"):
        replay(settings, find_run(settings, foreign), trust=True)


@pytest.mark.slow
def test_a_patch_that_makes_a_link_is_not_applied(checked_in, foreign):
    patch = b"diff --git a/way b/way\nnew file mode 120000\n--- /dev/null\n+++ b/way\n@@ -0,0 +1 @@\n+/tmp\n"
    (foreign / "diff.patch").write_bytes(patch)
    changed(foreign, git={"dirty": True, "diff_sha256": hashlib.sha256(patch).hexdigest()})
    settings = load_settings(checked_in / "settings.ini")
    with pytest.raises(InputError, match="symbolic link, and is not applied"):
        replay(settings, find_run(settings, foreign), trust=True)


@pytest.mark.slow
def test_an_altered_setting_breaks_the_seal_of_ones_own_run(checked_in, here):
    run = run_pipeline(checked_in)
    ini = run / "settings.ini"
    ini.write_text(ini.read_text().replace("metric = f1_score", "metric = cProfile:run"))
    assert "cProfile:run" in here("compare", run.name, cwd=checked_in)[2]
    assert "--trust" in here("replay", run.name, cwd=checked_in)[2]


@pytest.mark.slow
def test_an_edited_result_is_neither_verified_nor_published(checked_in, here):
    run = run_pipeline(checked_in)
    assert here("verify", run.name, cwd=checked_in)[0] == 0
    text = (run / "results.json").read_text()
    before = (run / "results.json").stat()
    (run / "results.json").write_text(text.replace("0.8", "0.9", 1))
    os.utime(run / "results.json", ns=(before.st_atime_ns, before.st_mtime_ns))
    code, out, _ = here("verify", run.name, cwd=checked_in)
    assert code == 1 and "results.json: was altered after the run had ended" in out
    from seedbed.sharing.outgoing import check_outgoing

    settings = load_settings(checked_in / "settings.ini")
    with pytest.raises(InputError, match="results.json: was altered"):
        check_outgoing(find_run(settings, run), settings)
    manifest = read_json(run / "manifest.json")
    manifest["files"]["results.json"] = fingerprint(run / "results.json")
    write_json(run / "manifest.json", manifest)
    with pytest.raises(InputError, match="manifest.json: not sealed by you"):
        check_outgoing(find_run(settings, run), settings)


@pytest.mark.slow
def test_a_link_in_a_run_is_not_passed_on(checked_in):
    from seedbed.sharing.outgoing import check_outgoing

    run = run_pipeline(checked_in)
    (run / "report.html").symlink_to("/etc/passwd")
    settings = load_settings(checked_in / "settings.ini")
    with pytest.raises(InputError, match="report.html: is a link"):
        check_outgoing(find_run(settings, run), settings)


@pytest.mark.slow
def test_a_model_of_a_colleague_is_not_executed_by_map(romania, tmp_path, here, monkeypatch):
    made, _ = romania[0], romania
    folder = getattr(made, "folder", made)
    shutil.copytree(folder, tmp_path / "theirs")
    place = next((tmp_path / "theirs").glob("models/*/seed_0"))
    joblib.dump(Evil(tmp_path / "marker"), place / "model.bin")
    record = json.loads((place / "model.json").read_text())
    record["weights_sha256"] = hashlib.sha256((place / "model.bin").read_bytes()).hexdigest()
    (place / "model.json").write_text(json.dumps(record))
    words = ("--run", str(tmp_path / "theirs"), "--model", place.parent.name)
    code, _, err = here("map", *words, "--scene", "data/sample/romania/scene.tif")
    assert code == 1 and "would execute" in err and not (tmp_path / "marker").exists()


# --- scores survive ---


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["map", "report"])
def test_scores_survive_a_failing_map_or_report(tmp_path, here, stage):
    root = tiny_project(tmp_path / "p", **{stage: "1 / 0"})
    code, out, err = here("run", cwd=root)
    run = the_run(root)
    assert (
        code == 3
        and "ZeroDivisionError" in err
        and f"seedbed run --force 0{6 + (stage == 'report')}" in err
    )
    assert (run / "results.json").is_file() and record_of(run)["status"] == "complete"
    assert here("verify", run.name, cwd=root)[0] == 0


@pytest.mark.slow
def test_a_cache_that_cannot_be_written_fails_no_run(tmp_path, here, monkeypatch):
    root = tiny_project(tmp_path / "p")

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Cache, "save", full)
    code, _, err = here("run", cwd=root)
    assert code == 3 and "cannot keep what" in err and (the_run(root) / "results.json").is_file()


# --- folders ---


@pytest.mark.parametrize(
    "where, said",
    [
        ("settings.ini", "is no folder"),
        ("settings.ini/x", "cannot be made"),
        ("/proc/x", "cannot be made"),
    ],
)
def test_a_runs_folder_that_is_none_is_a_line(tmp_path, here, where, said):
    root = tiny_project(tmp_path / "p")
    code, _, err = here("run", "-p", f"paths.runs={where}", cwd=root)
    assert code == 1 and said in err and err.count("\n") == 1


@pytest.mark.slow
def test_clean_sees_runs_in_other_folders_and_running_ones(tmp_path):
    root = tiny_project(tmp_path / "p")
    run_pipeline(root, [f"paths.runs={tmp_path / 'elsewhere'}"])
    settings = load_settings(root / "settings.ini")
    assert unreferenced(settings) == []
    with Cache(settings).lock("run", "somewhere"), pytest.raises(InputError, match="is running"):
        unreferenced(settings)
    shutil.rmtree(tmp_path / "elsewhere")
    assert unreferenced(settings)


@pytest.mark.slow
def test_temporary_files_do_not_outlive_a_day(tmp_path):
    root = tiny_project(tmp_path / "p")
    for name, age in (("old", 90_000), ("new", 60)):
        folder = root / f"data/exports/.tmp-export-{name}"
        folder.mkdir(parents=True)
        os.utime(folder, (time.time() - age,) * 2)
    run_pipeline(root)
    assert [p.name for p in (root / "data/exports").glob(".tmp-*")] == [".tmp-export-new"]


# --- signals ---

SLOW = "import os, pathlib, time\npathlib.Path(f'pid{os.getpid()}').touch()\ntime.sleep(60)"


def started(root, *words):
    """A command that has reached its slow notebooks, and their processes."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", COMMAND, *words]
    process = subprocess.Popen(
        command,
        cwd=root,
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 90
    while not list((root / "nbs").glob("pid*")) and time.monotonic() < deadline:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.1)
    return process, [int(path.name[3:]) for path in (root / "nbs").glob("pid*")]


@pytest.mark.slow
@pytest.mark.parametrize(
    "words", [("run", "--no-check"), ("sweep", "-p", "split.folds=3,4", "-p", "run.workers=2")]
)
def test_a_command_that_is_terminated_leaves_nothing_running(tmp_path, words):
    root = tiny_project(tmp_path / "p", export=SLOW)
    process, pids = started(root, *words)
    time.sleep(1)
    process.send_signal(signal.SIGTERM)
    err = process.communicate(timeout=60)[1]
    assert process.returncode == 143 and err.startswith("interrupted") and err.count("\n") == 1
    assert all(gone(pid, 10) for pid in pids)
    assert {record_of(p.parent)["status"] for p in root.glob("runs/*/run.json")} == {"interrupted"}


@pytest.mark.slow
def test_cells_end_with_a_sweep_that_is_killed(tmp_path):
    root = tiny_project(tmp_path / "p", export=SLOW)
    process, pids = started(root, "sweep", "-p", "split.folds=3,4", "-p", "run.workers=2")
    process.kill()
    process.communicate(timeout=60)
    assert pids and all(gone(pid, 20) for pid in pids)


@pytest.mark.slow
def test_a_killed_replay_can_be_replayed(checked_in):
    run = run_pipeline(checked_in)
    settings = load_settings(checked_in / "settings.ini")
    left = checked_in / "data/cache/replays" / run.name / "checkout"
    git(checked_in, "worktree", "add", "--detach", str(left), "HEAD")
    git(checked_in, "worktree", "lock", str(left))  # as git does while it makes one
    shutil.rmtree(left)
    assert replay(settings, find_run(settings, run), say=lambda line: None).identical
    assert not left.exists()
