"""The Shoptalk engine: reads a project, trains it, decides every turn."""

__version__ = "0.1.0"
