"""What the house writes by itself to who comes by mail, a sentence at a time, by language.

Whole languages only: a letter is never half in English. ``core.catalogue`` finds the nearest.
"""

from collections.abc import Mapping
from typing import Literal, get_args

from gateway.core.catalogue import nearest_tag

Part = Literal[
    "received",
    "answer_by",
    "answer_soon",
    "page",
    "later_by",
    "later_soon",
    "solved",
    "rate",
    "automatic",
]
PARTS: tuple[Part, ...] = get_args(Part)
"""In this order each language has its sentences."""

LETTERS: Mapping[str, tuple[str, ...]] = {
    "en": (
        "We have received your message. Its number is {number}.",
        "A person will answer you by {when}.",
        "A person will answer you as soon as possible.",
        "Here you see how it stands, and can add to it: {ticket_url}",
        "We are sorry, it takes longer than we said. A person will answer you by {when}.",
        "We are sorry, it takes longer than we said. A person will answer you as soon as possible.",
        "Your request {number} is solved. If it is not, simply answer this mail.",
        "How did we do? One click is enough, from 5 (very good) to 1 (very bad):",
        "This message was written automatically.",
    ),
    "es": (
        "Hemos recibido tu mensaje. Su número es {number}.",
        "Una persona te responderá a más tardar el {when}.",
        "Una persona te responderá lo antes posible.",
        "Aquí puedes ver cómo va y añadir información: {ticket_url}",
        "Lo sentimos, tardamos más de lo anunciado. Te responderemos a más tardar el {when}.",
        "Lo sentimos, tardamos más de lo anunciado. Te responderemos lo antes posible.",
        "Tu solicitud {number} está resuelta. Si no es así, responde a este correo.",
        "¿Qué tal lo hemos hecho? Basta un clic, de 5 (muy bien) a 1 (muy mal):",
        "Este mensaje se ha escrito automáticamente.",
    ),
    "zh": (
        "我们已收到您的来信，编号为 {number}。",
        "客服人员最迟会在 {when} 之前答复您。",
        "客服人员会尽快答复您。",
        "您可以在此查看进展并补充说明：{ticket_url}",
        "抱歉，处理时间比预计的长。客服人员最迟会在 {when} 之前答复您。",
        "抱歉，处理时间比预计的长。客服人员会尽快答复您。",
        "您的请求 {number} 已解决。如果尚未解决，请直接回复此邮件。",
        "您对我们的服务满意吗？点击一下即可，5 为非常满意，1 为非常不满意：",
        "此邮件由系统自动发送。",
    ),
    "zh-TW": (
        "我們已收到您的來信，編號為 {number}。",
        "客服人員最遲會在 {when} 之前回覆您。",
        "客服人員會盡快回覆您。",
        "您可以在此查看進度並補充說明：{ticket_url}",
        "抱歉，處理時間比預計的長。客服人員最遲會在 {when} 之前回覆您。",
        "抱歉，處理時間比預計的長。客服人員會盡快回覆您。",
        "您的請求 {number} 已解決。如果尚未解決，請直接回覆此郵件。",
        "您對我們的服務滿意嗎？點一下即可，5 為非常滿意，1 為非常不滿意：",
        "此郵件由系統自動發送。",
    ),
    "de": (
        "Wir haben Ihre Nachricht erhalten. Sie hat die Nummer {number}.",
        "Ein Mensch antwortet Ihnen spätestens am {when}.",
        "Ein Mensch antwortet Ihnen so bald wie möglich.",
        "Hier sehen Sie den Stand und können etwas ergänzen: {ticket_url}",
        "Es dauert leider länger als angekündigt. Ein Mensch antwortet Ihnen spätestens am {when}.",
        "Es dauert leider länger als angekündigt. Ein Mensch antwortet Ihnen so bald wie möglich.",
        "Ihr Anliegen {number} ist gelöst. Falls nicht, antworten Sie einfach auf diese E-Mail.",
        "Wie waren wir? Ein Klick genügt, von 5 (sehr gut) bis 1 (sehr schlecht):",
        "Diese Nachricht wurde automatisch geschrieben.",
    ),
    "fr": (
        "Nous avons bien reçu votre message. Son numéro est {number}.",
        "Une personne vous répondra au plus tard le {when}.",
        "Une personne vous répondra dès que possible.",
        "Vous pouvez suivre votre demande et la compléter ici : {ticket_url}",
        "Désolés, c’est plus long que prévu. Nous vous répondrons au plus tard le {when}.",
        "Désolés, c’est plus long que prévu. Nous vous répondrons dès que possible.",
        "Votre demande {number} est résolue. Sinon, répondez simplement à ce message.",
        "Êtes-vous satisfait ? Un clic suffit, de 5 (très bien) à 1 (très mauvais) :",
        "Ce message a été écrit automatiquement.",
    ),
    "pt": (
        "Recebemos sua mensagem. O número dela é {number}.",
        "Uma pessoa responderá até {when}.",
        "Uma pessoa responderá assim que possível.",
        "Aqui você vê o andamento e pode acrescentar algo: {ticket_url}",
        "Desculpe, está demorando mais do que dissemos. Uma pessoa responderá até {when}.",
        "Desculpe, está demorando mais do que dissemos. Responderemos assim que possível.",
        "Sua solicitação {number} foi resolvida. Se não foi, basta responder a este e-mail.",
        "Como nos saímos? Basta um clique, de 5 (muito bem) a 1 (muito mal):",
        "Esta mensagem foi escrita automaticamente.",
    ),
    "ar": (
        "وصلتنا رسالتك، ورقمها {number}.",
        "سيجيبك أحد موظفينا في موعد أقصاه {when}.",
        "سيجيبك أحد موظفينا في أقرب وقت ممكن.",
        "يمكنك متابعة طلبك والإضافة إليه هنا: {ticket_url}",
        "نعتذر، فالأمر يستغرق وقتًا أطول مما ذكرنا. سيجيبك أحد موظفينا في موعد أقصاه {when}.",
        "نعتذر، فالأمر يستغرق وقتًا أطول مما ذكرنا. سيجيبك أحد موظفينا في أقرب وقت ممكن.",
        "تم حل طلبك رقم {number}. إن لم يكن كذلك فيكفي الرد على هذه الرسالة.",
        "كيف كانت خدمتنا؟ تكفي نقرة واحدة، من 5 (جيدة جدًا) إلى 1 (سيئة جدًا):",
        "كُتبت هذه الرسالة آليًا.",
    ),
    "it": (
        "Abbiamo ricevuto il tuo messaggio. Il suo numero è {number}.",
        "Una persona ti risponderà entro: {when}.",
        "Una persona ti risponderà il prima possibile.",
        "Qui puoi vedere a che punto è e aggiungere qualcosa: {ticket_url}",
        "Ci dispiace, ci vuole più di quanto detto. Una persona ti risponderà entro: {when}.",
        "Ci dispiace, ci vuole più di quanto detto. Ti risponderemo il prima possibile.",
        "La tua richiesta {number} è risolta. Se non lo è, basta rispondere a questa e-mail.",
        "Come è andata? Basta un clic, da 5 (molto bene) a 1 (molto male):",
        "Questo messaggio è stato scritto automaticamente.",
    ),
    "nl": (
        "Wij hebben uw bericht ontvangen. Het nummer is {number}.",
        "Een medewerker antwoordt u uiterlijk {when}.",
        "Een medewerker antwoordt u zo snel mogelijk.",
        "Hier ziet u hoe het ermee staat en kunt u iets toevoegen: {ticket_url}",
        "Het duurt helaas langer dan wij zeiden. Een medewerker antwoordt u uiterlijk {when}.",
        "Het duurt helaas langer dan wij zeiden. Een medewerker antwoordt u zo snel mogelijk.",
        "Uw vraag {number} is opgelost. Is dat niet zo, beantwoord dan gewoon deze e-mail.",
        "Hoe deden wij het? Eén klik is genoeg, van 5 (heel goed) tot 1 (heel slecht):",
        "Dit bericht is automatisch geschreven.",
    ),
    "pl": (
        "Otrzymaliśmy Twoją wiadomość. Jej numer to {number}.",
        "Nasz pracownik odpowie najpóźniej: {when}.",
        "Nasz pracownik odpowie tak szybko, jak to możliwe.",
        "Tutaj widać stan sprawy i można coś dopisać: {ticket_url}",
        "Przepraszamy, trwa to dłużej, niż zapowiedzieliśmy. Odpowiemy najpóźniej: {when}.",
        "Przepraszamy, trwa to dłużej, niż zapowiedzieliśmy. Odpowiemy tak szybko, jak się da.",
        "Twoja sprawa {number} jest rozwiązana. Jeśli nie, wystarczy odpowiedzieć na tę wiadomość.",
        "Jak nam poszło? Wystarczy jedno kliknięcie, od 5 (bardzo dobrze) do 1 (bardzo źle):",
        "Ta wiadomość została napisana automatycznie.",
    ),
    "ru": (
        "Мы получили ваше сообщение. Его номер: {number}.",
        "Наш сотрудник ответит вам не позднее: {when}.",
        "Наш сотрудник ответит вам как можно скорее.",
        "Здесь можно следить за обращением и дополнить его: {ticket_url}",
        "Извините, это займёт больше времени, чем мы обещали. Мы ответим не позднее: {when}.",
        "Извините, это займёт больше времени, чем мы обещали. Мы ответим как можно скорее.",
        "Ваше обращение {number} решено. Если это не так, просто ответьте на это письмо.",
        "Как мы справились? Достаточно одного нажатия, от 5 (очень хорошо) до 1 (очень плохо):",
        "Это сообщение написано автоматически.",
    ),
    "ja": (
        "メッセージを受け付けました。受付番号は {number} です。",
        "{when} までに担当者がお返事します。",
        "担当者ができるだけ早くお返事します。",
        "状況の確認や追記はこちらからできます：{ticket_url}",
        "お待たせして申し訳ありません。{when} までに担当者がお返事します。",
        "お待たせして申し訳ありません。担当者ができるだけ早くお返事します。",
        "お問い合わせ {number} は解決済みです。解決していない場合は、このメールにご返信ください。",
        "対応はいかがでしたか。5（とても良い）から1（とても悪い）まで、1回のクリックで評価できます。",
        "このメッセージは自動で送信されています。",
    ),
}


def paragraph(part: Part, language: str) -> str:
    """The sentence in the nearest language there is, else in English."""
    return LETTERS[nearest_tag(LETTERS, language)][PARTS.index(part)]


def letter(language: str, *parts: Part) -> str:
    """Paragraphs in one language."""
    return "\n\n".join(paragraph(part, language) for part in parts)


def speaks(language: str) -> str:
    """The tag of the language in which a letter to somebody of this one is written."""
    return nearest_tag(LETTERS, language)
