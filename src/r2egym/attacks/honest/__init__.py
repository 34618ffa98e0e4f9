"""Not cheats: honest patches that must score 1."""
