"""Every rule that can speak of a feed of ours is explained to people, in both languages."""

import json
import re
from importlib import resources
from pathlib import Path

import gtfs_validator
import pytest

import transitmap
from transitmap.gtfs.validate.words import explain, known_words

RULES = Path(transitmap.__file__).parent / "gtfs" / "validate" / "rules"
LIKELY = """
attribution_without_role decreasing_or_equal_stop_time_distance duplicate_key duplicate_route_name
expired_calendar fast_travel_between_consecutive_stops feed_expiration_date30_days
feed_expiration_date7_days foreign_key_violation invalid_email invalid_timezone invalid_url
missing_feed_contact_email_and_url missing_recommended_field missing_required_field
missing_timepoint_value mixed_case_recommended_field non_ascii_or_non_printable_char
overlapping_frequency point_near_origin route_color_contrast route_long_name_contains_short_name
route_short_name_too_long service_has_no_active_day_of_the_week stop_too_far_from_shape
stop_without_stop_time stops_match_shape_out_of_order trip_coverage_not_active_for_next7_days
trip_distance_exceeds_shape_distance unknown_column unusable_trip unused_shape
"""


def own_rules():
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(RULES.glob("*.py")))
    return set(re.findall(r'"([a-z_]+)",\s*"(?:error|warning|info)"', text)) | {
        "unused_route",
        "unused_service",
    }


def canonical_rules():
    data = resources.files(gtfs_validator).joinpath("data", "notice_descriptions.json")
    return set(json.loads(data.read_text(encoding="utf-8"))["descriptions"])


def test_every_rule_of_ours_is_explained():
    assert len(own_rules()) >= 27
    assert sorted(own_rules() - set(known_words())) == []


def test_the_canonical_rules_we_are_likely_to_see_are_explained():
    assert set(LIKELY.split()) <= canonical_rules()
    assert sorted(set(LIKELY.split()) - set(known_words())) == []


def test_no_words_are_about_a_rule_that_does_not_exist():
    assert sorted(set(known_words()) - own_rules() - canonical_rules()) == []


@pytest.mark.parametrize("rule", sorted({*known_words(), "a_rule_of_tomorrow"}))
def test_words_are_sentences_in_both_languages(rule):
    es, en = explain(rule, "es_MX"), explain(rule, "en")
    assert es != en
    for sentence in (*es, *en):
        assert sentence[0].isupper()
        assert sentence.endswith(".")
        assert "_" not in sentence.replace("agency_url", "").replace("licence_url", "").replace(
            "valid_days", ""
        )


def test_a_rule_without_words_is_said_to_be_one():
    assert "gtfs-validator.mobilitydata.org" in explain("a_rule_of_tomorrow", "es")[1]


def test_a_rule_of_the_second_validator_says_whose_it_is():
    assert "gtfs-analyzer" in explain("STM_008", "es")[0] and "gtfs-analyzer" in explain("STM_008", "en")[0]
