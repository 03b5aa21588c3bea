"""Twenty secrets in twenty places of a project, and where they are found again."""

import json
import subprocess

KEY = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg{}\n-----END PRIVATE KEY-----\n"


def planted(root):
    """Twenty secrets in twenty places; gives the texts that must be found nowhere."""
    secrets = [f"pl4nted{i:02d}zq" for i in range(20)]
    s = iter(secrets)
    files = {
        ".env": "DB_PASSWORD={}\n",
        "prod.env": "X={}\n",
        ".netrc": "machine a login b password {}\n",
        "id_rsa": "{}\n",
        "nbs/server.pem": "{}\n",
        "service_account.json": '{{"private_key": "{}"}}\n',
        "my_credentials.json": '{{"x": "{}"}}\n',
        "nbs/mine.py": "API_KEY = 'k{}'\n",
        "notes.md": KEY,
        "run.sh": "export WANDB_API_KEY={}99\n",
        "config.toml": 'auth_token = "tt{}"\n',
        "urls.txt": "https://me:{}@example.org/a\n",
        "signed.txt": "https://example.org/a.tif?sig={}\n",
        "nbs/try.ipynb": '{{"cells": [{{"source": ["password = \\"pp{}\\"\\n"]}}]}}',
        ".pypirc": "password: {}\n",
        "secrets.yml": "a: {}\n",
    }
    for name, text in files.items():
        (root / name).write_text(text.format(next(s)))
    outside = root.parent / "outside.txt"
    outside.write_text(next(s))
    (root / "link.txt").symlink_to(outside)
    address = f"https://u:{next(s)}@h.org/x.git?private_token={next(s)}"
    subprocess.run(["git", "-C", root, "remote", "add", "origin", address], check=True)
    path = root / "nbs/00_success.ipynb"  # a tracked file, and what a cell prints
    notebook = json.loads(path.read_text())
    line = f"print('password = \"in{next(s)}\"')"
    notebook["cells"][-1]["source"] = line
    path.write_text(json.dumps(notebook))
    assert next(s, None) is None
    return secrets


def leaked(folder, secrets):
    """The files below a folder that hold one of the secrets."""
    return [
        (path.relative_to(folder).as_posix(), secret)
        for path in folder.rglob("*")
        if path.is_file()
        for secret in secrets
        if secret.encode() in path.read_bytes()
    ]
