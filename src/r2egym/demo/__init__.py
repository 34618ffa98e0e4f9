"""The bundled repository: a small library with a history in which every outcome is known."""

from r2egym.demo.bundle import Demo, Outcome, PatchCase, unpack

__all__ = ["Demo", "Outcome", "PatchCase", "unpack"]
