import { describe, expect, it } from "vitest";
import { ticketNamed } from "../src/desktop/attributes";

describe("what came along with a piece of work", () => {
  it("names the ticket that it goes back to", () => {
    expect(ticketNamed("refers_to", "#1000123")).toBe(1000123);
    expect(ticketNamed("follows", "#7")).toBe(7);
  });

  it("takes nothing else for a ticket", () => {
    expect(ticketNamed("order", "#7")).toBeNull();
    expect(ticketNamed("refers_to", "#7 or so")).toBeNull();
    expect(ticketNamed("refers_to", 7)).toBeNull();
    expect(ticketNamed("follows", null)).toBeNull();
  });
});
