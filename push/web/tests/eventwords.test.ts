import { expect, test } from "vitest";
import type { Invitation, Recurs } from "../src/api/mails";
import { repeats, when } from "../src/desktop/eventwords";
import { isCalendar, isMail, shownInText } from "../src/desktop/mail";

const event = (part: Partial<Invitation>): Invitation => ({
  title: "Lamps", method: "request", status: "", begins: null, ends: null, local_begins: "", local_ends: "", zone: "",
  all_day: false, where: "", link: "", text: "", organiser: null, guests: [], more_guests: 0, recurs: null, revision: 0,
  occurrence: "", ...part,
});
const recurs = (part: Partial<Recurs>): Recurs => ({
  rule: "FREQ=WEEKLY", plain: true, every: "weekly", interval: 1, days: [], month_days: [], months: [], count: null, until: "", ...part,
});
const plain = (text: string) => text.replace(/[\u2009\u202f\u00a0]/g, " ");

test("an invitation is told in the reader's zone, and in its own beside it", () => {
  const berlin = event({
    begins: "2026-11-25T09:00:00Z", ends: "2026-11-25T10:30:00Z", zone: "Europe/Berlin",
    local_begins: "2026-11-25T10:00:00", local_ends: "2026-11-25T11:30:00",
  });
  const london = when(berlin, "en-GB", "Europe/London");
  expect(plain(london.here)).toMatch(/09:00 ?– ?10:30/);
  expect(plain(london.there)).toContain("10:00");
  expect(london.there).toContain("(Europe/Berlin)");
  expect(when(berlin, "en-GB", "Europe/Paris").there).toBe("");
});

test("whole days and times of no zone are told as they stand, wherever the reader is", () => {
  const days = event({ all_day: true, local_begins: "2026-12-24", local_ends: "2026-12-26" });
  expect(when(days, "en-GB", "Pacific/Auckland").here).toMatch(/24.*26 Dec/);
  const floating = when(event({ local_begins: "2026-07-25T10:00:00" }), "en-GB", "Asia/Tokyo");
  expect(floating.here).toContain("10:00");
  expect(floating.there).toContain("wherever");
  const unknown = when(event({ local_begins: "2026-07-25T10:00:00", zone: "Office" }), "en-GB", "Asia/Tokyo");
  expect(unknown.there).toContain("Office");
});

test("an event without a time says nothing of one", () => {
  expect(when(event({}), "en-GB", "Europe/Paris")).toEqual({ here: "", there: "" });
});

test("repetitions are told in words, others by their rule", () => {
  expect(repeats(recurs({ interval: 2, days: ["MO", "WE"], count: 4 }), "en-GB")).toBe("Every 2 weeks, on Monday and Wednesday, 4 times");
  expect(repeats(recurs({ every: "monthly", days: ["-1FR"] }), "en-GB")).toBe("Every month, on the last Friday");
  expect(repeats(recurs({ every: "monthly", days: ["2TU"], until: "2027-01-01T00:00:00" }), "en-GB")).toMatch(/second Tuesday, until .*1 Jan 2027/);
  expect(repeats(recurs({ plain: false, rule: "FREQ=MONTHLY;BYSETPOS=-1" }), "en-GB")).toBe("By a rule: FREQ=MONTHLY;BYSETPOS=-1");
});

test("only an image that the text names is left out of the files", () => {
  const files = [
    { inline_id: "a@b", type: "image/png" },
    { inline_id: "50%@b", type: "image/png" },
    { inline_id: "pdf@b", type: "application/pdf" },
    { inline_id: "", type: "image/png" },
  ];
  const html = '<img src="cid:a@b"><img src=\'cid:50%25@b\'><img src="cid:pdf@b">';
  expect([...shownInText(html, files)]).toEqual(["a@b", "50%@b"]);
  expect([...shownInText(null, files)]).toEqual([]);
});

test("mails and calendars are known by type or by name", () => {
  expect(isMail({ name: "x.EML", type: "application/octet-stream" })).toBe(true);
  expect(isMail({ name: "x", type: "message/rfc822" })).toBe(true);
  expect(isCalendar({ name: "invite.ics", type: "application/octet-stream" })).toBe(true);
  expect(isCalendar({ name: "x.pdf", type: "application/pdf" })).toBe(false);
});
