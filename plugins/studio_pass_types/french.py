"""The words of the built-in pass types in French."""

from __future__ import annotations

FRENCH = {
    "Unlimited series": "Forfait illimité",
    "Punch pass": "Carte de séances",
    "Full course": "Cours complet",
    "Drop-in": "À la séance",
    "Sessions": "Séances",
    "How many sessions the pass is good for: one punch each.": "Le nombre de séances de la carte : une entrée chacune.",
    "Reservations in advance": "Réservations à l’avance",
    "How many coming reservations the pass can hold at once. Empty: as many as one likes.": (
        "Le nombre de réservations à venir en même temps. Vide : autant que l’on veut."
    ),
    "Before the next part": "Avant la partie suivante",
    "attended: the earlier parts have been attended. "
    "reserved: they are reserved and end before this part begins, on the same day too.": (
        "suivies : les parties précédentes ont été suivies. "
        "réservées : elles sont réservées et finissent avant le début de celle-ci, le même jour aussi."
    ),
    "Attended": "Suivies",
    "Reserved": "Réservées",
}
