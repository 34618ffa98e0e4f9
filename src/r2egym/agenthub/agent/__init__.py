"""Agents, under their published names."""
