"""Scripts that ask the network about what the project is built on, without a network."""

import importlib.util
import subprocess

import pytest

from tests.support.paths import ROOT


def tool(name):
    """A script of tools/ as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / f"tools/{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


WORKFLOW = "    - uses: actions/checkout@v4  # tags until then\n    - uses: a/b@v5\n"


@pytest.fixture
def pin(tmp_path):
    """The script, for which a folder is GitHub: actions/checkout with an annotated tag v4, a/b with a plain v5."""
    author = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    for name, words in (
        ("actions/checkout", ("tag", "-a", "v4", "-m", "four")),
        ("a/b", ("tag", "v5")),
    ):
        root = tmp_path / name
        root.mkdir(parents=True)
        first = ("commit", "-q", "--allow-empty", "-m", "one")
        for command in (("init", "-q"), first, words):
            subprocess.run(["git", "-C", root, *author, *command], check=True, capture_output=True)
    script = tool("pin_actions")
    script.GITHUB = str(tmp_path)
    return script


def test_tags_of_actions_become_commits_and_stay_readable(pin, tmp_path):
    def commit(name):
        words = ["git", "-C", tmp_path / name, "rev-parse", "HEAD"]
        return subprocess.run(words, capture_output=True, text=True).stdout.strip()

    wanted = [
        f"    - uses: actions/checkout@{commit('actions/checkout')}  # v4",
        f"    - uses: a/b@{commit('a/b')}  # v5",
    ]
    once = pin.pinned(WORKFLOW)
    assert once.splitlines() == wanted and pin.pinned(once) == once


@pytest.mark.parametrize(
    "action, tag, said", [("a/b", "v9", "has no tag v9"), ("no/body", "v1", "cannot be reached")]
)
def test_an_action_that_cannot_be_asked_is_a_line(pin, action, tag, said):
    with pytest.raises(SystemExit) as left:
        pin.commit_of(action, tag)
    assert said in left.value.code and "nothing was written" in left.value.code


def test_an_audit_that_could_look_nothing_up_is_no_clean_bill():
    audit = tool("audit")
    unknown = {"name": "here", "skip_reason": "not found"}
    lines, code = audit.verdict([unknown, unknown])
    assert code == 1 and "none of 2 packages could be looked up" in lines[0]
    good = {"name": "good", "version": "1.0", "vulns": []}
    assert audit.verdict([good, unknown]) == (
        ["1 packages looked up, 0 known weaknesses", "1 could not be looked up: here"],
        0,
    )
    weak = {"name": "weak", "version": "2.0", "vulns": [{"id": "X-1", "fix_versions": ["2.1"]}]}
    lines, code = audit.verdict([good, weak])
    assert code == 1 and lines[0] == "weak 2.0: X-1, mended in 2.1"


def test_an_audit_without_pip_audit_is_a_line(tmp_path):
    with pytest.raises(SystemExit, match="audit: nothing was looked up"):
        tool("audit").looked_up(tmp_path / "none.lock")
