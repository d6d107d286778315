"""Figures of very many rows draw some of them, and say so."""

import numpy as np

from bayesq.plot import shown_rows
from bayesq.plot.shown_rows import some_in_words, some_of


def test_up_to_a_size_all_rows_are_drawn():
    np.testing.assert_array_equal(some_of(shown_rows._MANY), np.arange(shown_rows._MANY))
    assert some_in_words(shown_rows._MANY) == ""


def test_of_very_many_the_same_some_are_drawn_and_counted():
    some = some_of(1_000_000)
    np.testing.assert_array_equal(some, some_of(1_000_000))
    assert len(np.unique(some)) == len(some) == 5_000
    assert (np.diff(some) > 0).all()
    assert some_in_words(1_000_000) == " 5,000 of 1,000,000 rows are drawn."
