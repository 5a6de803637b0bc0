import type { Texts } from "./index";

export const zh: Texts = {};
