"""Who is in the demo, and what each of them is there to show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from studio_reservations.models import Role

PASSWORD = "wheel-and-kiln"
DOMAIN = "example.org"
MAIN, OTHER, CLOSED = "toronto", "kiln-street", "harbour-yoga"
CROWD = 60

STAFF: Mapping[str, tuple[str, Role]] = {
    "owner": ("Olive Owner", Role.OWNER),
    "manager": ("Mina Manager", Role.MANAGER),
    "desk": ("Desmond Desk", Role.FRONT_DESK),
    "instructor": ("Ines Instructor", Role.INSTRUCTOR),
}
CUSTOMERS: Mapping[str, tuple[str, str]] = {
    "maya": ("Maya Rahman", "an unlimited series and a punch pass: which is taken, and why"),
    "ben": ("Ben Castle", "a punch pass with 3 of 3 reservations: advance_limit_reached"),
    "cara": ("Cara Lindqvist", "a course in 3 parts, the first attended: part 3 is sequence_not_met"),
    "paul": ("Paul Okafor", "the same course, the first part missed last week: makeup_required"),
    "kim": ("Kim Tran", "2 punches, both held: punches_exhausted"),
    "dan": ("Dan Moreau", "a drop-in"),
    "ola": ("Ola Nowak", "a reservation past its undo time and inside the cutoff: cancelling it is late"),
    "lena": ("Lena Fischer", "a parent who acts for Nora and Otto"),
    "eve": ("Eve Santos", "suspended by the studio: customer_suspended"),
    "tom": ("Tom Keller", "three classes missed: suspended by the night, and two reservations lost"),
    "uma": ("Uma Brandt", "a missed class, explained: the studio has not answered yet"),
    "xenia": ("Xenia Holm", "a missed class that takes two reservations with it, unless she explains it: the box"),
    "finn": ("Finn Walsh", "a pass that is over: pass_expired"),
    "gina": ("Gina Rossi", "a pass that begins in two months: pass_not_yet_valid"),
    "hugo": ("Hugo Martin", "a frozen pass: registration_inactive"),
    "iris": ("Iris Cohen", "a pass whose plugin is missing: pass_type_unavailable"),
    "max": ("Max Yamada", "a customer of a studio whose rollout is OFF: reservations_disabled"),
    "newt": ("Newt Abbott", "a portal user without any pass: no_usable_pass"),
}
REGULARS: Mapping[str, tuple[str, str]] = {
    # Those of whom a story is told in `past`; the others come and go.
    "tom": (CUSTOMERS["tom"][0], "unlimited_series"),
    "uma": (CUSTOMERS["uma"][0], "punch_pass"),
    "xenia": (CUSTOMERS["xenia"][0], "punch_pass"),
    "vera": ("Vera Lang", "punch_pass"),
    "wanda": ("Wanda Petit", "punch_pass"),
    "yuri": ("Yuri Sato", "punch_pass"),
    **{
        f"regular {number}": (who, "unlimited_series" if number % 3 else "punch_pass")
        for number, who in enumerate(
            (
                "Abel Fournier",
                "Bea Olsen",
                "Cem Aydin",
                "Dora Klein",
                "Emil Novak",
                "Flora Grant",
                "Gil Pereira",
                "Heidi Brunner",
                "Ilse Mertens",
                "Jalil Haddad",
                "Kira Popov",
                "Leo Marchetti",
                "Mona Dahl",
                "Niko Laine",
                "Oda Haugen",
                "Pedro Vidal",
                "Quinn Doyle",
                "Rosa Ferrer",
                "Sami Korhonen",
                "Tilda Engstrom",
                "Ugo Ricci",
                "Viola Hart",
                "Wim Jansen",
                "Zora Babic",
            )
        )
    },
}
"""The people of the pottery evenings before today, by key, with the pass type of each; made up like everybody here."""
MAIL_REFUSED = "yuri"
"""Whose mailbox refuses every letter."""
FIRST = (
    "Ada",
    "Bo",
    "Chi",
    "Dua",
    "Eli",
    "Fay",
    "Gus",
    "Hana",
    "Ivo",
    "June",
    "Kofi",
    "Lior",
    "Mei",
    "Noor",
    "Omar",
    "Pia",
)
LAST = (
    "Adams",
    "Bauer",
    "Chen",
    "Diaz",
    "Evans",
    "Fofana",
    "Garcia",
    "Hassan",
    "Ito",
    "Jensen",
    "Kaur",
    "Lopez",
    "Meyer",
)


@dataclass(frozen=True, slots=True)
class Login:
    """What somebody types at the portal's login, and what there is to see."""

    email: str
    who: str


def address(name: str) -> str:
    """Return the demo's address of a person."""
    return f"{name}@{DOMAIN}"


def logins() -> list[Login]:
    """Return every login of the demo; the password is the same for all."""
    staff = [Login(address(name), f"{who}, {role.value} of {MAIN}") for name, (who, role) in STAFF.items()]
    return [*staff, *(Login(address(name), f"{who}: {sees}") for name, (who, sees) in CUSTOMERS.items())]
