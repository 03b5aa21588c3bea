"""Where the repository lies, and data that a reader may have beside it."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
