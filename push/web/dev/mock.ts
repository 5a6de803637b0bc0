/**
 * A pretend node for work on the pages: `npm run dev` (live reload) and `npm run mock` (the
 * built pages under the node's Content-Security-Policy). Never part of the build.
 *
 * Sign in as anna / anna, sam / sam (supervisor) or ada / ada (admin), or open
 * /desktop/#token=anna. Settings by address: MOCK_SLOW=ms delays REST, MOCK_EMPTY=1 has no work.
 */

import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import type { Connect, Plugin } from "vite";
import { WebSocketServer } from "ws";
import { SUBPROTOCOL } from "../src/protocol.ts";
import { MockNode } from "./mock/node.ts";
import { rest } from "./mock/rest.ts";

/** What the node should send with its pages: docs/operations speaks of each part. */
export const POLICY = [
  "default-src 'self'",
  "img-src 'self' data: blob: https: http:",
  "style-src 'self' 'unsafe-inline'",
  "connect-src 'self' ws: wss:",
  "object-src 'none'",
  "base-uri 'self'",
  "form-action 'self'",
  "frame-ancestors 'self'",
].join("; ");

interface Host {
  httpServer: unknown;
  middlewares: Connect.Server;
}

function mount(host: Host, policy: boolean): void {
  const node = new MockNode({ empty: process.env.MOCK_EMPTY === "1" });
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => SUBPROTOCOL });
  const server = host.httpServer as Server | null;
  server?.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (request.url !== "/agent/v1") return;
    if (node.down) return void socket.destroy();
    sockets.handleUpgrade(request, socket, head, (ws) => node.attach(ws));
  });
  if (policy) {
    host.middlewares.use((_request, response, next) => {
      response.setHeader("Content-Security-Policy", POLICY);
      next();
    });
  }
  host.middlewares.use(rest(node, Number(process.env.MOCK_SLOW ?? 0)));
}

export function mockServer(): Plugin {
  return {
    name: "switchroom-mock",
    apply: "serve",
    configureServer: (server) => mount(server as unknown as Host, false),
    configurePreviewServer: (server) => mount(server as unknown as Host, true),
  };
}
