"""Containers of a Docker engine: the connection, images made of layers, a container's first process, one command."""
