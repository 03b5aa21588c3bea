"""Writes the expressions of all presets anew, two steps each: python -m tests.servers.earthengine.golden. Look at what has changed."""

import json
from dataclasses import replace
from pathlib import Path

from seedbed.imagery.grid import grid_at
from seedbed.sources.earthengine.credentials import offline
from seedbed.sources.earthengine.expression import Expressions
from seedbed.sources.earthengine.spec import presets

if __name__ == "__main__":
    offline()
    for name, spec in presets().items():
        spec = replace(spec, steps=2)
        box = grid_at((36.82, -1.29), spec).box()
        text = Expressions(spec).text("2021-03-01", box)
        (Path(__file__).parent / f"golden/{name}.json").write_text(
            json.dumps(json.loads(text), indent=0) + "\n"
        )
