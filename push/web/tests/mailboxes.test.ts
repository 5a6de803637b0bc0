import { expect, test } from "vitest";
import { formOf, guessed, linesOf, nameFor, settingsOf } from "../src/mailboxes/form";

const made = {
  kind: "email",
  queue: "billing",
  address: "Help <help@shop.example>",
  aliases: ["old@shop.example"],
  imap: { host: "imap.shop.example", port: 993, security: "tls", user: "help", folder: "INBOX" },
  smtp: { host: "smtp.shop.example", port: 587, security: "starttls", user: "help" },
};

test("a mailbox comes out of the form as it went in, with what the form does not show", () => {
  expect(settingsOf(formOf("help", made), made)).toEqual(made);
});

test("an empty password is not named, so that the node keeps it; one for both signs in twice", () => {
  const form = formOf("help", made);
  expect(form.same).toBe(true);
  form.imap.password = "pw";
  const { imap, smtp } = settingsOf(form, made) as Record<"imap" | "smtp", Record<string, unknown>>;
  expect([imap.password, smtp.password]).toEqual(["pw", "pw"]);
  const apart = { ...form, same: false, smtp: { ...form.smtp, user: "", password: "" } };
  expect(settingsOf(apart, made).smtp).toEqual({ ...made.smtp, user: "" });
});

test("signing in at the provider takes the place of the password, and the other way round", () => {
  const form = formOf("help", made);
  const settings = settingsOf({ ...form, way: "oauth", oauth: { ...form.oauth, token_url: "u", client_id: "app" } }, made);
  const oauth2 = { consent: true, token_url: "u", client_id: "app" };
  expect(settings.imap).toEqual({ ...made.imap, oauth2, password: "" });
  expect(settings.smtp).toEqual({ ...made.smtp, oauth2, password: "" });
  const back = formOf("help", settings);
  expect([back.way, back.oauth.client_id]).toEqual(["oauth", "app"]);
  expect(settingsOf({ ...back, way: "password" }, settings).imap).not.toHaveProperty("oauth2");
  const byToken = { ...made, imap: { ...made.imap, oauth2: { token_url: "u", client_id: "app" } } };
  expect(settingsOf(formOf("help", byToken), byToken).imap).toHaveProperty("oauth2.consent", false);
});

test("what was found for the address is filled in, what was typed for signing in stays", () => {
  const form = formOf("", {});
  form.imap.password = "pw";
  form.oauth.client_id = "app";
  const found = { settings: { imap: { host: "h", port: 143, security: "starttls", user: "a@b" } }, because: [], provider: "", hint: "", consent: false };
  const next = guessed(form, found);
  expect(next.imap).toEqual({ host: "h", port: "143", security: "starttls", user: "a@b", password: "pw", folder: "INBOX" });
  expect([next.smtp.host, next.way, next.oauth.client_id]).toEqual(["", "password", "app"]);
  expect(nameFor("Support <Help.Desk+x@shop.example>")).toBe("help.desk-x");
});

test("a mailbox that servers bring mail to has no IMAP, and keeps what the form does not know", () => {
  const brought = { kind: "email", queue: "general", address: "a@b.example", receive: { listen: "[::]:24" }, smtp: made.smtp };
  expect(settingsOf({ ...formOf("m", brought), same: false }, brought)).toEqual(brought);
});

test("the lines for the file name secrets in files of their own and leave out what is empty", () => {
  expect(linesOf("help", { ...made, prefer: null, authserv_id: "", imap: { host: "h", port: 993 } }, ["imap.password"])).toBe(
    [
      "[[channel]]",
      'kind = "email"',
      'name = "help"',
      'queue = "billing"',
      'address = "Help <help@shop.example>"',
      'imap = { host = "h", port = 993, password = { file = "mailbox.password" } }',
      'smtp = { host = "smtp.shop.example", port = 587, security = "starttls", user = "help" }',
      'aliases = ["old@shop.example"]',
    ].join("\n"),
  );
});
