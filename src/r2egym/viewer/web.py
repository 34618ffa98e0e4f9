"""The server: routes over the pages, and what keeps hostile content and strange callers out.

- Only GET and HEAD, only names of what was opened: no part of an address ever becomes a path on the disk.
- The Host header must name this machine, or a page elsewhere could read ours through a name that it points here.
- Pages may load nothing but our own style and script, run nothing inline, and be framed by nobody.

Limits: there are no users and no passwords; whoever can reach the address can read what is open.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from r2egym.errors import R2EGymError
from r2egym.viewer import attempt_pages, compare, dataset_pages, run_pages
from r2egym.viewer.attempt_pages import TABS
from r2egym.viewer.catalogue import Catalogue, OpenRun
from r2egym.viewer.page import Page
from r2egym.viewer.render import render, script, style
from r2egym.viewer.steps import PARTS

if TYPE_CHECKING:
    from flask import Flask, Response

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::\d{1,5})?")
_PIECE = 1 << 20


def create_app(catalogue: Catalogue, *, hosts: frozenset[str] = frozenset()) -> Flask:
    """The application.

    Args:
        catalogue: all that is open.
        hosts: names under which this machine may be called, besides loopback's.
    """
    from flask import Flask

    app = Flask("r2egym.viewer", static_folder=None, template_folder=None)
    _guard(app, hosts)
    _own_files(app)
    _lists(app, catalogue)
    _attempts(app, catalogue)
    _datasets(app, catalogue)
    return app


# --- who may ask, and what pages may do ---------------------------------------------------------------------------


def _guard(app: Flask, hosts: frozenset[str]) -> None:
    from flask import request

    @app.before_request
    def _known_host() -> tuple[str, int] | None:
        if request.method not in {"GET", "HEAD"}:
            return render(
                "error.html", page=Page(), title="Not possible", text="Pages can only be read."
            ), 405
        if not is_own_host(request.headers.get("Host", ""), hosts):
            return "This address is not one of this server's.\n", 421
        return None

    @app.after_request
    def _headers(response: Response) -> Response:
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    @app.errorhandler(404)
    def _missing(_error: Exception) -> tuple[str, int]:
        text = "Nothing is at this address: no run, attempt, dataset or task of those that are open."
        return render("error.html", page=Page(), title="Not found", text=text), 404

    @app.errorhandler(R2EGymError)
    def _refused(error: R2EGymError) -> tuple[str, int]:
        return render("error.html", page=Page(), title="This cannot be shown", text=str(error)), 500


def is_own_host(header: str, hosts: frozenset[str]) -> bool:
    """Whether a Host header names this machine: loopback, or one of ``hosts``; an empty name there allows any address in digits."""
    found = _HOST.fullmatch(header)
    if found is None:
        return False
    name = found["name"].strip("[]").lower().rstrip(".")
    if name == "localhost" or name in hosts:
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or "" in hosts


def _own_files(app: Flask) -> None:
    from flask import Response

    icon = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#2a5d90"/>'
        '<path d="M4.2 8.3 7 11l5-6" fill="none" stroke="#fff" stroke-width="2"/></svg>'
    )
    files = {
        "viewer.css": (style(), "text/css"),
        "viewer.js": (script(), "text/javascript"),
        "icon.svg": (icon, "image/svg+xml"),
    }

    @app.get("/static/<name>")
    def _file(name: str) -> Response:
        from flask import abort

        if name not in files:
            abort(404)
        text, kind = files[name]
        return Response(text, mimetype=kind, headers={"Cache-Control": "max-age=600"})


# --- pages --------------------------------------------------------------------------------------------------------


def _page(catalogue: Catalogue, at: str) -> Page:
    from flask import request

    return Page(at=at, q=request.args.get("q", "")[:2_000], datasets=tuple(list(catalogue.datasets)[:3]))


def _number(name: str, default: int) -> int:
    from flask import request

    return min(request.args.get(name, default, type=int), 1 << 53)


def _run(catalogue: Catalogue, name: str) -> OpenRun:
    from flask import abort

    run = catalogue.runs.get(name)
    if run is None:
        abort(404)
    return run


def _found(text: str | None) -> str:
    from flask import abort

    if text is None:
        abort(404)
    return text


def _lists(app: Flask, catalogue: Catalogue) -> None:
    from flask import request

    @app.get("/")
    def _runs() -> str:
        return run_pages.runs_page(catalogue, _page(catalogue, "runs"))

    @app.get("/live")
    def _live_runs() -> str:
        return run_pages.runs_fragment(catalogue, _page(catalogue, "runs"))

    @app.get("/runs/<name>")
    def _one_run(name: str) -> str:
        return run_pages.run_page(_run(catalogue, name), _page(catalogue, "runs"))

    @app.get("/live/<name>")
    def _live_run(name: str) -> str:
        return run_pages.run_fragment(_run(catalogue, name), _page(catalogue, "runs"))

    @app.get("/attempts")
    def _search() -> str:
        sort = request.args.get("sort", "task")
        page, run = _page(catalogue, "attempts"), request.args.get("run", "")
        part = request.args.get("part", "") == "found"
        return run_pages.attempts_page(catalogue, page, run, sort, _number("start", 0), part=part)

    @app.get("/problems")
    def _problems() -> str:
        show, order = request.args.get("show", "all"), request.args.get("order", "name")
        page = _page(catalogue, "problems")
        return run_pages.problems_page(catalogue, page, show, order, _number("start", 0))


def _attempts(app: Flask, catalogue: Catalogue) -> None:
    from flask import Response, abort, request

    @app.get("/runs/<name>/<int:line>", defaults={"tab": "steps"})
    @app.get("/runs/<name>/<int:line>/<tab>")
    def _attempt(name: str, line: int, tab: str) -> str:
        if tab not in TABS:
            abort(404)
        return _found(
            attempt_pages.attempt_page(
                catalogue,
                _run(catalogue, name),
                min(line, 1 << 53),
                _page(catalogue, "runs"),
                tab=tab,
                sort=request.args.get("sort", ""),
                scope=request.args.get("scope", ""),
                start=_number("start", 1),
            )
        )

    @app.get("/runs/<name>/<int:line>/step/<int:step>/<part>")
    def _part(name: str, line: int, step: int, part: str) -> str:
        if part not in PARTS:
            abort(404)
        page, run = _page(catalogue, "runs"), _run(catalogue, name)
        at = _number("at", 0)
        return _found(attempt_pages.part_page(run, min(line, 1 << 53), step, part, at, page))

    @app.get("/runs/<name>/<int:line>/record.json")
    def _record(name: str, line: int) -> Response:
        run = _run(catalogue, name)
        row = run.row(min(line, 1 << 53))
        if row is None:
            abort(404)
        headers = {"Content-Disposition": f'attachment; filename="{name}-{line}.json"'}
        return Response(
            _bytes(run, row["place"], row["length"]), mimetype="application/json", headers=headers
        )

    @app.get("/compare")
    def _compare() -> str:
        task, runs = request.args.get("task", "")[:500], request.args.getlist("run")
        return compare.compare_page(catalogue, task, runs, _page(catalogue, "problems"))


def _bytes(run: OpenRun, place: int, length: int) -> Iterator[bytes]:
    """A line, piece by piece."""
    with run.source.path.open("rb") as stream:
        stream.seek(place)
        while length > 0 and (data := stream.read(min(_PIECE, length))):
            length -= len(data)
            yield data


def _datasets(app: Flask, catalogue: Catalogue) -> None:
    from flask import abort

    @app.get("/datasets/<name>")
    def _dataset(name: str) -> str:
        if name not in catalogue.datasets:
            abort(404)
        page = _page(catalogue, f"dataset:{name}")
        return dataset_pages.dataset_page(catalogue.datasets[name], page, _number("start", 0))

    @app.get("/datasets/<name>/<path:task>")
    def _task(name: str, task: str) -> str:
        dataset = catalogue.datasets.get(name)
        found = dataset.task(task) if dataset else None
        if dataset is None or found is None:
            abort(404)
        page = replace(_page(catalogue, f"dataset:{name}"), q="")
        return dataset_pages.task_page(catalogue, dataset, found, page)
