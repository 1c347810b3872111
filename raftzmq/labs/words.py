"""A text in the languages that labs are told in."""

from __future__ import annotations

from dataclasses import dataclass

ENGLISH, JAPANESE = "en", "ja"
LANGUAGES = (ENGLISH, JAPANESE)


@dataclass(frozen=True, slots=True)
class Words:
    """The same in English and in Japanese; ``{name}`` in both is a place for a value."""

    en: str
    ja: str

    def fill(self, **values: object) -> Words:
        """With values in their places, as `str.format` puts them; raises KeyError for a place that gets none."""
        return Words(self.en.format(**values), self.ja.format(**values))

    def to(self, language: str) -> str:
        """The text in one of `LANGUAGES`; in any other language, English."""
        return self.ja if language == JAPANESE else self.en

    def to_json(self) -> dict[str, str]:
        """By language."""
        return {ENGLISH: self.en, JAPANESE: self.ja}


def both(text: str) -> Words:
    """What is said in the same way in every language: names, sections, figures."""
    return Words(text, text)
