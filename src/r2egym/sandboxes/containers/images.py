"""Images made of layers of ours, by ``docker load``: no builder, no ``RUN``, nothing fetched.

An image's configuration is written here and names its layers by digest, so the same layers make the same image, with
the same id, wherever it is made; its tag is the beginning of that id. A layer that the engine has already is not sent again. The order is from
what most tasks share to what one task has: system, interpreter, dependencies, project, source.

Whatever is made here carries a label; nothing without it is ever removed.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import platform
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from r2egym.errors import SandboxStartError
from r2egym.sandboxes.containers.engine import Engine, Refusal
from r2egym.sandboxes.containers.layers import Piece, write_layer
from r2egym.sandboxes.containers.leavings import Leavings

REPOSITORY = "r2egym/env"
"""Name of the images; the part after the colon is their content's."""
LABEL = "r2egym"
"""Label of everything that is ours, images and containers."""
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_TAG_DIGITS = 32
DEEPEST = 120
"""Layers that an image may have, with some room: engines stop at 125 or 127."""


class ImageStore:
    """Makes images; safe for threads and processes.

    Args:
        engine: where they are kept.
        home: ``$R2EGYM_HOME``; what the layers under it hash to is remembered there.
    """

    def __init__(self, engine: Engine, home: Path) -> None:
        self._engine = engine
        self._home = home
        self._notes = home / "docker"
        self.leavings = Leavings(self.remove)
        """Where images go that served one sandbox."""

    def name(self, pieces: Sequence[Piece], base: str = "", labels: Mapping[str, str] | None = None) -> str:
        """What an image of these layers is called."""
        return _tag(self._configuration(self._below(base), [self._digest(piece) for piece in pieces], labels))

    def has(self, name: str) -> bool:
        """Whether the engine has an image."""
        return self._engine.quietly(lambda: self._engine.api.inspect_image(name))

    def make(self, pieces: Sequence[Piece], base: str = "", labels: Mapping[str, str] | None = None) -> str:
        """The name of an image of these layers, lowest first, on a base image; made if the engine has it not.

        Raises:
            SandboxStartError: the base is not there, or the engine refuses.
        """
        below = self._below(base)
        digests = [self._digest(piece) for piece in pieces]
        configuration = self._configuration(below, digests, labels)
        name = _tag(configuration)
        self.leavings.keep(name)
        if self.has(name):
            return name
        if len(below) + len(pieces) > DEEPEST:
            raise SandboxStartError(f"an image can have {DEEPEST} layers, not {len(below) + len(pieces)}")
        with self._locked(name):
            if not self.has(name):
                self._load(name, configuration, below, list(zip(pieces, digests, strict=True)))
        return name

    def _below(self, base: str) -> list[str]:
        if not base:
            return []
        facts = self._engine.ask(
            lambda: self._engine.api.inspect_image(base), what=f"the base image {base} cannot be used"
        )
        return list(facts["RootFS"]["Layers"])

    def _configuration(
        self, below: Sequence[str], digests: Sequence[str], labels: Mapping[str, str] | None
    ) -> bytes:
        layers = [*below, *digests]
        said = {
            "architecture": _ARCHITECTURES.get(platform.machine(), platform.machine()),
            "os": "linux",
            "created": "1970-01-01T00:00:00Z",
            "config": {
                "Cmd": ["/bin/bash"],
                "WorkingDir": "/testbed",
                "Labels": {LABEL: "image", **(labels or {})},
            },
            "rootfs": {"type": "layers", "diff_ids": layers},
            "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "r2egym"} for _ in layers],
        }
        return json.dumps(said, sort_keys=True).encode()

    # --- layers ---

    def _digest(self, piece: Piece) -> str:
        """A layer's digest; remembered where the folder is one of our store, which never changes."""
        note = self._note(piece)
        if note is not None and note.is_file():
            return note.read_text()
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123
            digest = write_layer(piece, nowhere)
        if note is not None:
            note.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=note.parent, delete=False) as file:
                file.write(digest)
            Path(file.name).replace(note)
        return digest

    def _note(self, piece: Piece) -> Path | None:
        if not is_stored(piece.source, self._home):
            return None
        said = f"{piece} {piece.source.stat().st_ino}"
        return self._notes / "digests" / hashlib.sha256(said.encode()).hexdigest()[:_TAG_DIGITS]

    def _load(
        self, name: str, configuration: bytes, below: list[str], layers: list[tuple[Piece, str]]
    ) -> None:
        """Send an image: only the layers that the engine is thought not to have, and all when that proves wrong."""
        chain = list(below)
        there = 0
        for number, (_, digest) in enumerate(layers, 1):
            chain.append(digest)
            there = number if self._chain(chain).exists() else there
        try:
            self._send(name, configuration, layers, skip=there, below=below)
        except SandboxStartError as error:
            if error.reason == Refusal.DISK or not (there or below):
                raise
            self._send(name, configuration, layers, skip=0, below=below)
        chain = list(below)
        for _, digest in layers:
            chain.append(digest)
            self._chain(chain).parent.mkdir(parents=True, exist_ok=True)
            self._chain(chain).touch()

    def _chain(self, digests: Sequence[str]) -> Path:
        """A note that the engine has had these layers on each other."""
        key = hashlib.sha256(" ".join(digests).encode()).hexdigest()[:_TAG_DIGITS]
        return self._notes / "chains" / key

    def _send(
        self,
        name: str,
        configuration: bytes,
        layers: Sequence[tuple[Piece, str]],
        *,
        skip: int,
        below: Sequence[str],
    ) -> None:
        identity = hashlib.sha256(configuration).hexdigest()
        names = [f"{digest.partition(':')[2]}.tar" for digest in (*below, *(digest for _, digest in layers))]
        manifest = [{"Config": f"{identity}.json", "RepoTags": [name], "Layers": names}]
        with tempfile.TemporaryFile(dir=self._folder("tmp")) as file:
            with tarfile.open(fileobj=file, mode="w") as archive:
                _put(archive, f"{identity}.json", configuration)
                for (piece, digest), entry in zip(layers[skip:], names[len(below) + skip :], strict=True):
                    self._put_layer(archive, piece, digest, entry)
                _put(archive, "manifest.json", json.dumps(manifest).encode())
            file.seek(0)
            self._engine.ask(lambda: self._load_archive(file), what=f"cannot load the image {name}")

    def _put_layer(self, archive: tarfile.TarFile, piece: Piece, digest: str, name: str) -> None:
        with tempfile.TemporaryFile(dir=self._folder("tmp")) as layer:
            found = write_layer(piece, layer)
            if found != digest:
                raise SandboxStartError(f"{piece.source} changed while an image was made of it")
            entry = tarfile.TarInfo(name)
            entry.size = layer.tell()
            layer.seek(0)
            archive.addfile(entry, layer)

    def _load_archive(self, file: IO[bytes]) -> None:
        from docker.errors import ImageLoadError

        file.seek(0)
        for answer in self._engine.api.load_image(file):
            if "error" in answer:
                raise ImageLoadError(answer["error"])

    # --- what is there ---

    def ours(self) -> list[dict[str, Any]]:
        """Every image that carries our label, as the engine describes it."""
        api = self._engine.api
        return list(self._engine.ask(lambda: api.images(filters={"label": LABEL})))

    def remove(self, name: str) -> bool:
        """Remove an image of ours, unless a container uses it; whether it is gone."""
        api = self._engine.api
        return self._engine.quietly(lambda: api.remove_image(name)) or not self.has(name)

    def size(self, name: str) -> int | None:
        """Bytes of an image, all its layers together; None: the engine has it not."""
        return int(self._engine.api.inspect_image(name)["Size"]) if self.has(name) else None

    def bring(self, name: str) -> str:
        """The id of an image; pulled when the engine has it not. Raises SandboxStartError."""
        api = self._engine.api
        if not self.has(name):
            repository, _, tag = (
                name.rpartition(":") if ":" in name.rpartition("/")[2] else (name, "", "latest")
            )
            self._engine.ask(
                lambda: _finish(api.pull(repository, tag, stream=True, decode=True)),
                what=f"cannot pull {name}",
            )
        return str(self._engine.ask(lambda: api.inspect_image(name))["Id"])

    def keep(self, passing: str, name: str) -> None:
        """Make of a saved state an image that lasts: nobody's, and called ``name``."""
        api = self._engine.api
        made = self._engine.ask(
            lambda: api.create_container(passing, ["/bin/true"], labels={LABEL: "container"}),
            what=f"cannot keep {name}",
        )
        try:
            owned = {"r2egym.home": "", "r2egym.lease": "", "r2egym.sandbox": ""}
            self._engine.ask(
                lambda: api.commit(
                    made["Id"], *name.rsplit(":", 1), conf={"Labels": {LABEL: "image", **owned}}
                ),
                what=f"cannot keep {name}",
            )
        finally:
            self._engine.quietly(lambda: api.remove_container(made["Id"], force=True))

    def push(self, name: str, place: str) -> None:
        """Send an image to a registry, under the name ``place``. Raises SandboxStartError."""
        api = self._engine.api
        repository, tag = place.rsplit(":", 1)
        self._engine.ask(lambda: api.tag(name, repository, tag))
        try:
            self._engine.ask(
                lambda: _finish(api.push(repository, tag, stream=True, decode=True)),
                what=f"cannot push {place}",
            )
        finally:
            self.remove(place)

    def pull(self, name: str, place: str) -> None:
        """Bring an image from a registry, and check that it is the one. Raises SandboxStartError."""
        api = self._engine.api
        repository, tag = place.rsplit(":", 1)
        self._engine.ask(
            lambda: _finish(api.pull(repository, tag, stream=True, decode=True)), what=f"cannot pull {place}"
        )
        try:
            identity = str(self._engine.ask(lambda: api.inspect_image(place))["Id"])
            if not identity.startswith(f"sha256:{name.rsplit(':', 1)[1]}"):
                raise SandboxStartError(f"{place} is not what its name says: it has the id {identity}")
            self._engine.ask(lambda: api.tag(place, *name.rsplit(":", 1)))
        finally:
            self.remove(place)

    def _folder(self, name: str) -> Path:
        folder = self._notes / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @contextlib.contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        from filelock import FileLock

        key = hashlib.sha256(name.encode()).hexdigest()[:_TAG_DIGITS]
        with FileLock(self._folder("locks") / key):
            yield


def is_stored(path: Path, home: Path) -> bool:
    """Whether a folder is one of the layer store's, whose content never changes, or a system of ours."""
    return path.is_relative_to(home / "layers") or path.is_relative_to(home / "sandboxes/.system")


def _tag(configuration: bytes) -> str:
    return f"{REPOSITORY}:{hashlib.sha256(configuration).hexdigest()[:_TAG_DIGITS]}"


def _finish(answers: Iterable[dict[str, Any]]) -> None:
    """Follow a push or a pull to its end; an error in the stream is one of the request."""
    from docker.errors import APIError

    for answer in answers:
        if "error" in answer:
            raise APIError("refused", explanation=str(answer["error"]))


def _put(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    archive.addfile(entry, io.BytesIO(data))
