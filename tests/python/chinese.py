# SPDX-License-Identifier: Apache-2.0
"""Whether Chinese is written as it is in China, or as in Taiwan. The character sets of the two know
hardly any character of the other's, and words that differ are listed."""

import html.parser
import re

HAN = re.compile("[\u4e00-\u9fff]")
# Characters of both sets: in China they stand for these words too, in Taiwan for others.
MERGED = "后里几于并云"
# The field's terms: in China, in Taiwan, as patterns.
TERMS = {
    "学习率": "學習率",
    "梯度": "梯度",
    "动量": "動量",
    "优化器": "最佳化器",
    "参数": "參數",
    "程序": "程式(?!碼)",
    "默认": "預設",
    "损失": "損失",
    "网络": "網路",
    "数据": "資料",
}
# What a text has instead that was converted letter by letter, or term by term without its field.
NOT_IN_TAIWAN = (
    "優化器|引數|程序|默認|缺省|網絡|數據|信息|噪聲|調度|計劃|代碼|函式|設置|屏幕|視頻|關系|"
    "歸一化|步子|舍入|[“”]"
)


def assert_of_china(text):
    """GB 2312 has the simplified characters."""
    for letter in HAN.findall(text):
        assert letter.encode("gb2312", "replace") != b"?", f"{letter} in {text}"


def assert_of_taiwan(text):
    """Big5 has the traditional characters."""
    for letter in HAN.findall(text):
        assert letter.encode("big5", "replace") != b"?", f"{letter} in {text}"
    assert not re.search(f"[{MERGED}]", text), text
    found = re.search(NOT_IN_TAIWAN, text)
    assert not found, f"{found[0]} in {text}"


def assert_same_terms(china, taiwan):
    """A term here is the term there."""
    for here, there in TERMS.items():
        both = bool(re.search(here, china)), bool(re.search(there, taiwan))
        assert both[0] == both[1], f"{here}, {there}: {china} | {taiwan}"


class _Chinese(html.parser.HTMLParser):
    """What stands in each kind of Chinese: in an element with that lang, whatever is inside, and in
    what languages.js makes attributes of."""

    VOID = ("meta", "link", "input", "img", "br")

    def __init__(self):
        super().__init__()
        self.open, self.texts = [None], {"zh-CN": [], "zh-TW": []}

    def handle_starttag(self, tag, attributes):
        said = dict(attributes).get("data-said")
        if said:
            _, _, china, taiwan = said.split("|")
            self.texts["zh-CN"].append(china)
            self.texts["zh-TW"].append(taiwan)
        language = dict(attributes).get("lang")
        if language in self.texts:
            self.texts[language].append("")
        if tag not in self.VOID:
            self.open.append(language or self.open[-1])

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        self.open.pop()

    def handle_data(self, data):
        if self.open[-1] in self.texts:
            self.texts[self.open[-1]][-1] += data


def assert_page_is_of_its_readers(text):
    """Each Chinese text of a page, or of a picture by itself, stands there as both write it."""
    for first, language in (("zh", "zh-CN"), ("zh-TW", "zh-TW")):
        text = text.replace(f'systemLanguage="{first},', f'lang="{language}" also="')
    page = _Chinese()
    page.feed(text)
    china, taiwan = (page.texts[language] for language in ("zh-CN", "zh-TW"))
    assert len(china) == len(taiwan) > 1
    for here, there in zip(china, taiwan, strict=True):
        if here == "繁體中文":
            continue  # the button leads to it
        assert_of_china(here)
        assert_of_taiwan(there)
        assert_same_terms(here, there)
