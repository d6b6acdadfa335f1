"""A request whatever bytes it is made of: some apps do not escape what riders type."""

from __future__ import annotations

from typing import Any

import flask


class Request(flask.Request):
    """Flask's, with a query in ASCII: Werkzeug fails at the first look at one that is not UTF-8."""

    def __init__(self, environ: dict[str, Any], *args: Any, **more: Any) -> None:
        query = environ.get("QUERY_STRING", "")
        if not query.isascii():
            environ["QUERY_STRING"] = "".join(one if one.isascii() else f"%{ord(one):02X}" for one in query)
        super().__init__(environ, *args, **more)
