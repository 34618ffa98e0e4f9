"""What containers stand on: their image, what was saved of one, and what becomes of both."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from r2egym.errors import SandboxStartError
from r2egym.sandboxes._state import Counted
from r2egym.sandboxes._workspace import Workspace
from r2egym.sandboxes.base import Capability, SandboxConfig
from r2egym.sandboxes.containers.container import Contained
from r2egym.sandboxes.containers.engine import Engine
from r2egym.sandboxes.containers.images import DEEPEST, LABEL, ImageStore
from r2egym.sandboxes.containers.plan import host_settings, recipe, targets
from r2egym.sandboxes.containers.reap import note_owner

SAVED = "r2egym/saved"
"""Name of the images that saved states are."""


@dataclass(frozen=True)
class Image:
    """An image that sandboxes start from."""

    name: str
    """Empty: the one that the configuration asks for."""
    users: Counted | None = None

    def hold(self) -> Image:
        """One more user."""
        if self.users:
            self.users.hold()
        return self

    def release(self) -> None:
        """One user less; the last one removes it."""
        if self.users:
            self.users.release()


@dataclass(frozen=True)
class Site:
    """A configuration, and where containers of it are made."""

    config: SandboxConfig
    home: Path
    engine: Engine
    images: ImageStore
    base: str = field(default="")
    """An image to stand in for the host's ``/usr``; empty: none does."""

    def image(self, workspace: Workspace) -> Image:
        """The image that the configuration asks for; made when the engine has it not, and removed after use unless it may serve again."""
        wanted = recipe(self.config, self.home, self.base)
        if wanted.base and not wanted.pieces:
            return Image(wanted.base)
        if wanted.lasting:
            return Image(self.images.make(wanted.pieces, wanted.base))
        name = self.images.make(wanted.pieces, wanted.base, self.labels(workspace, "passing"))
        return Image(name, Counted(partial(self.images.leavings.add, name)))

    def host(self, workspace: Workspace) -> dict[str, Any]:
        """The part of a container's description that is about the host."""
        note_owner(self.home, workspace.lease)
        return host_settings(self.config, workspace, self.home, self.base)

    def labels(self, workspace: Workspace, kind: str = "container") -> dict[str, str]:
        """What tells that something is ours, and whose it is."""
        return {
            LABEL: kind,
            "r2egym.home": str(self.home),
            "r2egym.lease": workspace.lease,
            "r2egym.sandbox": workspace.id,
        }

    def able(self, *, sees_files: bool) -> frozenset[Capability]:
        """What its sandboxes can do."""
        able = {Capability.SNAPSHOT, Capability.SESSION}
        able |= {Capability.EXPORT, Capability.LIMIT_DISK} if sees_files else set()
        able |= {Capability.NETWORK_INDEX} if os.geteuid() == 0 else set()
        kinds = {
            "memory": Capability.LIMIT_MEMORY,
            "pids": Capability.LIMIT_PIDS,
            "cpu": Capability.LIMIT_CPU,
        }
        return frozenset(able | {kinds[name] for name, works in self.engine.holds.items() if works})


class ContainerGround:
    """What one sandbox stands on; see :class:`r2egym.sandboxes._sandbox.Ground`."""

    kind = Image

    def __init__(self, site: Site) -> None:
        self._site = site
        self._first: Contained | None = None
        self._workspace: Workspace | None = None
        self._own: Image | None = None
        self.capabilities: frozenset[Capability] = site.able(sees_files=True)

    @property
    def written(self) -> tuple[Path, ...]:
        """The folder where the engine keeps what was written."""
        return (self._first.upper,) if self._first and self._first.upper else ()

    @property
    def uppers(self) -> Mapping[str, tuple[Path, str]]:
        """By target, a place in that folder."""
        places = ("/", *targets(self._site.config))
        return {target: (folder, target.strip("/")) for folder in self.written for target in places}

    def begin(self, state: Image, workspace: Workspace) -> Contained:
        """Start a container of the state's image."""
        self._workspace = workspace
        name = state.name or self._configured(workspace).name
        site = self._site
        self._first = Contained(
            site.engine,
            site.config,
            name,
            partial(self._again, workspace),
            site.host(workspace),
            workspace,
            site.labels(workspace),
        )
        if os.geteuid() == 0 and not site.config.image:
            Path(f"/proc/{self._first.init}/root/").chmod(
                0o1777
            )  # the engine gives every container a root of its own
        self.capabilities = site.able(sees_files=bool(self._first.upper))
        return self._first

    def _configured(self, workspace: Workspace) -> Image:
        if self._own is None:
            self._own = self._site.image(workspace).hold()
        return self._own

    def _again(self, workspace: Workspace) -> None:
        """Make the configuration's image once more: somebody has removed it."""
        self._own = None
        self._configured(workspace)

    def clear(self) -> None:
        """Nothing: the engine removes a container that has ended, and what it has written."""

    def end(self) -> None:
        """Let go of the image."""
        own, self._own = self._own, None
        if own is not None:
            self._first = None
            own.release()

    def save(self, _state: Image) -> Image:
        """Have the engine make an image of the container; every hundred states or so, one without history."""
        if self._first is None or self._workspace is None:
            raise SandboxStartError("a sandbox that has not begun cannot be saved")
        api, engine = self._site.engine.api, self._site.engine
        container, tag = self._first.id, os.urandom(8).hex()
        name = f"{SAVED}:{tag}"
        facts = engine.ask(lambda: api.inspect_image(api.inspect_container(container)["Image"]))
        marks = self._site.labels(self._workspace, "saved")
        if len(facts["RootFS"]["Layers"]) < DEEPEST:
            engine.ask(
                lambda: api.commit(container, SAVED, tag, conf={"Labels": marks}),
                what="the sandbox cannot be saved",
            )
        else:
            self._flatten(container, tag, marks)
        return Image(name, Counted(partial(self._site.images.leavings.add, name)))

    def _flatten(self, container: str, tag: str, marks: Mapping[str, str]) -> None:
        api = self._site.engine.api
        changes = [f'LABEL {name}="{value}"' for name, value in marks.items()]
        self._site.engine.ask(
            lambda: api.import_image_from_stream(api.export(container), SAVED, tag, changes),
            what="the sandbox cannot be saved",
        )
