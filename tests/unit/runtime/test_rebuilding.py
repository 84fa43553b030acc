"""Which rows of a read model count as wrong, while the shop goes on."""

from feira.chassis.postgres.read_models import Difference, differences, fingerprint
from feira.contracts.catalog import ProductsRepeated
from feira.runtime.rebuilding import _Page, found_wrong

REBUILT = {1: (1, 10, 3), 2: (2, 20, 1)}


def test_equal_tables_have_equal_hashes_in_any_order() -> None:
    assert fingerprint(REBUILT) == fingerprint(dict(reversed(REBUILT.items())))
    assert fingerprint(REBUILT) != fingerprint(REBUILT | {2: (2, 21, 1)})
    assert fingerprint({}) != fingerprint(REBUILT)


def test_rows_differ_by_value_by_absence_and_by_being_there() -> None:
    found = {1: (1, 11, 3), 3: (3, 30, 1)}
    assert differences(found, REBUILT) == [
        Difference(1, (1, 11, 3), (1, 10, 3)),
        Difference(2, None, (2, 20, 1)),
        Difference(3, (3, 30, 1), None),
    ]
    assert differences(REBUILT, REBUILT) == []


def test_a_row_is_wrong_only_when_nobody_changes_it_meanwhile() -> None:
    damaged = Difference(1, (1, 999, 3), (1, 10, 3))
    busy, busier = Difference(2, (2, 20, 1), (2, 19, 2)), Difference(2, (2, 19, 2), (2, 18, 3))
    new = Difference(3, (3, 5, 1), None)
    assert list(found_wrong([damaged, busy], [damaged, busier, new])) == [damaged]


def test_a_page_is_whole_when_all_that_it_names_has_been_heard() -> None:
    page = _Page("me", after=10)
    page.keys |= {9, 11, 12, 25}
    assert not page.is_whole, "nobody has said how many there are"
    page.hear([ProductsRepeated(request_id="another", told=1)], ProductsRepeated)
    assert not page.is_whole, "that was said to somebody else"
    page.hear([ProductsRepeated(request_id="me", told=3, last_id=20)], ProductsRepeated)
    assert not page.is_whole, "25 is of the next page, 9 of the one before"
    page.keys.add(20)
    assert page.is_whole
