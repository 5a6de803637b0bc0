import type { Texts } from "./index";

export const es: Texts = {};
