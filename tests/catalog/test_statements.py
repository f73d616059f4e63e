"""Lists for SQL's IN: short, of few lengths, and naming nothing that was not asked for."""

import pytest

from stylefacet.catalog.statements import in_lists


@pytest.mark.parametrize(("count", "lengths"), [(0, []), (1, [1]), (5, [8]), (1000, [1000])])
def test_a_list_is_as_long_as_the_next_power_of_two_up_to_the_limit(count: int, lengths: list[int]):
    assert [len(some) for some in in_lists(range(count))] == lengths


def test_many_values_are_divided_and_none_is_lost_or_added():
    lists = list(in_lists(range(2_345)))

    assert [len(some) for some in lists] == [1000, 1000, 512]
    assert {value for some in lists for value in some} == set(range(2_345))
