"""The passwords that are tried first: the 3,000 most common ones of at least 8 characters (ASVS 5).

`guessable_passwords.txt`, in lower case and the most common first, is the head of the list that
Django 5.2 ships for its `CommonPasswordValidator` (BSD licence: `guessable_passwords.LICENSE`),
which Royce Williams made from the passwords of public breaches.
"""

from importlib.resources import files
from typing import Final

GUESSABLE_PASSWORDS_FILE: Final = "guessable_passwords.txt"


def load_guessable_passwords() -> frozenset[str]:
    """In lower case."""
    text = files(__package__).joinpath(GUESSABLE_PASSWORDS_FILE).read_text(encoding="utf-8")
    return frozenset(text.splitlines())
