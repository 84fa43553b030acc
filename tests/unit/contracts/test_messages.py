"""Every message: its name, its place, its key, and what old and new versions make of each other."""

import re
from typing import Any

import msgspec
import pytest

from feira.contracts.message import Message
from tests.batches import MESSAGES

messages = pytest.mark.parametrize("kind", MESSAGES.values(), ids=lambda kind: kind.__name__)


def sample(kind: Any) -> Any:
    """A value of the type, made from its fields."""
    info = msgspec.inspect.type_info(kind)
    return msgspec.convert(_json_of(info), kind)


def _type(field: Any) -> Any:
    """The type of a field, without what is said about it."""
    return field.type.type if isinstance(field.type, msgspec.inspect.Metadata) else field.type


def _json_of(info: Any) -> Any:
    inspect = msgspec.inspect
    match info:
        case inspect.StructType():
            return {field.encode_name: _json_of(_type(field)) for field in info.fields}
        case inspect.VarTupleType():
            return [_json_of(info.item_type)]
        case inspect.UnionType():
            return _json_of(next(t for t in info.types if not isinstance(t, inspect.NoneType)))
        case inspect.IntType():
            return 7
        case inspect.StrType():
            return "text"
        case inspect.BoolType():
            return True
        case inspect.DateTimeType():
            return "2025-11-28T03:00:00Z"
        case _:
            raise AssertionError(f"no sample of {info}")


@messages
def test_a_message_is_named_after_its_service_and_itself(kind: type[Message]) -> None:
    service = kind.__module__.rpartition(".")[2]
    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()
    assert re.fullmatch(rf"feira\.{service}\.{snake}\.v[1-9][0-9]*", kind.TYPE)
    assert re.fullmatch(r"[a-z]+\.[a-z]+", kind.TOPIC)


@messages
def test_a_message_is_kept_in_order_by_one_of_its_fields(kind: type[Message]) -> None:
    assert kind.KEY in kind.__struct_fields__
    message = sample(kind)
    assert message.key == str(getattr(message, kind.KEY))


@messages
def test_a_message_survives_the_wire(kind: type[Message]) -> None:
    message = sample(kind)
    assert msgspec.json.decode(msgspec.json.encode(message), type=kind) == message


@messages
def test_a_newer_version_may_say_more(kind: type[Message]) -> None:
    said = msgspec.to_builtins(sample(kind)) | {"added_later": [1, {"x": None}]}
    assert msgspec.json.decode(msgspec.json.encode(said), type=kind) == sample(kind)


def test_no_two_messages_share_a_name() -> None:
    kinds = set(Message.__subclasses__())
    named = {kind.TYPE for kind in kinds if kind.__module__.startswith("feira.contracts.")}
    assert named == set(MESSAGES)
    assert len(MESSAGES) == len({kind.__name__ for kind in MESSAGES.values()})
