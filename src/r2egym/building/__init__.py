"""From a commit to the read-only layers of a runnable environment.

A task row holds a recipe, not an image: repository, base commit, exact lock. This room finds the recipe out, resolves
it as of the commit's date, and makes the layers (interpreter, dependencies, project, source tree, ``.git``) that tasks share.
"""

from r2egym.building.build import Builder
from r2egym.building.built import Built
from r2egym.building.checks import Collected
from r2egym.building.layers import LayerStore
from r2egym.building.room import Usage
from r2egym.building.workshop import Bench

__all__ = ["Bench", "Builder", "Built", "Collected", "LayerStore", "Usage"]
