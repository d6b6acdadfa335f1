"""What can go wrong, in one table: a status for every code; problem+json for programs, a page for people."""

from __future__ import annotations

import logging
from types import TracebackType

from flask import Flask, Response, current_app, g, json, render_template, request, url_for
from flask_login import AnonymousUserMixin
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, SecurityError

from transitmap import store
from transitmap.errors import DiskFailed, UploadRefused
from webapp import words
from webapp.asked import Request

log = logging.getLogger("transitmap.web")

STATUS = {
    "auth_required": 401,
    "wrong_login": 401,
    "not_allowed": 403,
    "reviewers_only": 403,
    "own_ride": 403,
    "own_team": 403,
    "not_found": 404,
    "no_file": 400,
    "incomplete_body": 400,
    "digest_mismatch": 400,
    "form_expired": 400,
    "bad_request": 400,
    "already_contributed": 409,
    "already_decided": 409,
    "name_taken": 409,
    "too_many_phones": 409,
    "in_a_team": 409,
    "campaign_over": 409,
    "link_expired": 410,
    "too_large": 413,
    "too_many_parts": 413,
    "field_too_large": 413,
    "not_a_trace": 415,
    "too_many_requests": 429,
    "busy": 503,
    "storage_full": 507,
    "fault": 500,
}
REFUSED_STATUS = 422
RETRY_AFTER_S = 30
DISK_FAILED = "transitmap_disk_failed"
BY_STATUS = {401: "auth_required", 404: "not_found", 413: "too_large", 500: "fault", 503: "busy"}


class Problem(Exception):
    """A request that cannot be answered as asked; `code` is one of STATUS or a refusal of an upload.

    RFC 9457 calls it so.
    """

    def __init__(self, code: str, detail: str = "", **members: object) -> None:
        super().__init__(code)
        self.code, self.detail = code, detail
        self.members = {name: value for name, value in members.items() if value is not None}

    @property
    def status(self) -> int:
        """The HTTP status of this code."""
        return STATUS.get(self.code, REFUSED_STATUS)


def problem_of(error: UploadRefused) -> Problem:
    """The problem that an upload's refusal is to its sender."""
    return Problem(error.reason, error.detail, line=error.line, column=error.column)


def not_kept(error: Exception) -> Problem:
    """The problem that a disk or database without room or time is: nothing was kept."""
    log.error("not kept: %s", type(error).__name__)
    return Problem("storage_full" if store.is_full(error) else "busy")


class QuietFlask(Flask):
    """Flask, but for what it logs of a fault while a fault is answered: the path, and in that a key."""

    def log_exception(
        self, exc_info: tuple[type, BaseException, TracebackType] | tuple[None, None, None]
    ) -> None:
        """Logs the kind of the fault alone."""
        log.error("no answer to a fault: %s", type(exc_info[1]).__name__)


def init_app(app: Flask) -> None:
    """Every way to fail leads to one answer; a query that is odd is none."""
    app.request_class = Request
    app.register_error_handler(Problem, answer)
    app.register_error_handler(UploadRefused, lambda error: answer(problem_of(error)))
    app.register_error_handler(CSRFError, lambda error: answer(Problem("form_expired")))
    app.register_error_handler(SecurityError, lambda error: _not_here())
    app.register_error_handler(HTTPException, _answer_http)
    for kind in (*store.TRY_AGAIN, OSError):
        app.register_error_handler(kind, lambda error: answer(not_kept(error)))
    app.register_error_handler(DiskFailed, _answer_failed)
    app.register_error_handler(Exception, _answer_fault)
    app.before_request(_refuse_all)


def _not_here() -> Response:
    """To a name that is not ours no page is made, nor any link: it would hold that name."""
    members = {"type": "about:blank", "title": "Not here", "status": 400, "code": "bad_request"}
    return Response(json.dumps(members), 400, mimetype="application/problem+json")


def has_disk_failed(app: Flask) -> bool:
    """Whether a sync failed: nothing may be acknowledged any more, and only a new process may go on."""
    return DISK_FAILED in app.extensions


def _answer_failed(error: DiskFailed) -> Response:
    log.critical("%s: nothing more is acknowledged", error)
    current_app.extensions[DISK_FAILED] = True
    return answer(Problem("busy"))


def _refuse_all() -> None:
    if has_disk_failed(current_app):
        raise Problem("busy")


def _answer_http(error: HTTPException) -> Response:
    if error.response is not None:
        return error.response
    code = BY_STATUS.get(error.code or 500, "bad_request")
    response = answer(Problem(code), status=error.code)
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


def _answer_fault(error: Exception) -> Response:
    """A fault of ours. The log gets where it happened, never what the rider sent."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    place = f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}" if frame else "unknown"
    log.error("fault %s at %s on %s", type(error).__name__, place, request.url_rule)
    return answer(Problem("fault"))


def answer(problem: Problem, status: int | None = None) -> Response:
    """The problem as the asker reads best: problem+json under /api, a page elsewhere."""
    status = status or problem.status
    response = _for_programs(problem, status) if wants_json() else _for_people(problem, status)
    if status == 401 and wants_json():
        response.headers["WWW-Authenticate"] = "Bearer"
    wait_s = problem.members.get("retry_after_s", RETRY_AFTER_S if status >= 500 else None)
    if wait_s is not None:
        response.headers["Retry-After"] = str(wait_s)
    return response


def wants_json() -> bool:
    """Whether a program asks."""
    if request.blueprint == "ingest":
        return True
    return request.path.startswith(("/api/", "/ogc/")) or request.path == "/health"


def as_members(problem: Problem, status: int) -> dict[str, object]:
    """The members of RFC 9457 and ours: `code`, and `line` where a parser knows it."""
    return {
        "type": url_for("help.index", _anchor=problem.code),
        "title": str(words.sentence(problem.code)),
        "status": status,
        "code": problem.code,
        "detail": problem.detail or str(words.sentence(problem.code)),
        **problem.members,
    }


def _for_programs(problem: Problem, status: int) -> Response:
    return Response(json.dumps(as_members(problem, status)), status, mimetype="application/problem+json")


def _for_people(problem: Problem, status: int) -> Response:
    if status >= 500:
        g._login_user = AnonymousUserMixin()  # the page must not ask the database who reads it
    sentence = words.sentence(problem.code)
    page = render_template("error.html", problem=problem, status=status, sentence=sentence)
    return Response(page, status, mimetype="text/html")
