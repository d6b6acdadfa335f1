"""What a rider reads of a finding: what was seen, and what to do where we are wrong."""

from __future__ import annotations

_ES = " Si no es así, pide una revisión: una persona lo mira."
_EN = " If that is wrong, ask for a review: a person looks at it."

SENTENCES = {
    "copy": (
        "Sin puntos: esta grabación es la misma que otra que ya teníamos." + _ES,
        "No points: this recording is the same as one we had already." + _EN,
    ),
    "copy_redated": (
        "Sin puntos por ahora: este recorrido repite, segundo a segundo, otro de otra hora o fecha." + _ES,
        "No points for now: second by second this ride repeats one of another hour or date." + _EN,
    ),
    "alike": (
        "Se parece mucho a otro recorrido de otra hora: una persona lo mira antes de confirmarlo.",
        "It is much like a ride of another hour: a person looks at it before it is confirmed.",
    ),
    "jump": (
        "Sin puntos: el recorrido salta varios kilómetros en un instante." + _ES,
        "No points: the ride jumps by kilometres in a moment." + _EN,
    ),
    "too_fast": (
        "Sin puntos: ningún vehículo de la calle se mueve así de rápido." + _ES,
        "No points: no vehicle on a street moves as fast as this." + _EN,
    ),
    "even_speed": (
        "Sin puntos: la velocidad no cambia nunca, como en un trazo dibujado." + _ES,
        "No points: the speed never changes, as in a trace that was drawn." + _EN,
    ),
    "steady": (
        "La velocidad casi no cambia: una persona lo mira antes de confirmarlo.",
        "The speed hardly changes: a person looks at it before it is confirmed.",
    ),
    "smooth": (
        "La línea es más lisa que la de casi todo teléfono: una persona lo mira antes de confirmarlo.",
        "The line is smoother than that of nearly every phone: a person looks at it before it is confirmed.",
    ),
    "on_line": (
        "Sin puntos: las posiciones están exactamente sobre la línea del mapa; ningún teléfono mide así."
        + _ES,
        "No points: the positions lie exactly on the line of the map; no phone measures so." + _EN,
    ),
    "white_noise": (
        "Sin puntos: los errores cambian de un segundo a otro como no lo hacen los de un teléfono." + _ES,
        "No points: the errors change from second to second as those of no phone do." + _EN,
    ),
    "two_places": (
        "Sin puntos: otra grabación tuya estaba a la misma hora en otro lugar." + _ES,
        "No points: another recording of yours was somewhere else at the same time." + _EN,
    ),
    "mock": (
        "Sin puntos: el teléfono dice que su ubicación es simulada. Con receptor externo, pide una revisión.",
        "No points: the phone calls its position simulated. With an external receiver, ask for a review.",
    ),
    "future": (
        "Sin puntos: la grabación termina después de la hora en que llegó." + _ES,
        "No points: the recording ends after the time at which it came." + _EN,
    ),
    "old": (
        "El recorrido tiene más de 90 días: una persona lo mira antes de confirmarlo.",
        "The ride is more than 90 days old: a person looks at it before it is confirmed.",
    ),
    "car": (
        "Pasó por las paradas sin detenerse, como un auto: una persona lo mira antes de confirmarlo.",
        "It passed the stops without halting, as a car does: a person looks at it before it is confirmed.",
    ),
}
"""Code -> Spanish, English."""

WAITING = (
    "Sin puntos por ahora: tu cuenta envió una copia de un viaje de otra cuenta. Sus demás viajes sirven "
    "al mapa y sus puntos esperan a que alguien diga si son dos personas. Para eso, pide una revisión.",
    "No points for now: your account sent a copy of another account's ride. Its other rides serve the "
    "map; their points wait until somebody says whether you are two people. For that, ask for a review.",
)
"""Of a ride about which nothing was found: its account waits."""
