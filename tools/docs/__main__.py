"""The documentation site: `python tools/docs` builds it into _docs, `--serve` also shows it and builds again on every change."""

import argparse
import functools
import http.server
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from site_builder import DocsError, build  # noqa: E402

from seedbed.base.overlay import find_root  # noqa: E402
from seedbed.base.signals import ended_in_a_line  # noqa: E402


def sources(root: Path) -> dict[Path, float]:
    """When each source of the site was changed last."""
    files = [
        p for pattern in ("nbs/**/*", "pkg/**/*.py", "settings.ini") for p in root.glob(pattern)
    ]
    return {
        p: p.stat().st_mtime for p in files if p.is_file() and ".ipynb_checkpoints" not in p.parts
    }


def try_build(root: Path, execute: bool) -> bool:
    """Build, and say what is wrong instead of stopping."""
    try:
        print(build(root, execute))
    except DocsError as error:
        print(error, file=sys.stderr)
    else:
        return True
    return False


def serve(root: Path, port: int, execute: bool):
    """Show the site on this machine until Ctrl-C, and build again whenever a source changes."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", port), functools.partial(Quiet, directory=root / "_docs")
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{port} (Ctrl-C to stop)")
    seen = sources(root)
    while True:
        time.sleep(1)
        if (now := sources(root)) != seen:
            try_build(root, execute)
        seen = now


def main():
    parser = argparse.ArgumentParser(prog="tools/docs", description=__doc__)
    parser.add_argument("--serve", action="store_true", help="show the site on this machine")
    parser.add_argument("--port", type=int, default=4200)
    parser.add_argument(
        "--no-execute",
        dest="execute",
        action="store_false",
        help="leave notebooks without outputs as they are",
    )
    asked = parser.parse_args()
    root = find_root()
    if root is None:
        sys.exit(f"{Path.cwd()}: lies in no project; go to a folder that has a settings.ini")
    built = try_build(root, asked.execute)
    if not asked.serve:
        sys.exit(not built)
    serve(root, asked.port, asked.execute)


if __name__ == "__main__":
    with ended_in_a_line():
        main()
