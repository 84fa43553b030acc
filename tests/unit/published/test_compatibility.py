"""A published message may become more, and nothing else."""

from typing import Annotated, Any, ClassVar

import msgspec
import pytest

from feira.contracts.message import Message
from feira.contracts.units import Pieces
from feira.published.compatibility import breaking_changes
from feira.published.directory import Entry
from feira.published.schemas import schema_of

TYPE = "feira.tests.parcel_sent.v1"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    product_id: int
    quantity: Pieces


class Named(Message, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = TYPE
    TOPIC: ClassVar[str] = "tests.events"
    KEY: ClassVar[str] = "parcel_id"


class ParcelSent(Named, frozen=True, kw_only=True):
    parcel_id: int
    weight_grams: int
    lines: tuple[Line, ...]
    note: str | None = None
    sender: Line | None = None
    priority: int = 0


def schemas_of(*kinds: type[Message]) -> dict[str, dict[str, object]]:
    return {kind.TYPE: schema_of(Entry(kind, "tests", ())) for kind in kinds}


def changes(new: type[Message], *others: type[Message]) -> list[str]:
    return [
        change.removeprefix(f"{TYPE}: ")
        for change in breaking_changes(schemas_of(ParcelSent), schemas_of(new, *others))
    ]


# --- what is fine --------------------------------------------------------------------------------


def test_the_same_again() -> None:
    assert changes(ParcelSent) == []


def test_a_new_field_with_a_default() -> None:
    class More(ParcelSent, frozen=True, kw_only=True):
        insured_cents: int = 0

    assert changes(More) == []


def test_a_new_field_with_a_default_within_what_it_holds() -> None:
    class WiderLine(Line, frozen=True, kw_only=True):
        gift: bool = False

    class More(ParcelSent, frozen=True, kw_only=True):
        lines: tuple[WiderLine, ...]

    assert changes(More) == []


def test_a_new_message_and_a_new_version_beside_the_old() -> None:
    class Second(Named, frozen=True, kw_only=True):
        TYPE: ClassVar[str] = "feira.tests.parcel_sent.v2"
        parcel_id: str

    class Other(Named, frozen=True, kw_only=True):
        TYPE: ClassVar[str] = "feira.tests.parcel_lost.v1"
        parcel_id: int

    assert changes(ParcelSent, Second, Other) == []


def test_another_docstring() -> None:
    class Reworded(ParcelSent, frozen=True, kw_only=True):
        """In other words."""

    assert changes(Reworded) == []


# --- what is not ---------------------------------------------------------------------------------


def test_a_removed_field() -> None:
    class Less(Named, frozen=True, kw_only=True):
        parcel_id: int
        lines: tuple[Line, ...]
        note: str | None = None
        sender: Line | None = None
        priority: int = 0

    assert changes(Less) == ["weight_grams was removed"]


def test_a_renamed_field() -> None:
    class Renamed(Named, frozen=True, kw_only=True):
        parcel_id: int
        grams: int
        lines: tuple[Line, ...]
        note: str | None = None
        sender: Line | None = None
        priority: int = 0

    assert changes(Renamed) == ["weight_grams was removed", "grams is new and has no default"]


def test_a_new_field_that_old_messages_lack() -> None:
    class Needs(ParcelSent, frozen=True, kw_only=True):
        carrier: str

    assert changes(Needs) == ["carrier is new and has no default"]


@pytest.mark.parametrize(
    "kind",
    [str, float, int | None, bool, tuple[int, ...], Annotated[int, msgspec.Meta(ge=1)], Pieces],
)
def test_a_retyped_field(kind: object) -> None:
    """A narrower range, a wider type and another unit are other types too."""
    retyped: Any = msgspec.defstruct(
        "Retyped", [("weight_grams", kind)], bases=(ParcelSent,), frozen=True, kw_only=True
    )
    (change,) = changes(retyped)
    assert change.startswith("weight_grams was ")


def test_a_retyped_field_within_what_it_holds() -> None:
    class OtherLine(msgspec.Struct, frozen=True, kw_only=True):
        product_id: str
        quantity: Pieces

    class Retyped(ParcelSent, frozen=True, kw_only=True):
        lines: tuple[OtherLine, ...]  # type: ignore[assignment]
        sender: OtherLine | None = None  # type: ignore[assignment]

    found = changes(Retyped)
    assert [change.split(" was ")[0] for change in found] == [
        "lines[].product_id",
        "sender.product_id",
    ]


def test_a_field_that_may_now_be_left_out() -> None:
    class Optional(ParcelSent, frozen=True, kw_only=True):
        weight_grams: int = 0

    assert changes(Optional) == ["weight_grams was always there and may now be left out"]


def test_a_field_that_can_no_longer_be_left_out() -> None:
    class Required(Named, frozen=True, kw_only=True):
        parcel_id: int
        weight_grams: int
        lines: tuple[Line, ...]
        note: str | None
        sender: Line | None = None
        priority: int = 0

    assert changes(Required) == ["note could be left out and has no default any more"]


def test_another_default_changes_what_old_messages_mean() -> None:
    class Urgent(ParcelSent, frozen=True, kw_only=True):
        priority: int = 9

    assert changes(Urgent) == ["priority had the default 0 and has 9"]


def test_another_topic() -> None:
    class Moved(ParcelSent, frozen=True, kw_only=True):
        TOPIC: ClassVar[str] = "tests.parcels"

    assert changes(Moved) == ["its topic was 'tests.events' and is 'tests.parcels'"]


def test_another_key() -> None:
    class Rekeyed(ParcelSent, frozen=True, kw_only=True):
        KEY: ClassVar[str] = "weight_grams"

    assert changes(Rekeyed) == ["its key was 'parcel_id' and is 'weight_grams'"]


def test_another_name_on_the_wire() -> None:
    class Second(ParcelSent, frozen=True, kw_only=True):
        TYPE: ClassVar[str] = "feira.tests.parcel_sent.v2"

    assert changes(Second) == ["the message was removed"]


def test_a_removed_message() -> None:
    assert breaking_changes(schemas_of(ParcelSent), {}) == [f"{TYPE}: the message was removed"]
