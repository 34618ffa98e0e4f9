"""Opens the viewer of trajectories: ``python apps/app.py RUN...``, which is ``r2egym view RUN...``."""
# ruff: noqa: INP001 - a script

import sys

from r2egym.cli.main import main

if __name__ == "__main__":
    main(["view", *sys.argv[1:]])
