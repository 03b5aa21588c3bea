"""A notebook-first research template for applied machine learning on Earth observation."""

__version__ = "0.2.0"
