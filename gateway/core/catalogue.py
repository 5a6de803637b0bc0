"""What the house says to customers by itself, in the languages of the chat window. One catalogue.

The customer's conversation says in which language: the nearest that there is (RFC 4647 §3.4) or
that ``ALSO`` declares, then English. Whoever declares texts of their own has those said.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Literal, get_args

from gateway.core.rules.texts import nearest

Say = Literal[
    "person",
    "helped",
    "ticket",
    "waiting",
    "working",
    "yours",
    "calling",
    "calling_at",
    "promised",
    "expected",
    "joined",
    "call_missed",
    "call_offer",
]
SAYS: tuple[Say, ...] = get_args(Say)
"""In this order each language has its texts; one that has only the first two has no others."""

USUAL = "en"
ALSO: Mapping[str, str] = {
    "zh-hant": "zh-TW",
    "zh-hk": "zh-TW",
    "zh-mo": "zh-TW",
    "yue": "zh-TW",
    "ca": "es",
    "gl": "es",
    "eu": "es",
}
"""Whose speakers read the other one as well; by lower-case tag. The rest is told in English."""

LANGUAGES: Mapping[str, tuple[str, ...]] = {
    "en": (
        "Talk to a person",
        "That helped",
        "Ticket {number}",
        "It is waiting for one of us.",
        "One of us is working on it.",
        "We are waiting for your answer.",
        "We will call you back as soon as somebody is free.",
        "We will call you back: {when}.",
        "We have promised: {text} (by {when}).",
        "You will hear from us by {when}.",
        "What you have just written has been added to it, and a person will read it.",
        (
            "We have tried to call you back and did not reach you."
            " Please write to us, or tell us when we may call again."
        ),
        (
            "It takes longer than usual just now. We can call you instead, and you keep your"
            " place: tell us your telephone number."
        ),
    ),
    "es": (
        "Hablar con una persona",
        "Me ha servido",
        "Ticket {number}",
        "Está a la espera de que lo atendamos.",
        "Uno de nosotros está trabajando en ello.",
        "Estamos esperando tu respuesta.",
        "Te llamaremos en cuanto haya alguien libre.",
        "Te llamaremos: {when}.",
        "Hemos prometido: {text} (antes de: {when}).",
        "Tendrás noticias nuestras antes de: {when}.",
        "Hemos añadido lo que acabas de escribir, y lo leerá una persona.",
        (
            "Hemos intentado llamarte y no hemos podido hablar contigo."
            " Escríbenos o dinos cuándo podemos volver a llamarte."
        ),
        (
            "Ahora mismo tardamos más de lo habitual. Si lo prefieres, te llamamos y conservas tu"
            " lugar: dinos tu número de teléfono."
        ),
    ),
    "zh": (
        "转人工客服",
        "问题已解决",
        "工单 {number}",
        "正在等待客服受理。",
        "客服正在处理。",
        "我们正在等待您的答复。",
        "一有空闲客服，我们就给您回电。",
        "我们将给您回电：{when}。",
        "我们已承诺：{text}（最迟 {when}）。",
        "我们最迟会在 {when} 之前联系您。",
        "您刚才写的内容已添加到该工单，客服会阅读。",
        "我们曾尝试给您回电，但未能联系到您。请给我们留言，或告诉我们何时可以再次致电。",
        "目前等待时间比平时长。我们可以给您回电，您的排队位置会保留：请告诉我们您的电话号码。",
    ),
    "zh-TW": (
        "轉接真人客服",
        "問題已解決",
        "工單 {number}",
        "正在等待客服受理。",
        "客服正在處理。",
        "我們正在等待您的回覆。",
        "一有客服人員有空，我們就會回電給您。",
        "我們將回電給您：{when}。",
        "我們已承諾：{text}（最遲 {when}）。",
        "我們最遲會在 {when} 之前與您聯絡。",
        "您剛才寫的內容已加入此工單，客服人員會閱讀。",
        "我們曾嘗試回電給您，但未能聯絡到您。請留言給我們，或告訴我們何時可以再次致電。",
        "目前等候時間比平常長。我們可以回電給您，您的排隊順位會保留：請告訴我們您的電話號碼。",
    ),
    "de": (
        "Mit einem Menschen sprechen",
        "Das hat geholfen",
        "Ticket {number}",
        "Es wartet darauf, dass jemand von uns es übernimmt.",
        "Jemand von uns arbeitet daran.",
        "Wir warten auf Ihre Antwort.",
        "Wir rufen Sie zurück, sobald jemand frei ist.",
        "Wir rufen Sie zurück: {when}.",
        "Wir haben versprochen: {text} (bis {when}).",
        "Sie hören spätestens {when} von uns.",
        "Was Sie gerade geschrieben haben, gehört jetzt dazu; ein Mensch liest es.",
        (
            "Wir haben versucht, Sie zurückzurufen, und Sie nicht erreicht."
            " Bitte schreiben Sie uns, oder sagen Sie uns, wann wir wieder anrufen dürfen."
        ),
        (
            "Es dauert gerade länger als sonst. Wir können Sie auch anrufen, und Ihr Platz bleibt:"
            " Nennen Sie uns Ihre Telefonnummer."
        ),
    ),
    "fr": (
        "Parler à une personne",
        "Cela m’a aidé",
        "Ticket {number}",
        "Il attend d’être pris en charge par l’un de nous.",
        "L’un de nous y travaille.",
        "Nous attendons votre réponse.",
        "Nous vous rappelons dès que quelqu’un est disponible.",
        "Nous vous rappelons : {when}.",
        "Nous avons promis : {text} (avant le {when}).",
        "Vous aurez de nos nouvelles au plus tard le {when}.",
        "Ce que vous venez d’écrire y a été ajouté ; une personne le lira.",
        (
            "Nous avons essayé de vous rappeler sans parvenir à vous joindre."
            " Écrivez-nous, ou dites-nous quand nous pouvons rappeler."
        ),
        (
            "L’attente est plus longue que d’habitude. Nous pouvons vous appeler, et vous gardez"
            " votre place : indiquez-nous votre numéro de téléphone."
        ),
    ),
    "pt": (
        "Falar com uma pessoa",
        "Isso resolveu",
        "Chamado {number}",
        "Está aguardando um de nós.",
        "Um de nós está cuidando disso.",
        "Estamos aguardando sua resposta.",
        "Ligaremos para você assim que alguém estiver livre.",
        "Ligaremos para você: {when}.",
        "Prometemos: {text} (até {when}).",
        "Você terá notícias nossas até {when}.",
        "O que você acabou de escrever foi acrescentado, e uma pessoa vai ler.",
        (
            "Tentamos ligar para você e não conseguimos falar."
            " Escreva para nós ou diga quando podemos ligar de novo."
        ),
        (
            "Agora está demorando mais do que o normal. Podemos ligar para você, e seu lugar fica"
            " guardado: informe seu número de telefone."
        ),
    ),
    "ar": (
        "التحدث إلى شخص",
        "هذا ساعدني",
        "تذكرة {number}",
        "هي في انتظار أحد زملائنا.",
        "يعمل عليها أحد زملائنا.",
        "نحن في انتظار ردّك.",
        "سنتصل بك حالما يتفرغ أحد.",
        "سنتصل بك: {when}.",
        "وعدناك بما يلي: {text} (قبل {when}).",
        "سيصلك ردّنا قبل {when}.",
        "أُضيف إليها ما كتبته الآن، وسيقرؤه شخص.",
        (
            "حاولنا الاتصال بك ولم نتمكن من الوصول إليك."
            " اكتب إلينا، أو أخبرنا متى يمكننا الاتصال مرة أخرى."
        ),
        "الانتظار الآن أطول من المعتاد. يمكننا الاتصال بك وتحتفظ بدورك: أخبرنا برقم هاتفك.",
    ),
    "it": (
        "Parlare con una persona",
        "Mi è stato utile",
        "Ticket {number}",
        "È in attesa di uno di noi.",
        "Uno di noi se ne sta occupando.",
        "Stiamo aspettando la tua risposta.",
        "Ti richiamiamo appena qualcuno è libero.",
        "Ti richiamiamo: {when}.",
        "Abbiamo promesso: {text} (entro: {when}).",
        "Avrai nostre notizie entro: {when}.",
        "Ciò che hai appena scritto è stato aggiunto e sarà letto da una persona.",
        (
            "Abbiamo provato a richiamarti, ma non ti abbiamo trovato."
            " Scrivici o dicci quando possiamo richiamare."
        ),
        (
            "In questo momento l’attesa è più lunga del solito. Possiamo chiamarti noi e mantieni"
            " il tuo posto: dicci il tuo numero di telefono."
        ),
    ),
    "nl": (
        "Met een medewerker praten",
        "Dat heeft geholpen",
        "Ticket {number}",
        "Het wacht tot iemand van ons het oppakt.",
        "Iemand van ons is ermee bezig.",
        "Wij wachten op uw antwoord.",
        "Wij bellen u terug zodra er iemand vrij is.",
        "Wij bellen u terug: {when}.",
        "Wij hebben beloofd: {text} (uiterlijk {when}).",
        "U hoort uiterlijk {when} van ons.",
        "Wat u zojuist hebt geschreven, is eraan toegevoegd; een medewerker leest het.",
        (
            "Wij hebben geprobeerd u terug te bellen, maar konden u niet bereiken."
            " Schrijf ons, of laat weten wanneer wij weer mogen bellen."
        ),
        (
            "Het duurt nu langer dan gewoonlijk. Wij kunnen u ook bellen, en u houdt uw plaats:"
            " geef ons uw telefoonnummer."
        ),
    ),
    "pl": (
        "Porozmawiaj z człowiekiem",
        "To pomogło",
        "Zgłoszenie {number}",
        "Czeka, aż ktoś z nas się nim zajmie.",
        "Ktoś z nas nad nim pracuje.",
        "Czekamy na Twoją odpowiedź.",
        "Oddzwonimy, gdy tylko ktoś będzie wolny.",
        "Oddzwonimy: {when}.",
        "Obiecaliśmy: {text} (do {when}).",
        "Odezwiemy się najpóźniej {when}.",
        "To, co właśnie napisałeś lub napisałaś, zostało do niego dodane i przeczyta to człowiek.",
        (
            "Próbowaliśmy oddzwonić, ale nie udało się z Tobą połączyć."
            " Napisz do nas albo powiedz, kiedy możemy zadzwonić ponownie."
        ),
        (
            "Teraz trwa to dłużej niż zwykle. Możemy zadzwonić, a Twoje miejsce zostaje:"
            " podaj nam swój numer telefonu."
        ),
    ),
    "ru": (
        "Связаться с человеком",
        "Это помогло",
        "Обращение {number}",
        "Оно ждёт нашего сотрудника.",
        "Наш сотрудник работает над ним.",
        "Мы ждём вашего ответа.",
        "Мы перезвоним, как только кто-то освободится.",
        "Мы вам перезвоним: {when}.",
        "Мы обещали: {text} (до {when}).",
        "Мы ответим вам не позднее {when}.",
        "То, что вы сейчас написали, добавлено к нему, и это прочитает человек.",
        (
            "Мы пытались вам перезвонить, но не смогли дозвониться."
            " Напишите нам или скажите, когда можно позвонить ещё раз."
        ),
        (
            "Сейчас ждать приходится дольше обычного. Мы можем вам позвонить, а ваше место"
            " сохранится: сообщите нам свой номер телефона."
        ),
    ),
    "ja": (
        "担当者と話す",
        "解決しました",
        "チケット {number}",
        "担当者の対応をお待ちいただいています。",
        "担当者が対応しています。",
        "お客様からのご返信をお待ちしています。",
        "担当者が空き次第、こちらからお電話します。",
        "こちらからお電話します：{when}",
        "お約束したこと：{text}（{when}まで）",
        "{when}までにご連絡します。",
        "いまお書きいただいた内容はこのチケットに追加され、担当者が確認します。",
        (
            "折り返しお電話しましたが、つながりませんでした。"
            "メッセージをお送りいただくか、ご都合のよい日時をお知らせください。"
        ),
        (
            "ただいま通常よりお時間がかかっています。順番はそのままでこちらからお電話することもできます。"
            "お電話番号をお知らせください。"
        ),
    ),
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


def our_words(name: Say, language: str) -> str:
    """How the house says it to somebody of this language."""
    texts = _said(name)
    return texts[nearest_tag(texts, language)]


def in_words(own: Mapping[str, str], name: Say, language: str) -> str:
    """As ``own`` has it by language; in our words where that has nothing, or only our English."""
    if not own or dict(own) == {"": _said(name)[USUAL]}:
        return our_words(name, language)
    return nearest(dict(own), language)


def whole(language: str) -> str:
    """The language in which everything can be said to somebody of this one."""
    return nearest_tag(_said(SAYS[-1]), language)


def every(name: Say) -> tuple[str, ...]:
    """All ways of saying it: whoever writes freely may do so in any language."""
    return tuple(dict.fromkeys(_said(name).values()))


@lru_cache(maxsize=len(SAYS))
def _said(name: Say) -> dict[str, str]:
    at = SAYS.index(name)
    return {tag: texts[at] for tag, texts in LANGUAGES.items() if len(texts) > at}


_TAGS = {tag.lower(): tag for tag in LANGUAGES}


def nearest_tag(texts: Mapping[str, object], language: str) -> str:
    """Cut from its end (RFC 4647 §3.4), and at each step what is declared for what is left."""
    wanted = language.replace("_", "-").lower()
    while wanted:
        for tag in (_TAGS.get(wanted, ""), ALSO.get(wanted, "")):
            if tag in texts:
                return tag
        wanted = wanted.rpartition("-")[0]
    return USUAL
