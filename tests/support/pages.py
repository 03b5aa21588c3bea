"""A small run and notebooks of text, from which a site is built."""

import json

RESULTS = {
    "f1_score": 0.8702,
    "best_model": "tempcnn",
    "primary": {"metric": "f1_score", "value": 0.8702, "ci": [0.81, 0.9]},
    "verdict": {"status": "usable", "reasons": ["beyond 0.75"]},
    "models": [
        {
            "model": "tempcnn",
            "value": 0.8702,
            "ci": [0.81, 0.9],
            "verdict": "usable",
            "parameters": 1200,
        }
    ],
    "warnings": ["a small sample"],
    "started_at": "2026-01-01",
}


def notebook(*cells):
    """A notebook of texts: prose, or code where the text begins with a bar."""
    made = [
        (
            {
                "cell_type": "code",
                "id": f"c{i}",
                "metadata": {},
                "source": t[1:],
                "outputs": [],
                "execution_count": None,
            }
            if t.startswith("|")
            else {"cell_type": "markdown", "id": f"m{i}", "metadata": {}, "source": t}
        )
        for i, t in enumerate(cells)
    ]
    return json.dumps(
        {
            "cells": made,
            "metadata": {
                "kernelspec": {"display_name": "python3", "language": "python", "name": "python3"}
            },
            "nbformat": 4,
            "nbformat_minor": 5,
        }
    )
