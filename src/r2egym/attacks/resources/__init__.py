"""Patches that try to exhaust or end the machinery."""
