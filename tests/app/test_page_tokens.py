import pytest
from hypothesis import given
from hypothesis import strategies as st

from stylefacet.app.page_tokens import (
    clamp_page_size,
    make_page_token,
    read_page_offset,
    read_page_token,
)
from stylefacet.errors import InvalidField, PageTokenStale

requests = st.dictionaries(st.text(max_size=8), st.text(max_size=8) | st.integers(), max_size=4)


@given(requests, st.text(max_size=40))
def test_token_gives_back_its_position(request_: dict, position: str):
    assert read_page_token(make_page_token(request_, position), request_) == position


@given(requests, requests, st.text(max_size=10))
def test_token_is_bound_to_its_request(made_for: dict, used_for: dict, position: str):
    token = make_page_token(made_for, position)

    if made_for == used_for:
        return
    with pytest.raises(PageTokenStale):
        read_page_token(token, used_for)


@given(st.text(min_size=1, max_size=60))
def test_garbled_token_is_stale(token: str):
    with pytest.raises(PageTokenStale):
        read_page_token(token, {})


def test_no_token_is_the_beginning():
    assert read_page_token("", {"filter": "x"}) == ""


@pytest.mark.parametrize(("asked", "given_"), [(0, 50), (1, 1), (1000, 1000), (5000, 1000)])
def test_page_size_is_clamped(asked: int, given_: int):
    assert clamp_page_size(asked) == given_


def test_negative_page_size_is_refused():
    with pytest.raises(InvalidField, match="negative"):
        clamp_page_size(-1)


@pytest.mark.parametrize("position", ["-1", "x", "1e3", "\u0663", "9" * 40])
def test_token_with_an_offset_that_is_none_is_stale(position: str):
    with pytest.raises(PageTokenStale):
        read_page_offset(make_page_token({}, position), {})
