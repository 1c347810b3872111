"""English and Japanese have the same words: whatever the page says in one language, it says in the other."""

from __future__ import annotations

import asyncio

from raftzmq.collector.web.assets import STATIC
from tests.collector.web.support import serving
from tests.page.chromium import tab

_SHAPE = """
Promise.all(NAMES.map(async (name) => {
  const shape = (value) => {
    if (Array.isArray(value)) return value.map(shape);
    if (value instanceof RegExp || value === null || typeof value !== "object") return typeof value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, shape(one)]));
  };
  const { en, ja } = await import(`/static/words/${name}`);
  return [name, shape(en), shape(ja)];
}))
"""
MORE_IN_JAPANESE = ("reasons", "patterns")
"""What nodes say themselves is English already."""


def differences(where: str, english: object, japanese: object) -> list[str]:
    """What one has and the other lacks, or has in another form."""
    if isinstance(english, dict) and isinstance(japanese, dict):
        keys = sorted((english.keys() | japanese.keys()) - set(MORE_IN_JAPANESE))
        return [found for key in keys for found in differences(f"{where}.{key}", english.get(key), japanese.get(key))]
    if isinstance(english, list) and isinstance(japanese, list) and len(english) == len(japanese):
        return [
            found
            for k, pair in enumerate(zip(english, japanese, strict=True))
            for found in differences(f"{where}[{k}]", *pair)
        ]
    return [] if english == japanese else [f"{where}: {english} and {japanese}"]


def test_both_languages_have_the_same_words() -> None:
    async def compare() -> None:
        names = sorted(path.name for path in (STATIC / "words").iterdir())
        with serving(3) as one:
            async with tab() as page:
                await page.open(f"http://127.0.0.1:{one.address[1]}/?language=en")
                await page.until("window.raftzmq")
                for name, english, japanese in await page.value(_SHAPE.replace("NAMES", str(names))):
                    assert english, name
                    assert differences(name, english, japanese) == []

    asyncio.run(compare())


def test_a_difference_is_found() -> None:
    english = {"a": "string", "b": {"c": "function"}, "d": ["string"], "reasons": {"x": "string"}}
    assert differences("w", english, {"a": "string", "b": {"c": "function"}, "d": ["string"], "reasons": {}}) == []
    assert differences("w", english, {"a": "string", "b": {}, "d": ["string", "string"]}) == [
        "w.b.c: function and None",
        "w.d: ['string'] and ['string', 'string']",
    ]


_CLASHES = """
Promise.all([import("/static/words/page.js"), ...NAMES.map((name) => import(`/static/words/${name}.js`))]).then(
  ([page]) => NAMES.filter((name) => name !== "page" && name in page.en),
)
"""


def test_no_part_of_the_page_hides_the_words_of_another() -> None:
    async def look() -> None:
        names = sorted(path.stem for path in (STATIC / "words").iterdir())
        with serving(3) as one:
            async with tab() as page:
                await page.open(f"http://127.0.0.1:{one.address[1]}/?language=en")
                await page.until("window.raftzmq")
                assert await page.value(_CLASHES.replace("NAMES", str(names))) == []

    asyncio.run(look())


_DONE = """
import("/static/words/faults.js").then(({ LANGUAGE: { done } }) => {
  const link = (asked) => done.link({ groups: [["n1", "n2"]] }, { both: false, for_s: 0, cut: false, ...asked });
  const resume = (...names) => done.resume({ groups: names.map((name) => [name]) });
  return [link({}), link({ cut: true }), link({ cut: true, both: true, for_s: 5 }), resume("n1"), resume("n1", "n2")];
})
"""


def test_what_was_done_is_said_as_it_was() -> None:
    """A link that carries nothing is cut, not spoiled; and one node goes on where several go on."""

    async def ask() -> None:
        with serving(3) as one:
            async with tab() as page:
                await page.open(f"http://127.0.0.1:{one.address[1]}/?language=en")
                await page.until("window.raftzmq")
                assert await page.value(_DONE.replace("LANGUAGE", "en")) == [
                    "n1 → n2 is spoiled until it is healed.",
                    "n1 → n2 is cut until it is healed.",
                    "n1 ↔ n2 is cut for 5 s.",
                    "n1 goes on.",
                    "n1, n2 go on.",
                ]
                assert await page.value(_DONE.replace("LANGUAGE", "ja")) == [
                    "n1 → n2 に障害(修復するまで)",
                    "n1 → n2 を切断(修復するまで)",
                    "n1 ↔ n2 を切断(5 秒間)",
                    "n1 を再開しました。",
                    "n1、n2 を再開しました。",
                ]

    asyncio.run(ask())
