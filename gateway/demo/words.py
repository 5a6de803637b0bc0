"""What the demo's people say, in their languages."""

from msgspec import Struct


class Matter(Struct, frozen=True):
    """One thing that customers come with: how it is said in a mail, and on in a chat."""

    language: str
    name: str
    subject: str
    body: str
    more: str
    thanks: str


MATTERS: tuple[Matter, ...] = (
    Matter(
        "en",
        "Grace Hill",
        "Charged twice for order 40218",
        "Hello,\n\nmy card was charged twice for order 40218 (2 × 34.90). Could you please look "
        "into it and refund one of them?\n\nKind regards\nGrace",
        "The second charge came one minute after the first.",
        "That was quick, thank you!",
    ),
    Matter(
        "de",
        "Jonas Brandt",
        "Passwort zurücksetzen klappt nicht",
        "Guten Tag,\n\nder Link zum Zurücksetzen meines Passworts sagt immer „abgelaufen“, auch "
        "wenn ich ihn sofort anklicke. Können Sie mir helfen?\n\nViele Grüße\nJonas Brandt",
        "Ich benutze Firefox unter Linux, falls das hilft.",
        "Jetzt geht es. Vielen Dank!",
    ),
    Matter(
        "es",
        "Lucía Fernández",
        "¿Dónde está mi paquete?",
        "Buenos días:\n\nmi pedido debía llegar el martes y el seguimiento no cambia desde hace "
        "cuatro días. ¿Pueden averiguar qué pasó?\n\nGracias\nLucía",
        "El número de seguimiento es SR-77120-AR.",
        "Perfecto, muchas gracias.",
    ),
    Matter(
        "fr",
        "Élodie Garnier",
        "Changement d'adresse de livraison",
        "Bonjour,\n\nje déménage vendredi. Pouvez-vous livrer ma commande à ma nouvelle adresse, "
        "12 rue des Lilas à Lyon ?\n\nMerci d'avance\nÉlodie",
        "Le code de la porte est 48A12.",
        "Merci beaucoup, bonne journée !",
    ),
    Matter(
        "pt",
        "Rafael Souza",
        "Nota fiscal com o nome errado",
        "Olá,\n\na nota fiscal do mês passado saiu com o nome da empresa antiga. Podem emitir uma "
        "nova?\n\nObrigado\nRafael",
        "O CNPJ novo termina em 0001-44.",
        "Recebi, obrigado!",
    ),
    Matter(
        "zh",
        "王芳",
        "无法登录账户",
        "您好,\n\n我今天早上开始无法登录,页面一直显示“请稍后再试”。请帮我看一下。\n\n谢谢\n王芳",
        "我用的是手机上的浏览器。",
        "现在可以了,谢谢!",
    ),
    Matter(
        "ar",
        "ليلى منصور",
        "طلب استرداد المبلغ",
        "مرحباً،\n\nأعدت المنتج قبل أسبوعين ولم يصلني المبلغ بعد. هل يمكنكم التحقق من الطلب؟\n\n"
        "شكراً\nليلى",
        "رقم الإرجاع هو 5561.",
        "شكراً جزيلاً لكم.",
    ),
    Matter(
        "hu",
        "Kiss Eszter",
        "Hibás a számlám összege",
        "Jó napot kívánok!\n\nA novemberi számlámon olyan tétel szerepel, amelyet nem rendeltem. "
        "Kérem, nézzenek utána.\n\nÜdvözlettel\nKiss Eszter",
        "A tétel neve „Prémium csomag”.",
        "Köszönöm a gyors segítséget!",
    ),
)

CLOSED = Matter(
    "en",
    "Noor Visser",
    "Coming to your showroom on Saturday?",
    "Hello,\n\nI would like to see the floor lamps before I order one. Is your showroom open on "
    "Saturday?\n\nKind regards\nNoor",
    "Then I come when you are open again.",
    "Thank you, see you then!",
)
"""Goes where nobody works just now: one sees it wait, and its automatic answer."""

TASKS: tuple[tuple[str, str, int], ...] = (
    ("Check identity documents of a merchant", "Two documents uploaded, one expired.", 1),
    ("Review disputed payment", "The buyer says that the goods never came.", 4),
    ("Correct address in the ledger", "Returned letter; the new address is in the scan.", 0),
    ("Call back about a loan offer", "Asked for a call after five in the afternoon.", 2),
    ("Approve a refund above the limit", "Requested by the shop, 412.00.", 3),
)

ANSWERS: dict[str, str] = {
    "en": "Thank you for writing. I have looked into it and put it right; you will see it today.",
    "de": "Vielen Dank für Ihre Nachricht. Ich habe es geprüft und in Ordnung gebracht.",
    "es": "Gracias por escribirnos. Lo he revisado y ya está solucionado.",
    "fr": "Merci pour votre message. J'ai vérifié et c'est réglé.",
    "pt": "Obrigado pelo contato. Verifiquei e já está resolvido.",
    "zh": "感谢您的来信。我已经检查并处理好了。",
    "ar": "شكراً لتواصلكم. لقد راجعت الأمر وتم حلّه.",
    "hu": "Köszönöm a levelét. Utánanéztem, és rendben van.",
}
