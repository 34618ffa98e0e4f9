"""Checks of files: what is written is there, what lies below is untouched, and no link leads out."""

from __future__ import annotations

from functools import partial

from r2egym.errors import SandboxFileError
from r2egym.sandboxes.base import Capability, Layer, SandboxConfig
from r2egym.sandboxes.conformance.case import Case, check, expect, expect_raises, expect_that


@check()
def write_then_read(case: Case) -> None:
    """Bytes come back as they were written, also empty ones, and in place of others."""
    with case.open() as sandbox:
        for data in (bytes(range(256)) * 40, b"", b"shorter"):
            sandbox.write_file("/testbed/deep/er/file", data)
            expect(sandbox.read_file("/testbed/deep/er/file"), data, "what was written")
        sandbox.write_file("relative", "text é")
        expect(sandbox.read_file("/testbed/relative").decode(), "text é", "a relative path")


@check()
def modes(case: Case) -> None:
    """A file gets the mode asked for."""
    with case.open() as sandbox:
        sandbox.write_file("run.sh", "#!/bin/sh\necho ran\n", mode=0o755)
        expect(sandbox.exec(["./run.sh"]).stdout, "ran\n", "an executable file")


@check()
def commands_see_files(case: Case) -> None:
    """What is written is there for commands."""
    with case.open() as sandbox:
        sandbox.write_file("b.txt", "two\n")
        expect(sandbox.exec(["cat", "a.txt", "b.txt"]).stdout, "one\ntwo\n", "what cat read")


@check()
def files_that_cannot_be_read(case: Case) -> None:
    """A missing file, a folder, and one larger than the limit are SandboxFileErrors, and the sandbox lives."""
    with case.open() as sandbox:
        for path in ("/testbed/missing", "/testbed", "a.txt/below"):
            expect_raises(SandboxFileError, partial(sandbox.read_file, path), path)
        sandbox.write_file("large", b"x" * 1001)
        expect_raises(SandboxFileError, lambda: sandbox.read_file("large", limit=1000), "a large file")
        expect_raises(SandboxFileError, lambda: sandbox.write_file("a.txt/below", "x"), "a file below a file")
        expect_that(sandbox.is_alive(), "is_alive")


@check()
def files_that_would_never_end(case: Case) -> None:
    """Pipes and devices are refused, not waited for."""
    with case.open() as sandbox:
        sandbox.exec("mkfifo pipe")
        for path in ("/testbed/pipe", "/dev/zero"):
            expect_raises(SandboxFileError, partial(sandbox.read_file, path), path)
            expect_raises(SandboxFileError, partial(sandbox.write_file, path, "x"), path)


@check()
def links_stay_inside(case: Case) -> None:
    """Links and ``..`` lead to where they lead inside, never to the host's files."""
    secret = case.folder / "secret"
    secret.write_text("host")
    with case.open() as sandbox:
        sandbox.exec(
            f"ln -s {secret} out; ln -s / root; mkdir -p $(dirname {secret}); ln -s ../../../../../.. up"
        )
        for path in ("out", f"root{secret}", f"up{secret}", f"/../../..{secret}", "/proc/1/root/testbed/out"):
            expect_raises(SandboxFileError, partial(sandbox.read_file, path), path)
        sandbox.write_file("out", "inside")
        expect(sandbox.exec(["cat", str(secret)]).stdout, "inside", "what was written through a link")
    expect(secret.read_text(), "host", "the host's file")


@check()
def upload_and_look(case: Case) -> None:
    """A folder of this machine arrives with its files, modes and links; so does a single file."""
    source = case.layer("upload", {"x/y.txt": "y", "run": "#!/bin/sh\necho up\n"})
    (source / "run").chmod(0o755)
    (source / "link").symlink_to("x/y.txt")
    (source / "empty").mkdir()
    with case.open() as sandbox:
        sandbox.upload(source, "/testbed/up")
        expect(sandbox.read_file("/testbed/up/x/y.txt"), b"y", "a file of the folder")
        expect(sandbox.read_file("/testbed/up/link"), b"y", "a link of the folder")
        sandbox.upload(source / "run", "single")
        expect(sandbox.read_file("single"), b"#!/bin/sh\necho up\n", "a single file")


@check()
def layers_below_are_untouched(case: Case) -> None:
    """Whatever is done inside, a layer's folder on this machine stays as it was."""
    source = case.layer("base", {"keep": "k", "gone/file": "g"})
    config = SandboxConfig(layers=(Layer(target="/testbed", sources=(source,), writable=True),))
    with case.backend.open(config) as sandbox:
        sandbox.write_file("/testbed/keep", "changed")
        sandbox.write_file("/testbed/new", "n")
        sandbox.exec(["rm", "-r", "/testbed/gone"])
        expect(sandbox.read_file("/testbed/keep"), b"changed", "the changed file inside")
        expect_raises(SandboxFileError, lambda: sandbox.read_file("/testbed/gone/file"), "a removed file")
    found = {path.relative_to(source).as_posix() for path in source.rglob("*")}
    expect(found, {"keep", "gone", "gone/file"}, "the layer's files")
    expect((source / "keep").read_text(), "k", "the layer's file")


@check()
def read_only_layers(case: Case) -> None:
    """A layer that is not writable refuses writes, of commands and of the host."""
    source = case.layer("fixed", {"file": "f"})
    with case.backend.open(SandboxConfig(layers=(Layer(target="/fixed", sources=(source,)),))) as sandbox:
        expect(sandbox.read_file("/fixed/file"), b"f", "the layer's file")
        expect_raises(SandboxFileError, lambda: sandbox.write_file("/fixed/file", "x"), "a write")
        sandbox.exec("echo x >/fixed/file; rm -f /fixed/file; touch /fixed/new")
    expect((source / "file").read_text(), "f", "the layer's file")
    expect([path.name for path in source.iterdir()], ["file"], "the layer's files")


@check()
def layers_on_each_other(case: Case) -> None:
    """The topmost source wins; a later layer may lie below an earlier one's target."""
    top = case.layer("top", {"both": "top", "only-top": "t"})
    bottom = case.layer("bottom", {"both": "bottom", "only-bottom": "b"})
    inner = case.layer("inner", {"file": "i"})
    for writable in (True, False):
        layers = (
            Layer(target="/a", sources=(top, bottom), writable=writable),
            Layer(target="/opt/r2egym/inner", sources=(inner,)),
        )
        with case.backend.open(SandboxConfig(layers=layers)) as sandbox:
            found = [sandbox.read_file(f"/a/{name}") for name in ("both", "only-top", "only-bottom")]
            expect(found, [b"top", b"t", b"b"], "files of two sources")
            expect(sandbox.read_file("/opt/r2egym/inner/file"), b"i", "a file of another layer")


@check()
def many_layers_with_odd_names(case: Case) -> None:
    """Twenty sources lie on each other, whatever their folders are called."""
    sources = tuple(
        case.layer(f"l:{number}, 'x\\", {f"f{number}": "x", "all": str(number)}) for number in range(20)
    )
    with case.backend.open(
        SandboxConfig(layers=(Layer(target="/many", sources=sources, writable=True),))
    ) as sandbox:
        expect(sandbox.read_file("/many/all"), b"0", "the topmost file")
        expect(sandbox.read_file("/many/f19"), b"x", "the lowest file")


@check(Capability.EXPORT)
def export_what_changed(case: Case) -> None:
    """Only what was written comes out: no whiteouts, no devices, links as links."""
    with case.open({"old": "o", "gone": "g", "edited": "e"}) as sandbox:
        sandbox.write_file("edited", "changed")
        sandbox.write_file("dir/new", "n", mode=0o755)
        sandbox.exec(["rm", "gone"])
        sandbox.export("/testbed", case.folder / "out")
    found = {path.relative_to(case.folder / "out").as_posix() for path in (case.folder / "out").rglob("*")}
    expect(found, {"edited", "dir", "dir/new"}, "what came out")
    expect((case.folder / "out/edited").read_text(), "changed", "the edited file")
    expect_that((case.folder / "out/dir/new").stat().st_mode & 0o100, "its mode comes with it")


@check(Capability.EXPORT)
def export_of_hostile_trees(case: Case) -> None:
    """Links are not followed, and what is neither file, folder nor link stays behind."""
    with case.open() as sandbox:
        sandbox.exec(
            "ln -s /etc etc; ln -s /etc/passwd pw; mkfifo p; mkdir -m 000 shut; ln a.txt hard; touch -- '-n'"
        )
        sandbox.export("/testbed", case.folder / "out")
    out = case.folder / "out"
    expect_that((out / "etc").is_symlink() and (out / "pw").is_symlink(), "links are links")
    expect_that(not (out / "p").exists(), "no pipe comes out")
    expect((out / "hard").read_text(), "one\n", "a hard link")
    (out / "shut").chmod(0o755)


CHECKS = [
    write_then_read,
    modes,
    commands_see_files,
    files_that_cannot_be_read,
    files_that_would_never_end,
    links_stay_inside,
    upload_and_look,
    layers_below_are_untouched,
    read_only_layers,
    layers_on_each_other,
    many_layers_with_odd_names,
    export_what_changed,
    export_of_hostile_trees,
]
