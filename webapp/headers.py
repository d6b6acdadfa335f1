"""Security headers of every answer, set in one place."""

from __future__ import annotations

from flask import Flask, Response, request

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "worker-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": (
        "camera=(), geolocation=(), microphone=(), payment=(), usb=(), midi=(), serial=(), hid=(), "
        "display-capture=()"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
}
PUBLIC = (
    "/gtfs/",
    "/ogc/",
    "/api/v1/network.geojson",
    "/api/v1/missions",
    "/api/v1/equity.geojson",
    "/api/v1/standings",
    "/api/v1/openapi.json",
    "/health",
)


def init_app(app: Flask) -> None:
    """Sets the headers after every request."""
    app.after_request(_set)


def _set(response: Response) -> Response:
    """Adds what is not there yet, in one go: every upload of every phone comes this way."""
    wanted = dict(HEADERS)
    if request.path.startswith(PUBLIC):
        response.headers["Access-Control-Allow-Origin"] = "*"
    else:
        wanted["Cross-Origin-Resource-Policy"] = "same-origin"
    if not request.path.startswith(("/static/", *PUBLIC)):
        wanted["Cache-Control"] = "no-store"
    if request.is_secure:
        wanted["Strict-Transport-Security"] = "max-age=31536000"
    given = {name.lower() for name, _ in response.headers}
    response.headers.extend((name, value) for name, value in wanted.items() if name.lower() not in given)
    return response
