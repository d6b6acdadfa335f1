"""Takes the pictures of our pages that README and docs show: `python -m benchmarks.take_pictures [NAME...]`.

The demo's town in a real browser, in English; nothing is drawn into a picture afterwards. A minute of CPU.
"""

import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import sync_playwright
from waitress import wasyncore

from tests.machine import CHROMIUM, CHROMIUM_ARGUMENTS
from transitmap import demo, passwords, store
from transitmap.config import server_defaults
from webapp import create_app, vendor
from webapp.serve import make_server
from webapp.settings import Settings

FIGURES = Path("docs/figures")
PASSWORD = "tres palabras y una"
STAFF = "Staff"
MAP_MS = 3_000
"""The map has drawn its last line by then, in software too."""


class Picture(NamedTuple):
    """Who is logged in ("" is nobody), the page, the window, and which link is followed there."""

    name: str
    path: str
    width: int
    height: int
    link: str = ""


def main(names: list[str]) -> None:
    """Each picture, or those named; says how large it became."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(settings(Path(folder)))
        rider, receipt = fill(app.extensions["transitmap_engine"])
        pictures = {
            "map": Picture("", "/network/", 1000, 700),
            "board": Picture("", "/standings/?period=all", 1000, 560),
            "receipt": Picture(rider, receipt, 700, 1040),
            "review": Picture(STAFF, "/review/", 1000, 900, "[data-item]"),
        }
        with serving(app) as address, browser() as chromium:
            for file, picture in pictures.items():
                if not names or file in names:
                    take(chromium, address, picture, FIGURES / f"{file}.png")
        app.extensions["transitmap_engine"].dispose()


def settings(folder: Path) -> Settings:
    """A service of its own in a folder, with the demo in it."""
    url, archive = f"sqlite:///{folder / 'demo.sqlite'}", str(folder / "archive")
    vendor.compile_translations()
    store.upgrade(url)
    config = server_defaults()
    demo.fill(url, archive, config, lambda stage, share: None)
    return Settings(url, archive, "pictures" * 8, config)


def fill(engine: Any) -> tuple[str, str]:
    """Somebody of the staff; and a password for the rider of the ride that was worth most: name, receipt."""
    hashed = passwords.hash_password(PASSWORD)
    with store.session(engine) as session:
        store.add_user(session, STAFF, hashed, 0.0, role="organiser")
        best = max(store.ledger_rows(session), key=lambda row: row.millipoints)
        rider = store.user_by_id(session, best.user_id)
        rider.password_hash = hashed
        return rider.name, f"/traces/{store.uploads_of_rides(session, rider.id)[best.ride_id]}"


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """The application behind the real server, in a thread; its address."""
    server = make_server(app, "127.0.0.1", 0, 25_000_000)
    threading.Thread(target=server.run, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        wasyncore.close_all(server._map, ignore_all=True)


@contextmanager
def browser() -> Iterator[Any]:
    """A headless Chromium."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(CHROMIUM_ARGUMENTS))
        yield chromium
        chromium.close()


def take(chromium: Any, address: str, picture: Picture, file: Path) -> None:
    """Writes one picture."""
    context = chromium.new_context(
        base_url=address, locale="en-GB", viewport={"width": picture.width, "height": picture.height}
    )
    page = context.new_page()
    if picture.name:
        page.goto("/accounts/log-in")
        page.locator("[name=name]").fill(picture.name)
        page.locator("[name=password]").fill(PASSWORD)
        page.locator("main form button").first.click()
        page.wait_for_load_state()
    page.goto(picture.path)
    if picture.link:
        page.locator(picture.link).first.click()
    page.wait_for_load_state("networkidle")
    if page.locator("#map").count():
        page.locator("#map[data-ready]").wait_for(timeout=120_000)
        page.wait_for_timeout(MAP_MS)
    page.screenshot(path=str(file))
    context.close()
    sys.stdout.write(f"{file}: {file.stat().st_size // 1000} kB\n")


if __name__ == "__main__":
    main(sys.argv[1:])
