"""Datasets that are easily learnt."""

from tests.support.models import made  # noqa: F401
