import pytest

from transitmap.infer.labels import clean_label


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("12", "12"),
        ("Ruta 12", "12"),
        ("R-12 Centro", "12"),
        ("ruta 012", "12"),
        ("RUTA 5A", "5a"),
        ("Combi Tasqueña - Xochimilco", "tasquena xochimilco"),
        ("2026-03-03 08:15", ""),
        ("track", ""),
        ("", ""),
        ("🚍 12", "12"),
        ("0", "0"),
    ],
)
def test_a_label_is_reduced_to_what_it_means(said, meant):
    assert clean_label(said) == meant
