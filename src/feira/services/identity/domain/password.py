"""Which passwords are taken (OWASP ASVS 5, 6.2): long enough, and not among the first to be tried.

No rules of composition, no truncation, no change of what was typed.
"""

from collections.abc import Container
from typing import Final

from feira.kernel.errors import Category, FieldError, Refused

LENGTH_MIN: Final = 8
SIZE_BYTES_MAX: Final = 1024
"""Of the password in UTF-8; far above the 64 characters that must be possible."""


def check_password(
    password: str, guessable: Container[str], *, email: str = "", pointer: str = "/password"
) -> Refused | None:
    """Refuse a password that is too short or too easily guessed; `guessable` is in lower case."""
    folded = password.casefold()
    if len(password) < LENGTH_MIN:
        return _weak(pointer, f"must have at least {LENGTH_MIN} characters")
    if folded in guessable:
        return _weak(pointer, "is among the most common passwords")
    if folded in {email, email.partition("@")[0]}:
        return _weak(pointer, "must not be the e-mail address")
    return None


def _weak(pointer: str, why: str) -> Refused:
    return Refused(
        Category.INVALID,
        "weak_password",
        "The password would be guessed too easily.",
        (FieldError(pointer, why),),
    )
