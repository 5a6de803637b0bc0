"""What the front door says by itself, in the languages that it speaks; rules may say otherwise."""

from collections.abc import Mapping
from typing import Literal

from gateway.core.rules.rule import Labels
from gateway.core.rules.texts import nearest

Phrase = Literal["person", "helped"]
_NAMES: tuple[Phrase, ...] = ("person", "helped")
_SPOKEN: Mapping[str, tuple[str, ...]] = {
    "": ("Talk to a person", "That helped"),
    "en": ("Talk to a person", "That helped"),
    "es": ("Hablar con una persona", "Me ha servido"),
    "zh": ("转人工客服", "问题已解决"),
    "zh-TW": ("轉接真人客服", "問題已解決"),
    "zh-HK": ("轉接真人客服", "問題已解決"),
    "zh-Hant": ("轉接真人客服", "問題已解決"),
    "de": ("Mit einem Menschen sprechen", "Das hat geholfen"),
    "fr": ("Parler à une personne", "Cela m’a aidé"),
    "pt": ("Falar com uma pessoa", "Isso resolveu"),
    "ar": ("التحدث إلى شخص", "هذا ساعدني"),
    "it": ("Parlare con una persona", "Mi è stato utile"),
    "nl": ("Met een medewerker praten", "Dat heeft geholpen"),
    "pl": ("Porozmawiaj z człowiekiem", "To pomogło"),
    "ru": ("Связаться с человеком", "Это помогло"),
    "ja": ("担当者と話す", "解決しました"),
    "ko": ("상담원과 대화하기", "해결되었습니다"),
    "tr": ("Bir kişiyle görüş", "Bu yardımcı oldu"),
    "sv": ("Prata med en person", "Det hjälpte"),
    "da": ("Tal med en person", "Det hjalp"),
    "nb": ("Snakk med en person", "Det hjalp"),
    "no": ("Snakk med en person", "Det hjalp"),
    "fi": ("Puhu ihmisen kanssa", "Tästä oli apua"),
    "cs": ("Mluvit s člověkem", "To pomohlo"),
    "el": ("Μιλήστε με έναν άνθρωπο", "Αυτό βοήθησε"),
    "he": ("לדבר עם אדם", "זה עזר"),
    "hi": ("किसी व्यक्ति से बात करें", "इससे मदद मिली"),
    "id": ("Bicara dengan petugas", "Ini membantu"),
    "uk": ("Поговорити з людиною", "Це допомогло"),
}
PERSON_WORDS = (
    "person",
    "human",
    "agent",
    "operator",
    "representative",
    "persona",
    "humano",
    "agente",
    "mensch*",
    "mitarbeiter*",
    "personne",
    "humain",
    "pessoa",
    "umano",
    "人工",
    "担当者",
    "상담원",
    "человек*",
    "оператор*",
    "إنسان",
    "موظف",
)
"""By these somebody who writes freely asks for a person, too."""


def phrase(name: Phrase, language: str, own: Labels | None = None) -> str:
    """In the nearest language; ``own`` is how the house says it, where it says it."""
    said = nearest(own, language) if own is not None else ""
    if said:
        return said
    at = _NAMES.index(name)
    return nearest({tag: texts[at] for tag, texts in _SPOKEN.items()}, language)


def every(name: Phrase, own: Labels | None = None) -> tuple[str, ...]:
    """All ways of saying it: whoever writes freely may do so in any language."""
    at = _NAMES.index(name)
    owned = (own,) if isinstance(own, str) else tuple(own.values()) if own is not None else ()
    return tuple(dict.fromkeys((*owned, *(texts[at] for texts in _SPOKEN.values()))))
