"""Runs over data sets, under their published names."""
