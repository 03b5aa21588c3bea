"""Where the repository lies, and public data that a reader may have beside it."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("SEEDBED_SHARED_DATA") or ROOT.parent / "shared/data")
