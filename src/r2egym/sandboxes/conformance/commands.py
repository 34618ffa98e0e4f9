"""Checks of commands: what goes in comes in, what comes out is told as it was."""

# ruff: noqa: PLR2004 - the numbers are what a check asks for; the paths lie inside a sandbox

from __future__ import annotations

from pathlib import Path

from r2egym.errors import UsageError
from r2egym.sandboxes.conformance.case import Case, check, expect, expect_raises, expect_that

_ODD = [
    "",
    " ",
    "a b",
    "'",
    '"',
    "$HOME",
    "`id`",
    "\\",
    "new\nline",
    "*",
    "-n",
    "ünï",
    "!",
    "#",
    "\t",
    "\x01",
]


@check()
def exit_code_is_a_result(case: Case) -> None:
    """A command that fails is a result, not an exception."""
    with case.open() as sandbox:
        expect(sandbox.exec(["true"]).exit_code, 0, "exit code of true")
        expect(sandbox.exec(["false"]).exit_code, 1, "exit code of false")


@check()
def exit_code_of_a_script(case: Case) -> None:
    """A script's exit code is its own, and a signal's is 128 and its number."""
    with case.open() as sandbox:
        expect(sandbox.exec("exit 7").exit_code, 7, "exit code of `exit 7`")
        expect(sandbox.exec("kill -TERM $$").exit_code, 143, "exit code after SIGTERM")


@check()
def argument_vector_is_no_script(case: Case) -> None:
    """Arguments reach the program as they are, whatever a shell would make of them."""
    with case.open() as sandbox:
        result = sandbox.exec(["printf", "%s|", *_ODD])
        expect(result.stdout, "".join(f"{word}|" for word in _ODD), "arguments")


@check()
def echo_of_an_argument_vector(case: Case) -> None:
    """A plain program prints its arguments."""
    with case.open() as sandbox:
        expect(sandbox.exec(["echo", "a  b", "c"]).stdout, "a  b c\n", "what echo printed")


@check()
def script_is_bash(case: Case) -> None:
    """A string is a bash script, of any length."""
    with case.open() as sandbox:
        expect(sandbox.exec("a=(x y); [[ ${a[1]} == y ]] && echo yes").stdout, "yes\n", "an array")
        long = f"x='{'é' * 150_000}'\necho ${{#x}}"
        expect(sandbox.exec(long).stdout, "150000\n", "a script of 300 kB")


@check()
def missing_program(case: Case) -> None:
    """A program that is not there is exit code 127."""
    with case.open() as sandbox:
        expect(sandbox.exec(["no-such-program"]).exit_code, 127, "exit code")


@check()
def streams_stay_apart(case: Case) -> None:
    """Standard output and standard error are not mixed."""
    with case.open() as sandbox:
        result = sandbox.exec("echo out; echo err >&2")
        expect((result.stdout, result.stderr), ("out\n", "err\n"), "the streams")


@check()
def standard_input(case: Case) -> None:
    """A command reads what it is given, and nothing by default."""
    with case.open() as sandbox:
        expect(sandbox.exec(["cat"], stdin="text").stdout, "text", "what cat read")
        expect(sandbox.exec(["cat"], timeout=20).stdout, "", "what cat read of nothing")


@check()
def large_standard_input(case: Case) -> None:
    """Megabytes go in and come out whole."""
    with case.open() as sandbox:
        data = b"0123456789abcde\n" * (1 << 18)
        result = sandbox.exec(["cat"], stdin=data, output_limit=1 << 23)
        expect_that(result.stdout == data.decode(), "4 MB through cat")


@check()
def bytes_that_are_no_text(case: Case) -> None:
    """Output that is not UTF-8 is decoded with replacement."""
    with case.open() as sandbox:
        expect(sandbox.exec(["cat"], stdin=b"a\xffb").stdout, "a\ufffdb", "what cat printed")


@check()
def environment_of_one_command(case: Case) -> None:
    """Variables are added for one command, whatever their names and values."""
    with case.open(env={"FIXED": "f"}) as sandbox:
        expect(
            sandbox.exec(["printenv", "FIXED", "ADDED"], env={"ADDED": "x y"}).stdout, "f\nx y\n", "variables"
        )
        expect(sandbox.exec(["printenv", "ADDED"]).exit_code, 1, "printenv of what is gone")


@check()
def odd_names_in_the_environment(case: Case) -> None:
    """Names that no shell variable can have work too; those that no variable can have are refused."""
    with case.open() as sandbox:
        expect(sandbox.exec(["printenv", "a-b"], env={"a-b": "1"}).stdout, "1\n", "a variable a-b")
        expect_raises(UsageError, lambda: sandbox.exec(["true"], env={"a=b": "1"}), "a name with =")


@check()
def environment_is_the_sandboxs_own(case: Case) -> None:
    """Nothing of the host's environment is inside."""
    allowed = {"PATH", "HOME", "LANG", "TERM", "PWD", "OLDPWD", "SHLVL", "_", "LC_CTYPE"}
    with case.open() as sandbox:
        names = {line.partition("=")[0] for line in sandbox.exec(["printenv"]).stdout.splitlines()}
        expect(names - allowed, set(), "unknown variables")
        expect_that({"PATH", "HOME"} <= names, "PATH and HOME have defaults")


@check()
def working_directory(case: Case) -> None:
    """The configuration's by default, a command's own if it asks, and a failed command when it is missing."""
    with case.open({"sub/x": ""}) as sandbox:
        expect(sandbox.exec(["pwd"]).stdout, "/testbed\n", "the default")
        expect(sandbox.exec(["pwd"], cwd="sub").stdout, "/testbed/sub\n", "a relative one")
        expect(sandbox.exec(["pwd"], cwd="/").stdout, "/\n", "an absolute one")
        expect_that(sandbox.exec(["pwd"], cwd="/nowhere").exit_code != 0, "a missing one must fail")


@check()
def output_is_bounded(case: Case) -> None:
    """Memory holds the first and the last half of the bound, and says that it is not all."""
    with case.open() as sandbox:
        data = b"".join(b"%07d\n" % number for number in range(100_000))
        result = sandbox.exec(["cat"], stdin=data, output_limit=1000)
        expect_that(result.truncated, "truncated")
        expect_that(result.stdout.startswith("0000000\n"), "the beginning is kept")
        expect_that(result.stdout.endswith("0099999\n"), "the end is kept")
        expect_that(len(result.stdout) < 1100, "the bound holds")
        expect_that(
            not sandbox.exec(["cat"], stdin=b"x" * 1000, output_limit=1000).truncated, "exactly the bound"
        )


@check()
def output_is_spilled(case: Case) -> None:
    """What does not fit is in a file, until the sandbox closes."""
    with case.open() as sandbox:
        result = sandbox.exec("seq 200000", output_limit=1000)
        expect_that(result.stdout_path, "a truncated output has a file")
        lines = Path(str(result.stdout_path)).read_text().splitlines()
        expect((len(lines), lines[-1]), (200_000, "200000"), "the file")
    expect_that(not Path(str(result.stdout_path)).exists(), "the file after close")


@check()
def characters_that_cannot_be(case: Case) -> None:
    """A NUL in an argument, or no command at all, is the caller's mistake, and breaks nothing."""
    with case.open() as sandbox:
        expect_raises(UsageError, lambda: sandbox.exec(["echo", "a\0b"]), "an argument with NUL")
        expect_raises(UsageError, lambda: sandbox.exec([]), "an empty command")
        expect(sandbox.exec(["true"]).exit_code, 0, "the next command")


CHECKS = [
    exit_code_is_a_result,
    exit_code_of_a_script,
    argument_vector_is_no_script,
    echo_of_an_argument_vector,
    script_is_bash,
    missing_program,
    streams_stay_apart,
    standard_input,
    large_standard_input,
    bytes_that_are_no_text,
    environment_of_one_command,
    odd_names_in_the_environment,
    environment_is_the_sandboxs_own,
    working_directory,
    output_is_bounded,
    output_is_spilled,
    characters_that_cannot_be,
]
