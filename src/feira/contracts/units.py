"""The units of numbers whose names do not tell them (`_id`, `_cents` and `_seconds` do).

They change nothing of a value: they stand in the schemas, and in the documents made from them.
"""

from typing import Annotated, TypeAlias

import msgspec

UNIT = "x-unit"
"""The keyword of a unit in a JSON Schema."""

Pieces: TypeAlias = Annotated[int, msgspec.Meta(extra_json_schema={UNIT: "pieces"})]
Ordinal: TypeAlias = Annotated[int, msgspec.Meta(extra_json_schema={UNIT: "ordinal"})]
"""It only counts: a higher one is later."""
UnixSeconds: TypeAlias = Annotated[int, msgspec.Meta(extra_json_schema={UNIT: "Unix seconds"})]
Rows: TypeAlias = Annotated[int, msgspec.Meta(extra_json_schema={UNIT: "rows"})]
