/** What a connection needs of the browser: sockets, time, chance, storage, a steady beat. */

import { SUBPROTOCOL, type Command } from "../protocol";
import { newId } from "../ui/ids";
import type { CommandStore } from "./commands";
import type { Environment, Wire, WireEvents } from "./connection";

const PENDING = "switchroom.pending";

function openSocket(url: string, events: WireEvents): Wire {
  const socket = new WebSocket(url, SUBPROTOCOL);
  socket.onopen = () => events.onOpen();
  socket.onmessage = (event) => events.onText(String(event.data));
  socket.onclose = (event) => events.onClose(event.code);
  return {
    send: (text) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
    },
    close: () => socket.close(),
  };
}

function everySecond(act: () => void): () => void {
  let timer: ReturnType<typeof setInterval> | undefined;
  let worker: Worker | undefined;
  const without = () => void (timer ??= setInterval(act, 1000));
  try {
    worker = new Worker(new URL("./metronome.worker.ts", import.meta.url), { type: "module" });
    worker.onmessage = act;
    worker.onerror = without; // the node that the page came from may be gone
  } catch {
    without();
  }
  return () => {
    worker?.terminate();
    clearInterval(timer);
  };
}

/** Unanswered commands of this tab, kept over a reload; whose they are is part of the key. */
function tabStore(agent: string): CommandStore {
  const key = `${PENDING}.${agent}`;
  return {
    load() {
      try {
        return JSON.parse(sessionStorage.getItem(key) ?? "[]") as Command[];
      } catch {
        return [];
      }
    },
    save(commands) {
      try {
        if (commands.length > 0) sessionStorage.setItem(key, JSON.stringify(commands));
        else sessionStorage.removeItem(key);
      } catch {
        // storage is full or blocked: the commands still live in memory
      }
    },
  };
}

export function browserEnvironment(agent: string): Environment {
  return {
    open: openSocket,
    // not performance.now(): that stands still while a laptop sleeps, and the socket does not
    now: Date.now,
    after: (ms, act) => {
      const timer = setTimeout(act, ms);
      return () => clearTimeout(timer);
    },
    everySecond,
    random: Math.random,
    newId,
    store: tabStore(agent),
  };
}
