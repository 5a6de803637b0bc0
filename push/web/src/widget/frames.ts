/** The frames of `/chat/v1`; `docs/protocols/chat.md` has the rules, `channels/webchat/protocol.py` the other half. */

export const SUBPROTOCOL = "switchroom.chat.v1";
export const VERSION = 1;
export const MAX_BODY = 10_000;

export type ChatState = "queued" | "active" | "closed" | "offline";

export interface Profile {
  name?: string;
  email?: string;
  phone?: string;
}

/** What files may be sent: bytes of each, how many with one message, media types. */
export interface FilesCard {
  max_bytes: number;
  per_message: number;
  types: string[];
}

export interface Site {
  title?: string;
  greeting?: string;
  locale?: string;
  offline_email?: string;
  files?: FilesCard;
  /** What one agrees to by writing. */
  consent?: string;
  /** What is asked before the first word. */
  ask?: (keyof Profile)[];
}

export type ClientFrame =
  | {
      t: "hello";
      channel: string;
      versions: number[];
      visitor?: string;
      identity?: string;
      resume?: { seq: number; conversation: string };
      profile?: Profile;
      locale?: string;
      page?: string;
    }
  | { t: "send"; id: string; body: string; attachments?: string[] }
  | { t: "edit"; id: string; message: string; body: string }
  | { t: "delete"; id: string; message: string }
  | { t: "typing"; on: boolean }
  | { t: "read"; seq: number }
  | { t: "end" }
  | { t: "survey"; id: string; answers: { score: number; comment?: string } }
  | { t: "callme"; id: string; number: string; at?: string; zone?: string }
  | { t: "times"; id: string }
  | { t: "cancel_call"; id: string };

export interface AttachmentCard {
  id: string;
  name: string;
  type: string;
  size: number;
}

/** The visitor is called instead; without `at` as soon as possible. */
export interface CallbackCard {
  number?: string;
  at?: string;
  attempts?: number;
}

export interface PromiseCard {
  text: string;
  due_at: string;
  agent?: string;
}

export interface Author {
  kind: "customer" | "agent" | "system";
  name: string;
}

export type ServerFrame =
  | {
      t: "welcome";
      version: number;
      visitor: string;
      conversation: string | null;
      number: number | null;
      seq: number;
      state: ChatState;
      heartbeat: number;
      /** The `/chat/v1` of the other nodes that serve just now. */
      peers?: string[];
      site: Site;
      /** The token was not honoured: what is remembered is another person's. */
      anew?: boolean;
      opens_at?: string;
    }
  | { t: "tick" }
  | {
      t: "message";
      seq: number;
      id: string;
      author: Author;
      body: string;
      at: string;
      attachments: AttachmentCard[];
      client_id?: string;
      quick_replies?: string[];
      edited?: boolean;
      deleted?: boolean;
    }
  | { t: "edited"; seq: number; message: string; body: string }
  | { t: "deleted"; seq: number; message: string }
  | { t: "delivered"; seq: number }
  | { t: "read"; seq: number }
  | { t: "typing"; on: boolean; name: string }
  | {
      t: "state";
      state: ChatState;
      position?: number;
      estimate?: number;
      agent?: string;
      opens_at?: string;
      callback?: CallbackCard;
      promises?: PromiseCard[];
      /** A call-back should be offered. */
      callme?: boolean;
    }
  | { t: "times"; re: string; periods: [string, string][]; example?: string }
  | { t: "survey"; id: string; questions: string[] }
  | { t: "ok"; re: string; seq: number; conversation?: string }
  | { t: "error"; re: string | null; code: string; detail: string; field?: string; after?: number }
  | { t: "moved"; url: string };
