"""R2E-Gym: git histories become executable software-engineering tasks whose rewards can be trusted."""

__all__ = ["__version__"]

__version__ = "0.1.0"
