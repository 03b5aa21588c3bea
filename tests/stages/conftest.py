"""Datasets that are easily learnt."""
