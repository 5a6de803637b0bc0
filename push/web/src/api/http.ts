/** JSON over HTTP as the node speaks it: bearer token, RFC 9457 problems. */

import { t } from "../i18n";
import { baseFor, hasOthers, healing, preferBase } from "./nodes";
import { endSession, session } from "./session";

export interface FieldError {
  field: string;
  message: string;
}

/** The node answered, and the answer is no. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    title: string,
    readonly errors: FieldError[] = [],
  ) {
    super(title);
    this.name = "Problem";
  }

  /** What is wrong with a field, or with something in it. */
  of(field: string): string | undefined {
    const within = new RegExp(`^${field}([.[]|$)`);
    return this.errors.find((error) => within.test(error.field))?.message;
  }
}

/** The node did not answer; it may well do so in a moment. */
export class Unreachable extends Error {
  constructor() {
    super(t("error.unreachable"));
    this.name = "Unreachable";
  }
}

export interface Page<T> {
  items: T[];
  next: string | null;
}

type Query = Record<string, string | number | boolean | null | undefined>;

interface Options {
  query?: Query;
  body?: unknown;
  form?: FormData;
  key?: string;
  /** Doing it twice does no harm. */
  repeatable?: boolean;
  /** Say at once what came of it; ask one other node at most. */
  impatient?: boolean;
}

const PAUSES = [300, 900, 2000];
/** A pause between tries while the connection is being mended. */
const HEALING_PAUSE = 2000;
const RESTARTING = new Set([502, 503, 504]);
/** A node that stands still says nothing at all, for as long as one waits. */
const ANSWER_LIMIT = 15_000;

function address(path: string, query: Query = {}): string {
  const parts = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  if (parts.length === 0) return path;
  return `${path}?${new URLSearchParams(parts.map(([name, value]) => [name, String(value)]))}`;
}

async function once(
  base: string,
  method: string,
  path: string,
  options: Options,
  token: string | undefined,
): Promise<Response> {
  const { query, body, form, key } = options;
  const headers = new Headers({ Accept: "application/json" });
  if (token) headers.set("Authorization", `Bearer ${token}`);
  if (key) headers.set("Idempotency-Key", key);
  if (body !== undefined) headers.set("Content-Type", "application/json");
  const ending = new AbortController();
  const limit = method === "GET" ? setTimeout(() => ending.abort(), ANSWER_LIMIT) : undefined;
  try {
    return await fetch(base + address(path, query), {
      method,
      headers,
      body: form ?? (body === undefined ? undefined : JSON.stringify(body)),
      credentials: "same-origin",
      signal: ending.signal,
    });
  } catch {
    throw new Unreachable();
  } finally {
    clearTimeout(limit);
  }
}

async function problem(response: Response): Promise<Problem> {
  let title = "";
  let errors: FieldError[] = [];
  try {
    const body = (await response.json()) as { title?: string; detail?: string; errors?: FieldError[] };
    title = body.detail || body.title || "";
    errors = body.errors ?? [];
  } catch {
    // not a problem document: the status must do
  }
  if (!title) title = response.status === 403 ? t("error.forbidden") : t("error.status", { n: response.status });
  return new Problem(response.status, title, errors);
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Reading is repeated over a restart of the node and elsewhere over its loss, as long as the
 * connection is being mended; writing only where a key makes that harmless.
 * Throws `Problem` or `Unreachable`.
 */
async function respond(method: string, path: string, options: Options): Promise<Response> {
  const again = !options.impatient && (method === "GET" || Boolean(options.key) || options.repeatable);
  for (let attempt = 0; ; attempt += 1) {
    const base = baseFor(again || options.impatient ? attempt : 0);
    const pause = again ? (PAUSES[attempt] ?? (healing.peek() ? HEALING_PAUSE : undefined)) : 0;
    const token = session.peek()?.token;
    const last = pause === undefined || !(again || (options.impatient && attempt === 0 && hasOthers()));
    try {
      const response = await once(base, method, path, options, token);
      if (response.ok) {
        preferBase(base);
        return response;
      }
      if (last || !RESTARTING.has(response.status)) {
        if (response.status === 401 && token && !path.endsWith("/login")) endSession(token);
        throw await problem(response);
      }
    } catch (error) {
      if (last || !(error instanceof Unreachable)) throw error;
    }
    await wait(pause * (0.7 + Math.random() * 0.6));
  }
}

async function json<T>(method: string, path: string, options: Options = {}): Promise<T> {
  const response = await respond(method, path, options);
  const text = await response.text();
  return (text ? JSON.parse(text) : undefined) as T;
}

export const http = {
  get: <T>(path: string, query?: Query) => json<T>("GET", path, { query }),
  look: <T>(path: string) => json<T>("GET", path, { impatient: true }),
  post: <T = void>(path: string, body?: unknown, key?: string) => json<T>("POST", path, { body, key }),
  put: <T = void>(path: string, body: unknown) => json<T>("PUT", path, { body }),
  delete: <T = void>(path: string) => json<T>("DELETE", path),
  form: <T>(path: string, form: FormData) => json<T>("POST", path, { form, repeatable: true }),
  blob: async (path: string, query: Query = {}) => (await respond("GET", path, { query })).blob(),
  text: async (path: string) => (await respond("GET", path, {})).text(),
};
