"""The apps to choose among, in the order we advise: for whom each is, what ruins a trip, how to try it."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import lazy_gettext as _

ANDROID, IPHONE = "Android", "iPhone"


@dataclass(frozen=True)
class App:
    """One program that can send here. `steps` follow its set-up, `ruins` is what to see to first."""

    key: str
    name: object
    systems: tuple[str, ...]
    pitch: object
    steps: tuple[object, ...] = ()
    ruins: tuple[object, ...] = ()
    trial: object = ""
    is_simple: bool = False


APPS = (
    App(
        "gpslogger",
        "GPSLogger",
        (ANDROID,),
        _("Records on its own, even without network, and sends the whole trip when you stop."),
        (
            _("Install GPSLogger (F-Droid, or its page on GitHub) and open it once."),
            _("Come back here with the phone and tap the button. The app asks before it takes the settings."),
            _("Press Start before you board and Stop after you alight: the trip then leaves by itself."),
        ),
        (
            _("Leave the distance filter at 0 and the accuracy filter off: we need the stands at stops too."),
            _("Let it keep the GPS on between positions; otherwise each one starts cold."),
        ),
        _("Press Start under the open sky, wait a minute, press Stop."),
        is_simple=True,
    ),
    App(
        "overland",
        "Overland",
        (IPHONE,),
        _("Keeps every position until we have it, and lets you mark a trip as a bus trip."),
        (
            _("Install Overland from the App Store and open it once."),
            _("Tap the button on the phone, or point its camera at the code. Overland takes all values."),
            _("Allow the location “Always” and “Precise”. Start a trip before you board, end it at the end."),
        ),
        (
            _("Switch off “Pause automatically”: it sleeps at red lights and forgets to wake up."),
            _("Choose the best accuracy, the activity “Other navigation”, and no minimum distance."),
        ),
        _("In the Tracker tab press “Send Now”."),
        is_simple=True,
    ),
    App(
        "traccar",
        "Traccar Client",
        (ANDROID, IPHONE),
        _("Small and plain: one switch, on or off. Good for a whole day of riding."),
        (
            _("Install Traccar Client (version 10) and open it once."),
            _("Scan the code inside the app, not with the phone’s camera; or tap the button on the phone."),
            _("Switch “Continuous tracking” on before you board."),
        ),
        (
            _("As it comes it sends a position every 75 metres or 5 minutes: no stop can be seen in that."),
            _("Switch stop detection off and choose the highest accuracy. Our link does both."),
        ),
        _("Switch it on and press “Send location”."),
    ),
    App(
        "owntracks",
        "OwnTracks",
        (ANDROID, IPHONE),
        _("For those who already have it. Keeps its queue until we have every position."),
        (
            _("Install OwnTracks and open it once."),
            _("Tap the button on the phone, or point its camera at the code, and accept the settings."),
            _("Leave it in the mode “Move” while you ride; choose “Quiet” or “Manual” afterwards."),
        ),
        (
            _("“Significant” sends every 15 minutes or 500 metres, too little for a map. Use “Move”."),
            _("In “Move” it needs a position every 5 seconds, or 10 at most."),
        ),
        _("Tap the arrow at the top of its map: it reports where you are."),
    ),
    App(
        "colota",
        "Colota",
        (ANDROID,),
        _("Keeps trying until everything has arrived, in bundles that spare your data plan."),
        (
            _("Install Colota (F-Droid or Google Play) and open it once."),
            _("Tap the button on the phone, or point its camera at the code, and confirm."),
            _("Start tracking before you board."),
        ),
        (
            _("Delete or switch off pause zones where you ride: inside them it repeats one made-up place."),
            _("Leave the distance filter at 0."),
        ),
        _("Start tracking under the open sky and wait a minute: it sends once a minute."),
    ),
    App(
        "osmand",
        "OsmAnd",
        (ANDROID,),
        _("If you already use this map: it can send while it records a track."),
        (
            _("In OsmAnd switch on the plug-in “Trip recording” and open its settings."),
            _("Switch on “Online tracking”, paste the web address below, and set its interval to 5 seconds."),
            _("Start the recording of the trip before you board: it sends only while it records."),
        ),
        (
            _("Leave minimum speed, distance and accuracy off: they erase the stands at stops."),
            _("What cannot be sent is forgotten after the time buffer: set it as long as you can."),
        ),
        _("Start a recording under the open sky and wait half a minute."),
    ),
    App(
        "phonetrack",
        "PhoneTrack",
        (ANDROID,),
        _("If you have it from Nextcloud: the same app, another address."),
        (
            _("In PhoneTrack add a PhoneTrack log job and fill in the three fields below."),
            _("Set its interval to 5 seconds and its minimum distance to 0, and switch the job on."),
        ),
        (_("Keep the GPS on between positions, and leave “significant motion” off."),),
        _("Switch the job on under the open sky and wait a minute."),
    ),
    App(
        "ulogger",
        "μlogger",
        (ANDROID,),
        _("A small recorder. Its comments can mark a stop."),
        (
            _("In μlogger open the settings and fill in the three fields below."),
            _("Switch on live synchronisation and start the track before you board."),
        ),
        (_("Set the minimum time to 5 seconds or less, and minimum distance and accuracy filter off."),),
        _("Start a track under the open sky, wait a minute and press upload."),
    ),
    App(
        "program",
        _("Another program"),
        (),
        _("A key for the upload interface: whole files, by a script or a program of yours."),
        (_("Send the key as “Authorization: Bearer” with each file."),),
    ),
)
RECORDER = App(
    "recorder",
    _("This site’s recorder"),
    (ANDROID, IPHONE),
    _("Nothing to install: records while its screen is on, and you can mark stops with a tap."),
    trial=_("Open the recorder, start, and wait a minute under the open sky."),
    is_simple=True,
)
"""Needs no key: it sends from the browser where its rider is logged in."""
BY_KEY = {app.key: app for app in (*APPS, RECORDER)}
VENDORS = (
    (
        "Xiaomi, Redmi, POCO",
        _(
            "Settings, Apps, the app: switch “Autostart” on and set “Battery saver” to “No restrictions”. "
            "In the list of recent apps, hold its card and lock it."
        ),
    ),
    (
        "Huawei, Honor",
        _(
            "Settings, Battery, App launch, the app: switch “Manage automatically” off, then allow "
            "auto-launch, secondary launch and running in the background."
        ),
    ),
    (
        "Samsung",
        _(
            "Settings, Battery, Background usage limits: add the app to “Never sleeping apps”. "
            "In the settings of the app, Battery: “Unrestricted”."
        ),
    ),
    (
        "OPPO, realme, OnePlus, vivo",
        _("Settings, Apps, the app, Battery usage: allow background activity and automatic launch."),
    ),
    (
        "Motorola, Google Pixel",
        _("Settings, Apps, the app, Battery: “Unrestricted”."),
    ),
    (
        "iPhone",
        _(
            "Settings, the app: Location “Always” and “Precise location” on, “Background app refresh” on. "
            "Switch Low Power Mode off while you ride, and do not swipe the app away."
        ),
    ),
)
