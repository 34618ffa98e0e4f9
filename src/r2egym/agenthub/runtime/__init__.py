"""The box that an environment works in, under its published names."""
