import { describe, expect, it } from "vitest";
import { SPOKEN, textsOf, Words, WORDS } from "../../src/widget/words.ts";

const holes = (text: string): string[] => [...text.matchAll(/\{\w+\}/g)].map((hole) => hole[0]).sort();

describe("the window's words", () => {
  for (const language of SPOKEN) {
    it(`are complete in ${language}, with the same blanks as in English`, () => {
      const texts = textsOf(language);
      expect(texts.length).toBe(WORDS.length);
      expect(texts.every((text) => text.trim() !== "")).toBe(true);
      expect(texts.map(holes)).toEqual(textsOf("en").map(holes));
    });
  }

  it("are chosen by the first language that is spoken", () => {
    expect(new Words(["eo", "pt-BR", "en"]).language).toBe("pt-BR");
    expect(new Words(["eo"]).language).toBe("en");
    expect(new Words(["zh-Hans-CN"]).say("send")).toBe("发送");
  });

  it("survive a tag that no browser knows", () => {
    expect(new Words(["de_DE-!!"]).say("send")).toBe("Send");
    expect(new Words(["de-x"]).say("send")).toBe("Senden");
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

  it("name the day on which the house opens, unless it is today", () => {
    const words = new Words(["en-GB"]);
    const now = new Date(2026, 10, 20, 19, 0); // a Friday evening
    expect(words.moment(new Date(2026, 10, 20, 20, 0), now)).toMatch(/^20:00|^8:00/);
    expect(words.moment(new Date(2026, 10, 23, 8, 0), now)).toMatch(/^Monday.*8:00/);
    expect(words.moment(new Date(2026, 11, 28, 8, 0), now)).toMatch(/28.*2026|2026.*28/);
  });
});
