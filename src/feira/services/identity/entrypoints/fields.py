"""Types of fields: e-mail addresses, names, phones and passwords as people write them."""

import re
import unicodedata
from typing import Annotated, Final

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator

from feira.chassis.http.fields import Text
from feira.services.identity.domain.password import SIZE_BYTES_MAX

EMAIL_LENGTH_MAX: Final = 254
NAME_LENGTH_MAX: Final = 200

_PHONE: Final = re.compile(r"\+?[0-9]{8,15}")  # ITU-T E.164, section 6.1: 15 digits at most
_PHONE_PUNCTUATION: Final = re.compile(r"[ ().-]")


def normalised_email(text: str) -> str:
    """One spelling of an address: NFC, in lower case throughout. Raises ValueError.

    The domain is not looked up; `.test` (RFC 6761) is one like any other.
    """
    try:
        found = validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        raise ValueError("must be an e-mail address") from None
    return unicodedata.normalize("NFC", found.normalized.casefold())


def login_email(text: str) -> str:
    """What is no address cannot be a user's: it is looked for in vain, like any unknown one."""
    try:
        return normalised_email(text)
    except ValueError:
        return text.casefold()


def name_of(text: str) -> str:
    """Without spaces around it, on one line. Raises ValueError."""
    name = text.strip()
    if not name:
        raise ValueError("must not be blank")
    if any(unicodedata.category(character) == "Cc" for character in name):
        raise ValueError("must not hold control characters")
    return name


def normalised_phone(text: str) -> str:
    """`+55 (11) 99999-0000` -> `+5511999990000`. Raises ValueError."""
    phone = _PHONE_PUNCTUATION.sub("", text)
    if not _PHONE.fullmatch(phone):
        raise ValueError("must be a phone number of 8 to 15 digits")
    return phone


def _password(text: str) -> str:
    if len(text.encode()) > SIZE_BYTES_MAX:
        raise ValueError(f"must have at most {SIZE_BYTES_MAX} bytes")
    return text


Email = Annotated[str, Text(max_length=EMAIL_LENGTH_MAX), AfterValidator(normalised_email)]
LoginEmail = Annotated[str, Text(max_length=EMAIL_LENGTH_MAX), AfterValidator(login_email)]
Name = Annotated[str, Text(max_length=NAME_LENGTH_MAX), AfterValidator(name_of)]
Phone = Annotated[str, Text(max_length=40), AfterValidator(normalised_phone)]
Password = Annotated[str, Text(min_length=0, max_length=SIZE_BYTES_MAX), AfterValidator(_password)]
"""Taken as it was typed; `domain/password.py` says which are too weak."""
