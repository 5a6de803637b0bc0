/** The English texts of short messages and messengers. */
export const enSms = {
  "kind.telegram": "Telegram",
  "identity.telegram": "Telegram",
  "identity.stopped": "Wants no more messages by {kind} since {when}",
  "texts.one": "1 text, {left} left",
  "texts.several": "{n} texts, {left} left",
  "texts.over": "{n} are the most",
  "texts.wide": "“{character}” is not in the phone alphabet: texts hold 70 characters instead of 160",
  "texts.wide_short": "because of the {character}",
  "texts.stopped": "Nothing can be sent: {reason}. START from the customer takes it back.",
  "texts.window": "You can answer freely for {hours} h {minutes} min",
  "texts.window_over": "The 24 hours after the customer’s last message are over: only an approved template may be sent.",
  "texts.no_template": "There is no template in this language.",
  "via.label": "By which way",
  "via.own": "Answer by {kind}",
  "via.other": "Once by {kind} to {address} ({channel})",
};
