/** The window's own words. A language is one line of values in the order of `KEYS`. */

const KEYS = [
  "open", "close", "title", "greeting", "write", "send", "you", "sending", "sent", "delivered", "read",
  "failed", "again", "discard", "queued", "place", "next", "wait", "soon", "with", "connected", "closed",
  "offline", "opens", "mail", "back", "network", "typing", "typingSome", "end", "endAsk", "endNo", "ticket",
  "fresh", "unread", "long", "nowhere", "log", "start", "support", "kept",
  "callAsk", "callMe", "callNumber", "callWhen", "callSoon", "callTime", "callNot", "callBad",
  "callFailed", "callAt", "callNow", "callDrop", "callHint", "promised", "promiseBy",
] as const;

export type Word = (typeof KEYS)[number];

const LANGUAGES: Record<string, readonly string[]> = {
  en: [
    "Open chat", "Close chat", "Chat with us", "Hello! How can we help you?", "Write a message…", "Send", "You",
    "Sending", "Sent", "Delivered", "Read", "Not sent", "Try again", "Discard", "Waiting for a colleague",
    "You are number {n} in line", "You are next", "about {t}", "less than a minute", "You are talking to {name}",
    "You are connected", "This conversation has ended. Write to begin another.",
    "We are away right now. Leave a message and we will answer.", "We are back {t}", "You can also write to {mail}",
    "Reconnecting…", "You are offline. What you write is sent once you are back.", "{name} is typing", "Someone is typing",
    "End chat", "End this chat?", "Keep talking", "Ticket {n}", "New messages", "Unread messages: {n}",
    "{n} characters too many", "The chat is not available on this page", "Conversation", "New conversation", "Support",
    "Still reconnecting… What you write is kept and will be sent.",
    "Rather not wait? We call you, and you keep your place.", "Call me", "Your telephone number", "When", "As soon as possible", "Time", "Not now",
    "This number cannot be called. Write it like {n}", "This did not work. Choose another time, or try again.", "We call you back: {t} · {n}", "We call you back as soon as somebody is free · {n}",
    "No call, please", "Or write here: then you go on in the chat and keep your place.", "We have promised", "by {t}",
  ],
  es: [
    "Abrir chat", "Cerrar chat", "Chatea con nosotros", "¡Hola! ¿En qué podemos ayudarte?", "Escribe un mensaje…", "Enviar", "Tú",
    "Enviando", "Enviado", "Entregado", "Leído", "No enviado", "Reintentar", "Descartar", "Esperando a un compañero",
    "Eres el número {n} en la fila", "Eres el siguiente", "unos {t}", "menos de un minuto", "Hablas con {name}",
    "Estás conectado", "Esta conversación ha terminado. Escribe para empezar otra.",
    "Ahora no estamos. Deja un mensaje y te responderemos.", "Volvemos {t}", "También puedes escribir a {mail}",
    "Reconectando…", "Estás sin conexión. Lo que escribas se enviará cuando vuelvas.", "{name} está escribiendo", "Alguien está escribiendo",
    "Terminar chat", "¿Terminar este chat?", "Seguir hablando", "Ticket {n}", "Mensajes nuevos", "Mensajes sin leer: {n}",
    "Sobran {n} caracteres", "El chat no está disponible en esta página", "Conversación", "Nueva conversación", "Atención al cliente",
    "Seguimos reconectando… Lo que escribas se guarda y se enviará.",
    "¿Prefieres no esperar? Te llamamos y conservas tu lugar.", "Llamadme", "Tu número de teléfono", "Cuándo", "Lo antes posible", "Hora", "Ahora no",
    "No se puede llamar a este número. Escríbelo así: {n}", "No ha funcionado. Elige otra hora o inténtalo de nuevo.", "Te llamamos: {t} · {n}", "Te llamamos en cuanto haya alguien libre · {n}",
    "No me llaméis", "O escribe aquí: sigues en el chat y conservas tu lugar.", "Hemos prometido", "antes de: {t}",
  ],
  zh: [
    "打开聊天", "关闭聊天", "在线咨询", "您好！请问有什么可以帮您？", "输入消息…", "发送", "我",
    "发送中", "已发送", "已送达", "已读", "未发送", "重试", "放弃", "正在为您接通客服",
    "您排在第 {n} 位", "下一位就是您", "大约 {t}", "不到一分钟", "{name} 正在为您服务",
    "已接通", "本次会话已结束。发送消息即可开始新的会话。",
    "我们现在不在线。请留言，我们会回复您。", "我们将于 {t} 回来", "您也可以写信至 {mail}",
    "正在重新连接…", "您已离线。恢复连接后会发送您写的内容。", "{name} 正在输入", "对方正在输入",
    "结束聊天", "要结束这次聊天吗？", "继续聊天", "工单 {n}", "新消息", "未读消息：{n}",
    "超出 {n} 个字符", "此页面无法使用聊天", "会话", "新的会话", "客服",
    "仍在重新连接…您输入的内容会保留并稍后发送。",
    "不想等待？我们给您回电，您的排队位置会保留。", "给我回电", "您的电话号码", "时间", "尽快", "时刻", "暂不",
    "无法拨打此号码。请按此格式填写：{n}", "未能成功。请选择其他时间或重试。", "我们将给您回电：{t} · {n}", "一有空闲客服就给您回电 · {n}",
    "不用回电了", "您也可以在此写信息继续聊天，位置会保留。", "我们已承诺", "最迟 {t}",
  ],
  de: [
    "Chat öffnen", "Chat schließen", "Chatten Sie mit uns", "Guten Tag! Wie können wir Ihnen helfen?", "Nachricht schreiben…", "Senden", "Sie",
    "Wird gesendet", "Gesendet", "Zugestellt", "Gelesen", "Nicht gesendet", "Erneut versuchen", "Verwerfen", "Wir suchen jemanden für Sie",
    "Sie sind Nummer {n} in der Reihe", "Sie sind als Nächstes dran", "etwa {t}", "weniger als eine Minute", "Sie sprechen mit {name}",
    "Sie sind verbunden", "Dieses Gespräch ist beendet. Schreiben Sie, um ein neues zu beginnen.",
    "Wir sind gerade nicht da. Hinterlassen Sie eine Nachricht, wir antworten.", "Wir sind {t} wieder da", "Sie können auch an {mail} schreiben",
    "Verbindung wird hergestellt…", "Sie sind offline. Was Sie schreiben, wird später gesendet.", "{name} schreibt", "Jemand schreibt",
    "Chat beenden", "Diesen Chat beenden?", "Weiter chatten", "Ticket {n}", "Neue Nachrichten", "Ungelesene Nachrichten: {n}",
    "{n} Zeichen zu viel", "Der Chat ist auf dieser Seite nicht verfügbar", "Gespräch", "Neues Gespräch", "Kundendienst",
    "Die Verbindung wird noch hergestellt… Was Sie schreiben, bleibt erhalten und wird gesendet.",
    "Lieber nicht warten? Wir rufen Sie an, und Ihr Platz bleibt.", "Rufen Sie mich an", "Ihre Telefonnummer", "Wann", "So bald wie möglich", "Uhrzeit", "Jetzt nicht",
    "Diese Nummer kann nicht angerufen werden. Schreiben Sie sie so: {n}", "Das hat nicht geklappt. Wählen Sie eine andere Zeit oder versuchen Sie es noch einmal.", "Wir rufen Sie zurück: {t} · {n}", "Wir rufen Sie an, sobald jemand frei ist · {n}",
    "Doch kein Anruf", "Oder schreiben Sie hier: Dann geht es im Chat weiter, und Ihr Platz bleibt.", "Wir haben versprochen", "bis {t}",
  ],
  fr: [
    "Ouvrir le chat", "Fermer le chat", "Discutez avec nous", "Bonjour ! Comment pouvons-nous vous aider ?", "Écrivez un message…", "Envoyer", "Vous",
    "Envoi", "Envoyé", "Distribué", "Lu", "Non envoyé", "Réessayer", "Abandonner", "Nous cherchons quelqu’un pour vous",
    "Vous êtes numéro {n} dans la file", "C’est bientôt à vous", "environ {t}", "moins d’une minute", "Vous parlez avec {name}",
    "Vous êtes en relation", "Cette conversation est terminée. Écrivez pour en commencer une autre.",
    "Nous sommes absents. Laissez un message, nous vous répondrons.", "De retour {t}", "Vous pouvez aussi écrire à {mail}",
    "Reconnexion…", "Vous êtes hors ligne. Vos messages partiront à votre retour.", "{name} écrit", "Quelqu’un écrit",
    "Terminer", "Terminer cette discussion ?", "Continuer", "Ticket {n}", "Nouveaux messages", "Messages non lus : {n}",
    "{n} caractères en trop", "Le chat n’est pas disponible sur cette page", "Conversation", "Nouvelle conversation", "Assistance",
    "Reconnexion toujours en cours… Vos messages sont conservés et partiront ensuite.",
    "Vous préférez ne pas attendre ? Nous vous appelons et vous gardez votre place.", "Appelez-moi", "Votre numéro de téléphone", "Quand", "Dès que possible", "Heure", "Pas maintenant",
    "Ce numéro ne peut pas être appelé. Écrivez-le ainsi : {n}", "Cela n’a pas fonctionné. Choisissez une autre heure ou réessayez.", "Nous vous rappelons : {t} · {n}", "Nous vous rappelons dès que quelqu’un est libre · {n}",
    "Ne pas m’appeler", "Ou écrivez ici : la discussion continue et vous gardez votre place.", "Nous avons promis", "au plus tard : {t}",
  ],
  pt: [
    "Abrir chat", "Fechar chat", "Fale conosco", "Olá! Como podemos ajudar?", "Escreva uma mensagem…", "Enviar", "Você",
    "Enviando", "Enviada", "Entregue", "Lida", "Não enviada", "Tentar de novo", "Descartar", "Procurando alguém para você",
    "Você é o número {n} da fila", "Você é o próximo", "cerca de {t}", "menos de um minuto", "Você está falando com {name}",
    "Você está conectado", "Esta conversa terminou. Escreva para começar outra.",
    "Não estamos no momento. Deixe uma mensagem e responderemos.", "Voltamos {t}", "Você também pode escrever para {mail}",
    "Reconectando…", "Você está sem conexão. O que escrever será enviado depois.", "{name} está digitando", "Alguém está digitando",
    "Encerrar chat", "Encerrar este chat?", "Continuar", "Chamado {n}", "Novas mensagens", "Mensagens não lidas: {n}",
    "{n} caracteres a mais", "O chat não está disponível nesta página", "Conversa", "Nova conversa", "Atendimento",
    "Ainda reconectando… O que escrever fica guardado e será enviado.",
    "Prefere não esperar? Ligamos para você e seu lugar fica guardado.", "Ligue para mim", "Seu número de telefone", "Quando", "Assim que possível", "Hora", "Agora não",
    "Não é possível ligar para este número. Escreva assim: {n}", "Não funcionou. Escolha outro horário ou tente de novo.", "Ligamos para você: {t} · {n}", "Ligamos assim que alguém estiver livre · {n}",
    "Não precisa ligar", "Ou escreva aqui: a conversa continua e seu lugar fica guardado.", "Prometemos", "até {t}",
  ],
  ar: [
    "فتح الدردشة", "إغلاق الدردشة", "تحدث معنا", "مرحبًا! كيف يمكننا مساعدتك؟", "اكتب رسالة…", "إرسال", "أنت",
    "جارٍ الإرسال", "أُرسلت", "وصلت", "قُرئت", "لم تُرسل", "إعادة المحاولة", "تجاهل", "نبحث عن زميل لمساعدتك",
    "رقمك في الانتظار {n}", "أنت التالي", "حوالي {t}", "أقل من دقيقة", "أنت تتحدث مع {name}",
    "أنت متصل", "انتهت هذه المحادثة. اكتب لبدء محادثة جديدة.",
    "نحن غير متاحين الآن. اترك رسالة وسنرد عليك.", "نعود {t}", "يمكنك أيضًا الكتابة إلى {mail}",
    "جارٍ إعادة الاتصال…", "أنت غير متصل بالإنترنت. سيُرسل ما تكتبه عند عودتك.", "{name} يكتب الآن", "هناك من يكتب الآن",
    "إنهاء الدردشة", "هل تريد إنهاء هذه الدردشة؟", "متابعة", "تذكرة {n}", "رسائل جديدة", "رسائل غير مقروءة: {n}",
    "زيادة {n} حرفًا", "الدردشة غير متاحة في هذه الصفحة", "المحادثة", "محادثة جديدة", "الدعم",
    "ما زلنا نعيد الاتصال… ما تكتبه محفوظ وسيُرسل.",
    "تفضّل ألا تنتظر؟ نتصل بك وتحتفظ بدورك.", "اتصلوا بي", "رقم هاتفك", "متى", "في أقرب وقت ممكن", "الوقت", "ليس الآن",
    "لا يمكن الاتصال بهذا الرقم. اكتبه هكذا: {n}", "لم ينجح ذلك. اختر وقتًا آخر أو حاول مرة أخرى.", "سنتصل بك: {t} · {n}", "سنتصل بك حالما يتفرغ أحد · {n}",
    "لا أريد اتصالًا", "أو اكتب هنا: تستمر الدردشة وتحتفظ بدورك.", "وعدناك", "قبل {t}",
  ],
  it: [
    "Apri la chat", "Chiudi la chat", "Chatta con noi", "Ciao! Come possiamo aiutarti?", "Scrivi un messaggio…", "Invia", "Tu",
    "Invio in corso", "Inviato", "Consegnato", "Letto", "Non inviato", "Riprova", "Elimina", "Cerchiamo qualcuno per te",
    "Sei il numero {n} in coda", "Sei il prossimo", "circa {t}", "meno di un minuto", "Stai parlando con {name}",
    "Sei in contatto", "Questa conversazione è finita. Scrivi per iniziarne un’altra.",
    "Ora non ci siamo. Lascia un messaggio e ti risponderemo.", "Torniamo {t}", "Puoi anche scrivere a {mail}",
    "Riconnessione…", "Sei offline. Ciò che scrivi partirà al tuo ritorno.", "{name} sta scrivendo", "Qualcuno sta scrivendo",
    "Termina chat", "Terminare questa chat?", "Continua", "Ticket {n}", "Nuovi messaggi", "Messaggi non letti: {n}",
    "{n} caratteri di troppo", "La chat non è disponibile in questa pagina", "Conversazione", "Nuova conversazione", "Assistenza",
    "Riconnessione ancora in corso… Ciò che scrivi resta salvato e partirà.",
    "Preferisci non aspettare? Ti chiamiamo noi e mantieni il tuo posto.", "Chiamatemi", "Il tuo numero di telefono", "Quando", "Appena possibile", "Ora", "Non ora",
    "Non è possibile chiamare questo numero. Scrivilo così: {n}", "Non ha funzionato. Scegli un altro orario o riprova.", "Ti richiamiamo: {t} · {n}", "Ti richiamiamo appena qualcuno è libero · {n}",
    "Non chiamatemi", "Oppure scrivi qui: la chat continua e mantieni il tuo posto.", "Abbiamo promesso", "entro: {t}",
  ],
  nl: [
    "Chat openen", "Chat sluiten", "Chat met ons", "Hallo! Waarmee kunnen we helpen?", "Schrijf een bericht…", "Versturen", "U",
    "Wordt verstuurd", "Verstuurd", "Bezorgd", "Gelezen", "Niet verstuurd", "Opnieuw", "Weggooien", "We zoeken iemand voor u",
    "U bent nummer {n} in de rij", "U bent als volgende", "ongeveer {t}", "minder dan een minuut", "U praat met {name}",
    "U bent verbonden", "Dit gesprek is afgelopen. Schrijf om een nieuw te beginnen.",
    "We zijn er nu niet. Laat een bericht achter, we antwoorden.", "We zijn er weer {t}", "U kunt ook schrijven naar {mail}",
    "Opnieuw verbinden…", "U bent offline. Wat u schrijft, wordt later verstuurd.", "{name} typt", "Iemand typt",
    "Chat beëindigen", "Deze chat beëindigen?", "Verder praten", "Ticket {n}", "Nieuwe berichten", "Ongelezen berichten: {n}",
    "{n} tekens te veel", "De chat is op deze pagina niet beschikbaar", "Gesprek", "Nieuw gesprek", "Klantenservice",
    "Nog bezig met verbinden… Wat u schrijft, blijft bewaard en wordt verstuurd.",
    "Liever niet wachten? Wij bellen u en u houdt uw plaats.", "Bel mij", "Uw telefoonnummer", "Wanneer", "Zo snel mogelijk", "Tijd", "Nu niet",
    "Dit nummer kan niet worden gebeld. Schrijf het zo: {n}", "Dat is niet gelukt. Kies een andere tijd of probeer het opnieuw.", "Wij bellen u terug: {t} · {n}", "Wij bellen u zodra er iemand vrij is · {n}",
    "Toch niet bellen", "Of schrijf hier: dan gaat de chat verder en houdt u uw plaats.", "Wij hebben beloofd", "uiterlijk {t}",
  ],
  pl: [
    "Otwórz czat", "Zamknij czat", "Porozmawiaj z nami", "Dzień dobry! W czym możemy pomóc?", "Napisz wiadomość…", "Wyślij", "Ty",
    "Wysyłanie", "Wysłano", "Dostarczono", "Przeczytano", "Nie wysłano", "Spróbuj ponownie", "Odrzuć", "Szukamy kogoś dla Ciebie",
    "Twój numer w kolejce: {n}", "Za chwilę Twoja kolej", "około {t}", "mniej niż minuta", "Rozmawiasz z: {name}",
    "Połączono", "Ta rozmowa się zakończyła. Napisz, aby zacząć nową.",
    "Teraz nas nie ma. Zostaw wiadomość, odpowiemy.", "Wracamy {t}", "Możesz też napisać na {mail}",
    "Ponowne łączenie…", "Jesteś offline. Wiadomości zostaną wysłane później.", "{name} pisze", "Ktoś pisze",
    "Zakończ czat", "Zakończyć ten czat?", "Rozmawiaj dalej", "Zgłoszenie {n}", "Nowe wiadomości", "Nieprzeczytane wiadomości: {n}",
    "O {n} znaków za dużo", "Czat jest niedostępny na tej stronie", "Rozmowa", "Nowa rozmowa", "Obsługa klienta",
    "Nadal łączymy… To, co napiszesz, zostanie zachowane i wysłane.",
    "Nie chcesz czekać? Oddzwonimy, a Twoje miejsce zostaje.", "Zadzwońcie do mnie", "Twój numer telefonu", "Kiedy", "Jak najszybciej", "Godzina", "Nie teraz",
    "Pod ten numer nie można zadzwonić. Napisz go tak: {n}", "Nie udało się. Wybierz inny czas lub spróbuj ponownie.", "Oddzwonimy: {t} · {n}", "Oddzwonimy, gdy tylko ktoś będzie wolny · {n}",
    "Jednak nie dzwońcie", "Albo napisz tutaj: rozmowa trwa dalej, a Twoje miejsce zostaje.", "Obiecaliśmy", "do {t}",
  ],
  ru: [
    "Открыть чат", "Закрыть чат", "Напишите нам", "Здравствуйте! Чем мы можем помочь?", "Напишите сообщение…", "Отправить", "Вы",
    "Отправляется", "Отправлено", "Доставлено", "Прочитано", "Не отправлено", "Повторить", "Удалить", "Ищем для вас сотрудника",
    "Ваш номер в очереди: {n}", "Вы следующий", "около {t}", "меньше минуты", "С вами говорит {name}",
    "Вы на связи", "Разговор завершён. Напишите, чтобы начать новый.",
    "Сейчас нас нет. Оставьте сообщение, и мы ответим.", "Вернёмся {t}", "Можно также написать на {mail}",
    "Восстанавливаем связь…", "Вы не в сети. Написанное будет отправлено позже.", "{name} печатает", "Кто-то печатает",
    "Завершить чат", "Завершить этот чат?", "Продолжить", "Обращение {n}", "Новые сообщения", "Непрочитанных сообщений: {n}",
    "Лишних знаков: {n}", "Чат недоступен на этой странице", "Разговор", "Новый разговор", "Поддержка",
    "Связь ещё восстанавливается… Написанное сохраняется и будет отправлено.",
    "Не хотите ждать? Мы перезвоним, а ваше место сохранится.", "Перезвоните мне", "Ваш номер телефона", "Когда", "Как можно скорее", "Время", "Не сейчас",
    "По этому номеру нельзя позвонить. Напишите его так: {n}", "Не получилось. Выберите другое время или попробуйте ещё раз.", "Мы вам перезвоним: {t} · {n}", "Перезвоним, как только кто-то освободится · {n}",
    "Звонить не нужно", "Или напишите здесь: разговор продолжится, и место сохранится.", "Мы обещали", "до {t}",
  ],
  ja: [
    "チャットを開く", "チャットを閉じる", "チャットで相談", "こんにちは。ご用件をお聞かせください。", "メッセージを入力…", "送信", "あなた",
    "送信中", "送信済み", "配信済み", "既読", "未送信", "再試行", "破棄", "担当者におつなぎしています",
    "順番は {n} 番目です", "次にご案内します", "約{t}", "1分以内", "{name}が対応しています",
    "つながりました", "この会話は終了しました。メッセージを送ると新しい会話が始まります。",
    "ただいま対応時間外です。メッセージを残していただければ返信します。", "{t}に再開します", "{mail} へのメールも承ります",
    "再接続しています…", "オフラインです。復帰後に送信されます。", "{name}が入力中", "入力中",
    "チャットを終了", "このチャットを終了しますか？", "続ける", "チケット {n}", "新着メッセージ", "未読メッセージ：{n}",
    "{n} 文字超過しています", "このページではチャットを利用できません", "会話", "新しい会話", "サポート",
    "引き続き再接続しています…入力内容は保存され、後で送信されます。",
    "お待ちになりたくない場合は、順番はそのままでこちらからお電話します。", "電話してほしい", "お電話番号", "日時", "できるだけ早く", "時刻", "今はしない",
    "この番号にはおかけできません。次のように入力してください：{n}", "うまくいきませんでした。別の時間を選ぶか、もう一度お試しください。", "こちらからお電話します：{t} · {n}", "担当者が空き次第お電話します · {n}",
    "電話は不要です", "ここに書き込むと、順番はそのままでチャットを続けられます。", "お約束したこと", "{t}まで",
  ],
};

const RIGHT_TO_LEFT = new Set(["ar", "fa", "he", "ur"]);

export class Words {
  readonly language: string;
  readonly direction: "ltr" | "rtl";

  /** The first of `wanted` that we speak, else English; `wanted` are BCP 47 tags. */
  constructor(wanted: readonly string[]) {
    const tag = wanted.find((w) => languageOf(w) in LANGUAGES) ?? "en";
    this.language = usable(tag);
    this.direction = RIGHT_TO_LEFT.has(languageOf(tag)) ? "rtl" : "ltr";
  }

  say(word: Word, values: Record<string, string | number> = {}): string {
    const texts = LANGUAGES[languageOf(this.language)] ?? LANGUAGES["en"]!;
    const text = texts[KEYS.indexOf(word)] ?? "";
    return text.replace(/\{(\w+)\}/g, (_, name: string) => {
      const value = values[name] ?? "";
      return typeof value === "number" ? new Intl.NumberFormat(this.language, { useGrouping: false }).format(value) : value;
    });
  }

  clock(at: Date): string {
    return new Intl.DateTimeFormat(this.language, { timeStyle: "short" }).format(at);
  }

  /** "Monday 24 Nov", to choose from. */
  date(at: Date): string {
    return new Intl.DateTimeFormat(this.language, { weekday: "short", day: "numeric", month: "short" }).format(at);
  }

  /** "08:00" today, "Monday 08:00" within a week, later with the date. */
  moment(at: Date, now: Date): string {
    const days = Math.round((midnight(at) - midnight(now)) / 86_400_000);
    if (days === 0) return this.clock(at);
    const near: Intl.DateTimeFormatOptions = { weekday: "long", hour: "2-digit", minute: "2-digit" };
    const far: Intl.DateTimeFormatOptions = { dateStyle: "medium", timeStyle: "short" };
    return new Intl.DateTimeFormat(this.language, days > 0 && days < 7 ? near : far).format(at);
  }

  day(at: Date, now: Date): string {
    const days = Math.round((midnight(at) - midnight(now)) / 86_400_000);
    if (days >= -1 && days <= 1) return new Intl.RelativeTimeFormat(this.language, { numeric: "auto" }).format(days, "day");
    return new Intl.DateTimeFormat(this.language, { dateStyle: "medium" }).format(at);
  }

  /** "about 3 minutes" */
  wait(seconds: number): string {
    if (seconds < 60) return this.say("soon");
    const minutes = new Intl.NumberFormat(this.language, { style: "unit", unit: "minute", unitDisplay: "long" });
    return this.say("wait", { t: minutes.format(Math.ceil(seconds / 60)) });
  }
}

export const SPOKEN = Object.keys(LANGUAGES);
export const WORDS = KEYS;
export const textsOf = (language: string): readonly string[] => LANGUAGES[language] ?? [];

function languageOf(tag: string): string {
  return tag.split("-")[0]!.toLowerCase();
}

function usable(tag: string): string {
  try {
    return Intl.getCanonicalLocales(tag)[0] ?? "en";
  } catch {
    return languageOf(tag);
  }
}

function midnight(at: Date): number {
  return new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();
}
