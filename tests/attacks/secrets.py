"""What nobody may see: keys, tokens, passwords."""

import importlib.util
import json

from tests.attacks import attack
from tests.attacks.place import Done, git
from tests.support.secrets import KEY, leaked, planted

ROOM = "Secrets"


def run_of(root):
    """The only run of a project, and its record."""
    [path] = root.glob("runs/*/run.json")
    return path.parent, json.loads(path.read_text())


def clean(done: Done, *secrets: str) -> Done:
    """The same, if it shows none of the secrets."""
    for secret in secrets:
        assert secret not in done.said, f"it is shown: {done.line}"
    return done


@attack(ROOM, "`doctor` with a private key that cannot be parsed", "the whole key was printed")
def doctor_with_a_key(place):
    root, key = place.tiny("doctor"), KEY.format("zqplanted")
    done = place.seedbed(root, "doctor", EARTHENGINE_SERVICE_ACCOUNT=key)
    clean(done, "zqplanted", "MIIEvQIBADANBg")
    lines = [line for line in done.out.splitlines() if "Earth Engine" in line]
    assert lines and lines[0].startswith("!!"), "it is not found to be wrong"
    return Done(done.code, lines[0])


@attack(ROOM, "`doctor` with the JSON of a service account, cut short", "printed")
def doctor_with_an_account(place):
    root = place.tiny("doctor")
    text = '{"type": "service_account", "private_key": "zqplanted'
    done = clean(place.seedbed(root, "doctor", EARTHENGINE_SERVICE_ACCOUNT=text), "zqplanted")
    lines = [line for line in done.out.splitlines() if "Earth Engine" in line]
    assert lines and lines[0].startswith("!!"), "it is not found to be wrong"
    return Done(done.code, lines[0])


@attack(ROOM, "an untracked `.env` and a service account's file", "copied into the run, 0644")
def files_of_keys(place):
    root = place.tiny("files")
    (root / ".env").write_text("DB_PASSWORD=zqplanted1\n")
    (root / "key.json").write_text('{"private_key": "zqplanted2", "client_email": "a@b"}')
    done = clean(place.seedbed(root, "run", "--no-check"), "zqplanted")
    run, record = run_of(root)
    assert not leaked(run, ["zqplanted"]), "a secret is in the run"
    assert [file["kept"] for file in record["untracked"]] == [False, False], "a file is kept"
    note = next(line for line in done.said.splitlines() if "not be replayable" in line)
    return Done(done.code, note)


@attack(ROOM, "a token in the query of git's remote, a password in its address", "kept in run.json")
def remote_with_a_token(place):
    root = place.tiny("remote")
    git(
        root,
        "remote",
        "add",
        "origin",
        "https://me:zqplanted1@h.org/x.git?private_token=zqplanted2",
    )
    done = clean(place.seedbed(root, "run", "--no-check"), "zqplanted")
    run, record = run_of(root)
    assert not leaked(run, ["zqplanted"]), "a secret is in the run"
    return Done(done.code, f"remote: {record['git']['remote']}")


@attack(ROOM, "a password in an address in the settings", "kept in settings.ini of the run")
def setting_with_a_password(place):
    root = place.tiny("setting")
    words = ("run", "-p", "source.name=stac:https://me:zqplanted@example.org")
    return clean(place.seedbed(root, *words).refused("source.name"), "zqplanted")


@attack(ROOM, "an untracked file that only its owner may read (0600)", "kept as 0644")
def modes(place):
    root = place.tiny("modes")
    (root / "private.py").write_text("x = 1\n")
    (root / "private.py").chmod(0o600)
    done = place.seedbed(root, "run", "--no-check")
    kept = run_of(root)[0] / "untracked/private.py"
    assert done.code == 0, done.line
    assert kept.stat().st_mode & 0o777 == 0o600, f"kept as {kept.stat().st_mode & 0o777:o}"
    return Done(done.code, "untracked/private.py is kept as 0600")


@attack(
    ROOM, "an untracked link to a file outside of the project", "followed, and its content kept"
)
def link_to_the_outside(place):
    root = place.tiny("link")
    outside = place.new("outside.txt")
    outside.write_text("zqplanted")
    (root / "notes.txt").symlink_to(outside)
    done = place.seedbed(root, "run", "--no-check")
    assert not leaked(run_of(root)[0], ["zqplanted"]), "it was followed"
    note = next(line for line in done.said.splitlines() if "not be replayable" in line)
    return Done(done.code, note)


@attack(ROOM, "an error message with an address that was signed", "printed and recorded")
def error_with_a_token(place):
    text = "raise ValueError('GET https://h.org/a.tif?sig=zqplantedzqplanted failed')"
    root = place.tiny("error", process=text)
    done = clean(place.seedbed(root, "run", "--no-check"), "zqplanted").refused("ValueError")
    found = leaked(run_of(root)[0], ["zqplantedzqplanted failed"])
    assert not found, f"kept in {found}"
    return done


@attack(
    ROOM,
    "twenty secrets in twenty places; run, publish, share; everything is searched",
    "12 leaked",
)
def twenty_secrets(place):
    root = place.tiny("twenty")
    secrets = planted(root)
    done = clean(place.seedbed(root, "run", "--no-check"), *secrets)
    assert done.code == 0, done.line
    run, _ = run_of(root)
    assert not leaked(run, secrets), f"in the run: {leaked(run, secrets)}"
    said = []
    shares = {"rocrate": ("--rocrate",), "mlflow": ("--mlflow", "mlruns")}
    commands = [("verify", run.name), ("publish", run.name), ("runs",), ("doctor",)]
    for package, words in shares.items():
        if importlib.util.find_spec(package):
            commands.append(("share", run.name, *words))
            said.append(package)
    for words in commands:
        clean(place.seedbed(root, *words), *secrets)
    for folder in ("runs", "reports", "mlruns"):
        found = leaked(root / folder, secrets)
        assert not found, f"in {folder}: {found}"
    with_these = f"shared by {' and '.join(said)}" if said else "mlflow and rocrate not installed"
    return Done(done.code, f"none of 20 is found ({with_these})")
