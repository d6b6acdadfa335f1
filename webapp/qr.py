"""QR codes as markup that the strict policy allows: one SVG, no style, no script."""

from __future__ import annotations

from markupsafe import Markup

QUIET_ZONE = 4
"""Blank modules around the code, as ISO/IEC 18004 asks."""


def qr_svg(text: str) -> Markup:
    """The text as a QR code, black on white in any colour scheme, as large as its box.

    The lowest error correction: a screen is clean, and larger modules are what a poor camera needs.
    """
    import segno

    code = segno.make_qr(text, error="l", boost_error=False)
    return Markup(  # noqa: S704 - segno draws modules, not the text  # nosec B704
        code.svg_inline(border=QUIET_ZONE, dark="#000", light="#fff", omitsize=True, svgclass="qr-code")
    )
