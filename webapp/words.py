"""Codes -> sentences a rider understands: refusals, what was dropped, warnings, what a ride was, rules."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

from transitmap.collect import parse

REQUESTS = {
    "auth_required": _("Please log in first."),
    "wrong_login": _("That name and password do not belong together."),
    "not_allowed": _("Only planners and organisers may do that."),
    "reviewers_only": _("Only reviewers and organisers may do that."),
    "own_ride": _("You have a share in this trip, so somebody else must look at it."),
    "own_team": _("Somebody of your team has a share in this trip, so somebody else must look at it."),
    "not_found": _("There is nothing at this address."),
    "no_file": _("No file came with the form."),
    "incomplete_body": _("The file did not arrive whole. Nothing was kept: send it again."),
    "digest_mismatch": _("The file changed on the way. Nothing was kept: send it again."),
    "form_expired": _("This page had been open for long. Go back, reload it and try again."),
    "bad_request": _("The request could not be understood."),
    "name_taken": _("Somebody already has that name."),
    "already_decided": _("That is decided already."),
    "too_many_phones": _(
        "You have as many phones as one rider can have. Take the key of an old one back first."
    ),
    "in_a_team": _("You are in a team of this campaign, or have asked one. Leave it first."),
    "campaign_over": _("This campaign is over: its teams stay as they are."),
    "link_expired": _("This link is used up or too old. Make a new key on the page of your phones."),
    "too_many_parts": _("Too many files at once. Send at most 20."),
    "field_too_large": _("A field of the form is too long."),
    "too_many_requests": _("That was a lot at once. Try again later."),
    "busy": _("We are busy right now. Nothing was lost: try again in half a minute."),
    "storage_full": _("We have no room left right now. Nothing was lost: try again later."),
    "fault": _("Something broke on our side. Nothing of yours was changed."),
}
REFUSALS = {
    "already_contributed": _("Somebody else contributed this very file before."),
    "too_large": _("The file is too large. Compress it as .gz or split it by day."),
    "not_a_trace": _(
        "This is not a GPS trace. Send GPX, FIT, TCX, KML, GeoJSON or CSV, also in .zip or .gz."
    ),
    "empty_file": _("The file is empty."),
    "empty_archive": _("The archive holds no files."),
    "empty_folder": _("The folder holds no files."),
    "unreadable": _("The file cannot be read."),
    "no_track_points": _("There is no track in the file, only marks or a planned route. Export the track."),
    "xml_syntax": _("The file is damaged or was cut. Export it again from your app."),
    "doctype_forbidden": _("The file contains a document type declaration, which is not allowed in a trace."),
    "too_deep": _("The file is nested more deeply than any trace."),
    "too_many_attributes": _("The file holds more attributes than any trace."),
    "bad_encoding": _("The characters of the file cannot be read."),
    "no_timestamps": _("The positions have no times. Record the trip with times on."),
    "unsorted_time": _("The times jump back and forth. Export the trace in the order of time."),
    "implausible_date": _("The date is off by about twenty years: an old receiver lost count of the weeks."),
    "future_date": _("The times lie in the future. Check the clock of the phone."),
    "too_old": _("The trip is too old to say how buses run today."),
    "swapped_coordinates": _("Latitude and longitude seem to be swapped."),
    "too_many_points": _("The trace has more positions than we can take. Split it by day."),
    "too_short": _("The trace is too short to say anything. Record from before you board until you alight."),
    "too_short_after_trim": _("Too little is left once its ends are cut for privacy. Record a longer trip."),
    "stationary": _("The phone did not move."),
    "gzip_truncated": _("The compressed file was cut. Send it again."),
    "gzip_crc": _("The compressed file is damaged. Send it again."),
    "archive_too_big": _("The archive holds more than we can unpack."),
    "archive_damaged": _("The archive is damaged. Make it again."),
    "nested_archive": _("There is an archive inside the archive. Unpack it first."),
    "too_many_files": _("The archive holds too many files. Split it."),
    "parser_crash": _("Our reader could not get through the file. We keep it and will look into it."),
    "too_complex": _("Reading the file takes more than we can give it. Split it by day."),
    "late_mark": _("These marks came after their trip was counted. The map has them now; they earn nothing."),
    "lone_mark": _("No trip of yours was under way when these marks were made, or it was at its cut ends."),
    "sent_before": _("You had sent this one before; nothing was counted twice."),
    "encrypted": _("The archive has a password. Send it without one."),
    "fit_crc": _("The file was damaged on its way from the watch. Copy it from there again."),
    "fit_damaged": _("The FIT file is damaged or was cut. Export it again."),
    "bad_csv": _("The table cannot be read. If it has decimal commas, separate its columns by semicolons."),
    "bad_json": _("The JSON file is damaged. Export it again from your app."),
    "unsupported_crs": _("The positions are not longitudes and latitudes. Export them as WGS 84."),
    "no_transit_rides": _(
        "The timeline holds no trip by bus, tram, metro, train or ferry; nothing else is read."
    ),
    "same_ride_other_format": _("The same trip stands beside it in a better format; that one was read."),
}
HINTS = {
    "zip": _("It is a zip file where a trace should be."),
    "gzip": _("It is a gzip file where a trace should be."),
    "pdf": _("It is a PDF, a picture of a trip. Export the track itself from the app, as GPX."),
    "rar": _("It is a RAR archive. Pack the files as zip."),
    "7z": _("It is a 7z archive. Pack the files as zip."),
    "jpeg": _("It is a picture. Export the track from the app that recorded it, as GPX."),
    "png": _("It is a picture. Export the track from the app that recorded it, as GPX."),
    "heic": _("It is a photo. Export the track from the app that recorded it, as GPX."),
    "web_page": _("It is a web page, not the file behind it. Download the track itself."),
    "takeout_page": _("It is the contents page of a Takeout. Send the file Records.json or Timeline.json."),
    "my_activity": _(
        "It is what you searched in Maps, not where you were. Export the timeline from the phone."
    ),
    "maps_settings": _("These are settings of Maps. Send the file Records.json or Timeline.json."),
    "encrypted_timeline": _(
        "Only your phone can read this timeline. Export it in the settings of the phone."
    ),
    "empty_json": _("The file holds nothing. Export it again."),
    "cut_json": _("The file was cut before its end. Export it again."),
    "other_json": _("The file holds no positions with times."),
    "other": _("It is not a file of an app that records trips."),
}
DROPPED = {
    "no_position": _("without a place"),
    "bad_number": _("with a number that is none"),
    "not_finite": _("with a number that is none"),
    "out_of_range": _("outside the Earth’s latitudes and longitudes"),
    "null_island": _("at latitude 0, longitude 0, where phones without a signal claim to be"),
    "no_time": _("without a time"),
    "bad_time": _("with a time that cannot be read"),
    "bad_row": _("in a line that is damaged or has too many cells"),
    "ping": _("sent because somebody asked, with an old position"),
    "region": _("sent because of a known place, not of the trip"),
    "bad_checksum": _("changed on their way here"),
    "bad_sentence": _("in a sentence that cannot be read"),
    "lone_fix": _("alone, none near in time"),
    "lone_mark": _("marks made while no trip was recorded"),
    "too_many": _("too many at once"),
    "duplicate_time": _("at a time that another position already has"),
    "future_date": _("in the future"),
    "too_old": _("too old"),
    "trimmed": _("cut off at the ends, for your privacy"),
    "duplicate_fix": _("that we had already"),
    "empty": _("without any content"),
    "bad_json": _("that could not be read"),
    "bad_form": _("that could not be read as a form"),
    "encrypted": _("encrypted: switch encryption off in the app"),
    "not_a_location": _("that hold no position, as apps send now and then"),
    "event": _("that tell of a zone entered or left, not of the way"),
    "heartbeat": _("that repeat an old place to say the phone is there"),
    "anchor": _("made up by a pause zone of the app"),
    "no_fix": _("that the phone itself did not trust"),
    "unreadable": _("that could not be read"),
    "too_large": _("too large at once: choose smaller bundles in the app"),
}
WARNINGS = {
    "empty_segments": _("Some parts of the track were empty."),
    "name_truncated": _("A very long name was shortened."),
    "encoding_mismatch": _("The file says one character set and uses another; we read it all the same."),
    "unknown_version": _("The file has an unknown GPX version; we read it all the same."),
    "time_jump": _("The clock of the phone jumped during the trip."),
    "future_time": _("The clock of the phone is ahead."),
    "assumed_utc": _("The times name no time zone; we took them for universal time."),
    "bad_elevation": _("Some heights could not be read; they are not used."),
    "bad_waypoint": _("Some marks could not be read."),
    "repaired_ampersand": _("The file had a known fault of its app; we mended it."),
    "sparse_timeline": _(
        "Google keeps positions minutes apart: this trip draws and earns nothing. Record the next one."
    ),
}
RIDES = {
    "no_pattern": _("No known route runs like this yet. It may be a new one; the map is drawn again soon."),
    "copy": _("This is the same recording as another trip, so it says nothing new."),
    "by_car": _("This looks like a trip by car, so it says nothing about a line."),
    "walking": _("Only walking was found, no stretch in a vehicle."),
    "standing": _("The phone stood still; no stretch in a vehicle was found."),
}
MODES = {
    "walk": _("On foot"),
    "still": _("Standing still"),
    "bus": _("By bus"),
    "car": _("By car"),
    "rail": _("By rail"),
    "other": _("Some other way"),
}
RULES = {
    "new_metres": _("New metres"),
    "more_observers": _("Confirmed metres"),
    "fresh_metres": _("Metres brought up to date"),
    "confirmed": _("Confirmed by others"),
    "withheld": _("Withheld"),
    "label_fare": _("Fare that others told, too"),
    "label_crowding": _("Crowding that others told, too"),
    "label_step_free": _("Steps that others told, too"),
    "label_route_name": _("Route name that others gave, too"),
    "label_stop_name": _("Stop name that others gave, too"),
    "review": _("Review"),
    "proposal": _("Proposed rules"),
    "prize": _("Prize"),
    "prizes": _("Prizes"),
    "campaign_open": _("A campaign opens"),
    "campaign_freeze": _("A campaign is frozen"),
    "campaign_close": _("A campaign closes"),
}
REVIEWS = {
    "settled": _("Somebody decided this meanwhile."),
    "looked_before": _("You have looked at this one. Another person decides with you."),
    "no_reason": _("Choose a reason first."),
    "nothing_to_undo": _("There is nothing of yours to take back."),
    "not_the_last": _("Somebody looked at it after you, so it can no longer be taken back."),
    "too_late": _("It can be taken back for a day; now a rider would have to ask for a second look."),
    "waits_for_a_look": _(
        "Something about this trip still waits in the queue; a look at that is the answer."
    ),
    "decided_before": _("You decided about this trip before, so somebody else must answer."),
    "nothing_to_ask": _("Nobody doubts this trip."),
    "asked_already": _("You have asked already; the answer comes to this page."),
    "asked_twice": _("You have asked twice about this trip; more is not possible."),
    "no_text": _("Tell us in a few words what happened."),
}
PRIZES = {
    "award_first": _("First places"),
    "award_team": _("Team"),
    "award_steps": _("Steps"),
    "award_draw": _("Draw"),
    "payout_own": _("Nobody decides on their own prize."),
    "payout_role": _("Only reviewers and organisers may do that."),
    "payout_twice": _("You have approved of it already; the second approval must be another person’s."),
    "payout_state": _("Somebody decided this meanwhile."),
    "payout_held": _("It is too early: the hold is not over."),
    "payout_note": _("A refusal needs a reason."),
}
DOUBTS = {
    "copy": _("This trip looks like the same recording as another one."),
    "copy_redated": _("Second by second, this trip looks like one of another hour or day."),
    "alike": _("This trip looks much like one of another hour."),
    "jump": _("This trip looks as if it jumped by kilometres in a moment."),
    "too_fast": _("This trip looks faster than any vehicle on a street."),
    "even_speed": _("This trip looks drawn: its speed never changes."),
    "steady": _("The speed of this trip hardly changes."),
    "smooth": _("This trip looks smoother than what nearly every phone records."),
    "on_line": _("This trip looks drawn exactly on the line of the map."),
    "white_noise": _("The errors of the positions look unlike those of a phone."),
    "two_places": _("Another recording of the same rider looks as if it was elsewhere at that time."),
    "mock": _("The phone says that its position is simulated."),
    "future": _("This trip looks as if it ended after it arrived; perhaps a clock is wrong."),
    "old": _("This trip looks more than 90 days old."),
    "car": _("This trip looks like one by car: it passed the stops without halting."),
    "wrong_claim": _("Somebody else recorded this trip, as a second look found."),
}
"""What is odd about a trip, in words that accuse nobody."""
EVIDENCE = {
    "lag_s": _("seconds between both"),
    "factor": _("pace of one by the other"),
    "n_windows": _("half minutes compared"),
    "share": _("share of the trip that matches"),
    "slow_m": _("usual distance between both, metres"),
    "far_m": _("nine of ten closer than, metres"),
    "near_m": _("distance from fix to fix, metres"),
    "moved_m": _("metres ridden in the part compared"),
    "n_mock": _("positions called simulated"),
    "n_fixes": _("positions"),
    "ahead_s": _("seconds after it arrived"),
    "age_days": _("days old"),
    "jump_m": _("metres jumped"),
    "push_m_s2": _("acceleration, m/s²"),
    "fast_m_s": _("speed, m/s"),
    "speed_m_s": _("usual speed, m/s"),
    "evenness": _("how much the speed changes (buses: 0.4 and more)"),
    "on_line": _("share exactly on the line"),
    "memory": _("how long errors last (phones: 0.6 and more)"),
    "n_across": _("distances from the line"),
    "rough_m": _("roughness, metres"),
    "between": _("share of positions that lie evenly between their neighbours"),
    "apart_m": _("metres apart"),
    "for_s": _("for seconds"),
    "n_calls": _("stops passed"),
    "n_served": _("stops where it halted"),
    "n_elsewhere": _("halts elsewhere"),
}
ROLLBACKS = {
    "no_such_feed": _("There is no such version."),
    "holds_already": _("That version is the one that holds."),
    "withdrawn": _("Somebody withdrew a trip that this version rests on, so it must not come back."),
    "overtaken": _("Another version came out at this very moment. Look again."),
    "invalid": _("By the rules of today that version has errors, so it must not come back: %(meaning)s"),
}
SEVERITIES = {"error": _("error"), "warning": _("warning"), "info": _("note")}
DAYS = {"weekday": _("Monday to Friday"), "saturday": _("Saturday"), "sunday": _("Sunday")}
ALL = {
    **DROPPED,
    **WARNINGS,
    **RIDES,
    **MODES,
    **RULES,
    **REQUESTS,
    **REFUSALS,
    **REVIEWS,
    **PRIZES,
    **DOUBTS,
}


def sentence(code: str) -> str:
    """What the code means to a rider; the code itself, readable, where nobody has said."""
    return str(ALL.get(code, code.replace("_", " ")))


def told(detail: str) -> str:
    """The detail of a refusal; in the reader's language where it says which file to pick instead."""
    hint = next((code for code, words in parse.HINTS.items() if detail.startswith(f"{words};")), "")
    return str(HINTS[hint]) if hint else detail


def is_told(detail: str) -> bool:
    """Whether `told` says it in the reader's language; other details are English, for who mends files."""
    return any(detail.startswith(f"{words};") for words in parse.HINTS.values())


def dropped(reason: str) -> str:
    """What was wrong with positions that were left out, to follow their number."""
    return str(DROPPED.get(reason, reason.replace("_", " ")))
