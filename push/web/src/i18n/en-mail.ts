/** The English texts of writing and sending mail. */
export const enMail = {
  "canned.title": "Canned replies",
  "canned.open": "Canned reply (type /)",
  "canned.failed": "The canned replies could not be loaded",
  "canned.loading": "Loading…",
  "canned.none": "There are no canned replies for this queue.",
  "canned.no_match": "None has that in it.",
  "letter.added": "Added when it is sent",
  "letter.framed": "It leaves in the house's HTML frame.",
  "letter.quote": "Quote the mail",
  "letter.quote_of": "{who}, {when}",
};
