"""The words by which people say that they want no more messages, or want them again. Pure.

Only a message that is nothing but such a word counts: "stop sending me the red one" is for a person
to read. In English they are those that carriers take in the United States; of other languages those
that nobody writes as an answer to a question.
"""

import unicodedata
from collections.abc import Mapping
from typing import Literal

from gateway.core.catalogue import nearest_tag

Wish = Literal["stop", "start"]

STOP: Mapping[str, tuple[str, ...]] = {
    "en": (
        "stop",
        "stopall",
        "stop all",
        "unsubscribe",
        "end",
        "quit",
        "cancel",
        "optout",
        "opt out",
        "revoke",
        "please stop",
        "stop please",
    ),
    "es": ("baja", "darme de baja", "alto", "parar", "cancelar suscripción"),
    "de": ("stopp", "abmelden", "abbestellen", "austragen"),
    "fr": ("arrêt", "arrêter", "arrêtez", "désabonner", "désinscription"),
    "pt": ("sair", "parar mensagens", "descadastrar", "cancelar inscrição"),
    "it": ("cancellami", "disiscrivi", "disiscrivimi", "ferma"),
    "nl": ("afmelden", "uitschrijven", "stoppen"),
    "pl": ("wypisz", "rezygnuję", "koniec wiadomości"),
    "sv": ("avsluta", "avregistrera"),
    "da": ("afmeld", "frameld"),
    "no": ("avmeld", "meld av"),
    "fi": ("lopeta", "peruuta tilaus"),
    "cs": ("odhlásit", "odhlasit odběr"),
    "hu": ("leiratkozás", "leiratkozom"),
    "ro": ("dezabonare", "mă dezabonez"),
    "el": ("διακοπή", "διαγραφή"),
    "tr": ("iptal", "ret", "durdur"),
    "ru": ("стоп", "отписаться", "отпишите меня"),
    "uk": ("відписатися", "відписатись"),
    "ar": ("إيقاف", "الغاء الاشتراك", "إلغاء الاشتراك", "توقف"),
    "he": ("הסר", "הסירו אותי"),
    "hi": ("बंद करें", "रोकें"),
    "zh": ("退订", "停止发送", "取消订阅", "td"),
    "zh-TW": ("退訂", "停止發送", "取消訂閱"),
    "ja": ("停止", "配信停止", "解除"),
    "ko": ("수신거부", "그만"),
}
START: Mapping[str, tuple[str, ...]] = {
    "en": ("start", "unstop", "resume", "subscribe", "opt in", "optin"),
    "es": ("alta", "reanudar", "iniciar"),
    "de": ("anmelden", "weiter"),
    "fr": ("commencer", "reprendre", "réabonner"),
    "pt": ("voltar", "iniciar mensagens"),
    "it": ("inizia", "riprendi"),
    "nl": ("aanmelden", "hervatten"),
    "pl": ("wznów",),
    "ru": ("старт", "подписаться"),
    "ar": ("ابدأ", "استئناف"),
    "zh": ("开始", "恢复订阅"),
    "zh-TW": ("開始", "恢復訂閱"),
    "ja": ("再開", "配信再開"),
    "ko": ("시작", "수신동의"),
}
CONFIRMED: Mapping[str, tuple[str, str]] = {
    "en": (
        "You will get no more messages from us here. To get them again, write START.",
        "You will get our messages here again. To end them, write STOP.",
    ),
    "es": (
        "No recibirás más mensajes nuestros aquí. Para volver a recibirlos, escribe ALTA.",
        "Volverás a recibir nuestros mensajes aquí. Para terminar, escribe BAJA.",
    ),
    "de": (
        "Sie bekommen hier keine Nachrichten mehr von uns. Wieder beginnen: START.",
        "Sie bekommen hier wieder Nachrichten von uns. Beenden: STOPP.",
    ),
    "fr": (
        "Vous ne recevrez plus de messages de notre part ici. Pour reprendre : START.",
        "Vous recevrez de nouveau nos messages ici. Pour arrêter : STOP.",
    ),
    "pt": (
        "Você não receberá mais mensagens nossas aqui. Para voltar, escreva START.",
        "Você voltará a receber nossas mensagens aqui. Para sair, escreva SAIR.",
    ),
    "it": (
        "Non riceverai più nostri messaggi qui. Per riprendere scrivi START.",
        "Riceverai di nuovo i nostri messaggi qui. Per terminare scrivi STOP.",
    ),
    "nl": (
        "U krijgt hier geen berichten meer van ons. Weer ontvangen: START.",
        "U krijgt hier weer berichten van ons. Stoppen: STOP.",
    ),
    "pl": (
        "Nie będziemy tu więcej do Ciebie pisać. Aby to zmienić, napisz START.",
        "Znów będziemy tu do Ciebie pisać. Aby to zakończyć, napisz STOP.",
    ),
    "ru": (
        "Мы больше не будем писать вам сюда. Чтобы возобновить, напишите START.",
        "Мы снова будем писать вам сюда. Чтобы прекратить, напишите СТОП.",
    ),
    "ar": (
        "لن تصلك رسائل منا هنا بعد الآن. للعودة أرسل START.",
        "ستصلك رسائلنا هنا من جديد. للإيقاف أرسل STOP.",
    ),
    "zh": (
        "您将不会在此再收到我们的消息。如需恢复，请回复 START。",
        "您将重新在此收到我们的消息。如需退订，请回复 退订。",
    ),
    "zh-TW": (
        "您將不會在此再收到我們的訊息。如需恢復，請回覆 START。",
        "您將重新在此收到我們的訊息。如需退訂，請回覆 退訂。",
    ),
    "ja": (
        "今後こちらへのメッセージはお送りしません。再開するには START とお送りください。",
        "こちらへのメッセージを再開します。停止するには STOP とお送りください。",
    ),
}
LONGEST = 40
"""Characters: what is longer is no such word."""


def plain(text: str) -> str:
    """As words are compared: case, accents, signs around and between them make no difference."""
    folded = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).casefold())
    kept = (
        " " if unicodedata.category(c)[0] in "PSZC" else c
        for c in folded
        if unicodedata.category(c) not in ("Mn", "Cf")
    )
    return " ".join("".join(kept).split())


def _by_word(words: Mapping[str, tuple[str, ...]], wish: Wish) -> dict[str, tuple[Wish, str]]:
    return {plain(word): (wish, language) for language, all_ in words.items() for word in all_}


_WISHES = {**_by_word(START, "start"), **_by_word(STOP, "stop")}


def wish_of(text: str) -> tuple[Wish, str] | None:
    """What somebody wants who writes nothing else, and the language of the word."""
    return _WISHES.get(plain(text)) if len(text) <= LONGEST else None


def confirmation(wish: Wish, language: str) -> str:
    """What is answered, in the nearest language there is, else in English."""
    return CONFIRMED[nearest_tag(CONFIRMED, language)][0 if wish == "stop" else 1]
