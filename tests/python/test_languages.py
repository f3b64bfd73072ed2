# SPDX-License-Identifier: Apache-2.0
"""Texts that are there in English, in Chinese, and in Chinese as it is written in Taiwan."""

import re

import pytest
from chinese import HAN, assert_of_china, assert_of_taiwan, assert_same_terms
from conftest import ROOT

STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')


def rows_of(name, entry):
    """The last three strings of each entry of a table of the doctor."""
    text = (ROOT / "lib/doctor/judge" / name).read_text().partition("clang-format off")[2]
    rows = re.split(rf"^{entry}\(", text, flags=re.M)[1:]
    return [STRING.findall(re.sub(r'"\s*\n\s*"', "", row))[-3:] for row in rows]


@pytest.mark.parametrize(
    "name, entry, least", [("sentences.def", "SENTENCE", 40), ("cures.def", "CURE", 60)]
)
def test_what_the_doctor_says(name, entry, least):
    rows = rows_of(name, entry)
    assert len(rows) >= least
    for english, china, taiwan in rows:
        assert not HAN.search(english), english
        for text in (china, taiwan):
            assert HAN.search(text), text
            assert sorted(re.findall(r"{\w+}", text)) == sorted(re.findall(r"{\w+}", english))
        assert_of_china(china)
        assert_of_taiwan(taiwan)
        assert_same_terms(china, taiwan)
