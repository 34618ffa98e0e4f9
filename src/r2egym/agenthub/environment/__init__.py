"""Environments, under their published names."""
