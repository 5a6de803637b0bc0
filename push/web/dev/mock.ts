import type { Plugin } from "vite";

/** Placeholder wiring; the mock node grows in `dev/mock/`. */
export function mockServer(): Plugin {
  return { name: "switchroom-mock", apply: "serve" };
}
