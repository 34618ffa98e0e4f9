"""``r2egym/RepoEnv-v0`` is known to Gymnasium once both packages are imported, in whichever order.

Gymnasium takes a second or more to import, and most of what uses environments has no need of it, so it is not imported here: where
it comes later, its own import ends with the registration.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

ENV_ID = "r2egym/RepoEnv-v0"


def register() -> None:
    """Make the environment known to ``gymnasium.make``."""
    import gymnasium

    if ENV_ID not in gymnasium.registry:
        gymnasium.register(
            ENV_ID, entry_point="r2egym.environment.gym:RepoEnv", order_enforce=True, disable_env_checker=True
        )


class _Awaiting(MetaPathFinder):
    """Steps in once, at the import of Gymnasium."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Gymnasium's own spec, whose loader registers when it is through."""
        del path, target
        if name != "gymnasium":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return None
        load = spec.loader.exec_module

        def load_and_register(module: ModuleType) -> None:
            load(module)
            register()

        spec.loader.exec_module = load_and_register  # type: ignore[method-assign]
        return spec


def register_in_time() -> None:
    """Register now, or when Gymnasium is imported."""
    if "gymnasium" in sys.modules:
        register()
    else:
        sys.meta_path.insert(0, _Awaiting())
