"""seedbed: from labels on a map to a model that a stakeholder can use."""
__version__ = "0.1.0"
