"""Bodies of the identity API. Fields that are not here, such as `role`, are not read (E6)."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel

from feira.chassis.http.fields import Text
from feira.services.identity.domain.address_book import Address
from feira.services.identity.entrypoints.fields import (
    Email,
    LoginEmail,
    Name,
    Password,
    Phone,
    name_of,
)

Word = Annotated[str, Text(max_length=200), AfterValidator(name_of)]


class RegisterBody(BaseModel):
    email: Email
    password: Password
    name: Name


class LoginBody(BaseModel):
    email: LoginEmail
    password: Password


class RefreshBody(BaseModel):
    refresh_token: Annotated[str, Text(max_length=200)]


class ProfileBody(BaseModel):
    """What is left out stays as it is; a phone of null is taken away."""

    name: Name = ""
    phone: Phone | None = None


class PasswordBody(BaseModel):
    current: Password
    new: Password


class AddressBody(BaseModel):
    street: Word
    number: Word
    city: Word
    state: Word
    zipcode: Annotated[str, Text(max_length=20), AfterValidator(name_of)]
    country: Word = "Brazil"
    district: Word | None = None
    complement: Word | None = None
    recipient: Word | None = None
    label: Word | None = None

    def address(self) -> Address:
        return Address(**self.model_dump())
