"""Names of a town that does not exist: streets, districts, riders; Spanish, invented, no repeats."""

from __future__ import annotations

import numpy as np

_STREETS = (
    "Faroles Luciérnagas Alfareros Brújula Cometas Almendros Organillo Veleta Papalote Relojeros "
    "Hilanderas Mirlo Zarzamora Quimera Tejedores Golondrinas Obsidiana Cántaro Molienda Bugambilia "
    "Vihuela Tamarindo Ámbar Campaneros Jilguero Girasoles Yesca Pedernal Azogue Carboneros Nogales "
    "Barlovento Trapiche Candiles Ocaso Aurora Pregoneros Huizache Cenzontle Lavanda Mezquite Marimba "
    "Cobalto Alheña Torreón Caracola Enramada Serenata Manantial Rebozo Petirrojo Espuela Duende "
    "Acuarela Madreselva Trompo Balero Lotería Canicas Maíz Cacao Vainilla Nopal Biznaga Tejocote "
    "Capulín Guayabo Membrillo Chirimoya Zapote Pirul Encino Ahuehuete Fresno Sauce Laurel Romero "
    "Albahaca Epazote Hierbabuena Azafrán Comino Canela Jengibre Anís Copal Incienso Turquesa Jade "
    "Cuarzo Ópalo Granate Coral Marfil Carey Sextante Astrolabio Catalejo Timón Ancla Bergantín Goleta "
    "Falúa Chalupa Trajinera Remo Farol Velamen Bitácora"
)
_DISTRICTS = (
    "Lomas del Viento|Barrio del Molino|Jardines de la Luna|El Mirador|La Ladrillera|Las Campanas|"
    "El Huizachal|Puente Viejo|Villa Quimera|Los Alfareros|El Trapiche|Ojo de Agua|La Cantera|"
    "El Tejocote|Loma Chica|Rincón del Sauce|La Estrella|Cerro Pardo|El Llanito|Los Faroles|La Noria|"
    "Agua Mansa|El Pedregal|Tres Pirules"
)
_ANIMALS = (
    "Colibrí Tlacuache Ajolote Cenzontle Tejón Coyote Quetzal Jaguar Mapache Tecolote Venado Cacomixtle "
    "Armadillo Mariposa Correcaminos Zorrillo Halcón Conejo Iguana Tortuga"
)
_MANNERS = "Veloz Paciente Madrugador Curioso Alegre Tenaz Sereno Audaz Puntual Andante Callado Viajero"


def draw_streets(n: int, rng: np.random.Generator) -> list[str]:
    """`n` different street words; numbered from the second round on where the town outgrows the words."""
    return [name if k == 0 else f"{name} {k + 1}" for k, name in _rounds(_STREETS.split(), n, rng)]


def draw_districts(n: int, rng: np.random.Generator) -> list[str]:
    """`n` different names of districts and terminals."""
    return [
        name if k == 0 else f"{name} {k + 1}ª Sección" for k, name in _rounds(_DISTRICTS.split("|"), n, rng)
    ]


def draw_pseudonyms(n: int, rng: np.random.Generator) -> list[str]:
    """`n` different pseudonyms, as riders choose them."""
    pairs = [f"{animal} {manner}" for animal in _ANIMALS.split() for manner in _MANNERS.split()]
    return [name if k == 0 else f"{name} {k + 1}" for k, name in _rounds(pairs, n, rng)]


def _rounds(names: list[str], n: int, rng: np.random.Generator) -> list[tuple[int, str]]:
    """The names shuffled, with the number of the round through them, until there are `n`."""
    order = rng.permutation(len(names))
    return [(k // len(names), names[order[k % len(names)]]) for k in range(n)]
