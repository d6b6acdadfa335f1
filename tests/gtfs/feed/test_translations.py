"""Names we made are told in the other language; what riders said is not translated."""

from tests.gtfs.feed.test_tables import rows
from tests.gtfs.small_city import small_feed


def test_names_we_made_are_told_in_the_other_language():
    told = {row["field_value"]: row["translation"] for row in rows(small_feed(), "translations")}
    assert told["Ruta 12 al este, km 0.7"] == "Route 12 eastbound, km 0.7"
    assert told["Circuito"] == "Loop"
    english = {row["field_value"]: row["translation"] for row in rows(small_feed(lang="en"), "translations")}
    assert english == {other: value for value, other in told.items()}


def test_what_riders_said_is_left_as_it_is():
    told = rows(small_feed(), "translations")
    assert "Mercado Jáuregui" not in {row["field_value"] for row in told}
    assert {row["language"] for row in told} == {"en"}


def test_every_translated_value_is_in_the_feed():
    tables = small_feed()
    for row in rows(tables, "translations"):
        assert row["field_value"] in tables[f"{row['table_name']}.txt"][row["field_name"]]


def test_a_language_of_which_we_have_no_words_has_no_translations():
    assert "translations.txt" not in small_feed(lang="fr")
