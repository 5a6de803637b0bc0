import { beforeEach, describe, expect, test, vi } from "vitest";
import { http } from "../src/api/http";
import { endSession, expired, session, signIn, signOut } from "../src/api/session";

beforeEach(() => {
  const kept = new Map<string, string>();
  vi.stubGlobal("location", { origin: "https://eu-1.example" });
  vi.stubGlobal("sessionStorage", {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  });
  signIn("one", null);
});

describe("a session that the node ends", () => {
  test("is said to have ended, whichever connection hears of it first", async () => {
    vi.stubGlobal("fetch", async () => new Response("{}", { status: 401 }));
    await expect(http.get("/api/v1/items")).rejects.toMatchObject({ status: 401 });
    expect([session.value, expired.value]).toEqual([null, true]);
    endSession("one");
    expect(expired.value).toBe(true);
  });

  test("is forgotten with the next sign-in, which a late answer to the old one leaves alone", () => {
    endSession("one");
    signIn("two", null);
    endSession("one");
    expect([session.value?.token, expired.value]).toEqual(["two", false]);
  });

  test("is not said of one who signs out, though the token had gone already", () => {
    endSession("one");
    signOut();
    expect(expired.value).toBe(false);
  });
});
