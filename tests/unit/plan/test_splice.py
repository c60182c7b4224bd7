"""Splicing keeps every character and every way back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sqlml.plan.splice import concatenate, embed, plain, splice
from sqlml.source import Span


def test_what_is_not_replaced_stays_and_points_back() -> None:
    text = "SELECT x FROM ML.A() WHERE y"
    call = Span(14, 20)
    spliced = splice(text, Span(0, len(text)), [(call, embed("(SELECT 1 AS x)", [], call))])
    assert spliced.text == "SELECT x FROM (SELECT 1 AS x) WHERE y"
    y = spliced.text.index(" y") + 1
    origin = spliced.origin(Span(y, y + 1))
    assert origin is not None
    assert text[origin.start : origin.end] == "y"


def test_generated_text_points_to_the_call_and_the_users_text_inside_it_to_itself() -> None:
    text = "FROM ML.A((SELECT nope FROM t))"
    inner = splice(text, Span(11, 29), [])
    call = Span(5, len(text))
    spliced = splice(text, Span(0, len(text)), [(call, embed(f"(SELECT p FROM ({inner.text}))", [inner], call))])
    nope = spliced.text.index("nope")
    origin = spliced.origin(Span(nope, nope + 4))
    assert origin is not None
    assert text[origin.start : origin.end] == "nope"
    generated = spliced.text.index("SELECT p")
    assert spliced.origin(Span(generated, generated + 6)) == call


def test_the_outermost_of_nested_replacements_wins() -> None:
    text = "a(b(c))d"
    inner, outer = (Span(2, 6), plain("X")), (Span(0, 7), plain("Y"))
    assert splice(text, Span(0, 8), [inner, outer]).text == "Yd"
    assert splice(text, Span(2, 6), [inner, outer]).text == "X"


@given(st.text(max_size=40), st.data())
def test_splicing_nothing_is_the_identity_and_every_place_maps_to_itself(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    spliced = concatenate([plain(">>"), splice(text, Span(start, end), []), plain("<<")])
    assert spliced.text == f">>{text[start:end]}<<"
    for place in range(start, end):
        origin = spliced.origin(Span(place - start + 2, place - start + 3))
        assert origin == Span(place, place + 1)
