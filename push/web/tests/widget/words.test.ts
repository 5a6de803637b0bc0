import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { SPOKEN, type Texts, Words } from "../../src/widget/words.ts";

const folder = resolve(import.meta.dirname, "../../src/widget/words");
const textsOf = (language: string) => JSON.parse(readFileSync(resolve(folder, `${language}.json`), "utf8")) as Record<string, string>;
const english = textsOf("en");
const holes = (text: string): string[] => [...text.matchAll(/\{\w+\}/g)].map((hole) => hole[0]).sort();

describe("the window's words", () => {
  it("are there in every language that the page for tickets speaks", () => {
    const page = readdirSync(resolve(import.meta.dirname, "../../../../gateway/api/ticket/words"));
    expect(readdirSync(folder).map((name) => name.replace(".json", "")).sort()).toEqual([...SPOKEN].sort());
    expect(page.filter((name) => name.endsWith(".toml")).map((name) => name.replace(".toml", "")).sort()).toEqual([...SPOKEN].sort());
  });

  for (const language of SPOKEN) {
    it(`are complete in ${language}, with the same blanks as in English`, () => {
      const texts = textsOf(language);
      expect(Object.keys(texts).sort()).toEqual(Object.keys(english).sort());
      for (const [word, text] of Object.entries(texts)) {
        expect(text.trim(), word).not.toBe("");
        expect(holes(text), word).toEqual(holes(english[word]!));
      }
    });
  }

  it("are chosen by the first language that is spoken", () => {
    expect(new Words(["eo", "pt-BR", "en"]).language).toBe("pt-BR");
    expect(new Words(["eo"]).language).toBe("en");
  });

  it("are English where a language's own cannot be had, and the visitor's language is told all the same", async () => {
    const words = await Words.fetched(["de-AT"], "https://nowhere.invalid");
    expect(words.say("send")).toBe("Send");
    expect([words.language, words.spoken, words.direction]).toEqual(["en", "de-AT", "ltr"]);
  });

  it("are English one by one where an older file lacks some", () => {
    const texts: Texts = { send: "Senden" };
    const words = new Words(["de"], texts);
    expect([words.say("send"), words.say("end")]).toEqual(["Senden", "End chat"]);
  });

  it("survive a tag that no browser knows", () => {
    expect(new Words(["de_DE-!!"]).language).toBe("en");
    expect(new Words(["de-x"], { send: "Senden" }).say("send")).toBe("Senden");
  });

  it("run from the right in Arabic", () => {
    expect(new Words(["ar-EG"]).direction).toBe("rtl");
    expect(new Words(["en"]).direction).toBe("ltr");
  });

  it("say a wait in whole minutes", () => {
    const words = new Words(["en"]);
    expect(words.wait(59)).toBe("less than a minute");
    expect(words.wait(61)).toBe("about 2 minutes");
  });

  it("say how large a file is", () => {
    const words = new Words(["en"]);
    expect([words.bytes(12), words.bytes(12_345), words.bytes(1_234_567)]).toEqual(["1 kB", "12 kB", "1.2 MB"]);
  });

  it("name the day on which the house opens, unless it is today", () => {
    const words = new Words(["en-GB"]);
    const now = new Date(2026, 10, 20, 19, 0); // a Friday evening
    expect(words.moment(new Date(2026, 10, 20, 20, 0), now)).toMatch(/^20:00|^8:00/);
    expect(words.moment(new Date(2026, 10, 23, 8, 0), now)).toMatch(/^Monday.*8:00/);
    expect(words.moment(new Date(2026, 11, 28, 8, 0), now)).toMatch(/28.*2026|2026.*28/);
  });
});
