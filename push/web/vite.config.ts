import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { build, type Plugin } from "vite";
import { defineConfig } from "vitest/config";
import { mockServer } from "./dev/mock.ts";

const root = import.meta.dirname;
const out = resolve(root, "../static");
const pages = ["index.html", "desktop/index.html", "supervisor/index.html", "admin/index.html", "demo/index.html"];

/** A classic script at the top of every page; Vite itself bundles modules only, and those come late. */
function firstPaint(): Plugin {
  const path = "src/ui/first-paint.js";
  const source = readFileSync(resolve(root, path), "utf8");
  const hash = createHash("sha256").update(source).digest("hex").slice(0, 8);
  let fileName = path;
  return {
    name: "switchroom-first-paint",
    configResolved(config) {
      if (config.command === "build") fileName = `assets/first-paint-${hash}.js`;
    },
    transformIndexHtml: () => [{ tag: "script", attrs: { src: `/${fileName}` }, injectTo: "head-prepend" }],
    generateBundle() {
      this.emitFile({ type: "asset", fileName, source });
    },
  };
}

/**
 * The chat widget is one self-contained script under a fixed name, so that a shop's page can
 * name it for years; Rolldown builds such a file only in a build of its own. So is what the
 * node's own pages for tickets name, with its style sheet.
 */
const ALONE = [
  { name: "widget", global: "SwitchroomWidget" },
  { name: "ticket", global: "SwitchroomTicket" },
];

/** The widget's languages but the one that is built in, each as a module that it imports when it is spoken. */
function words(): Plugin {
  const folder = resolve(root, "src/widget/words");
  return {
    name: "switchroom-words",
    apply: "build",
    generateBundle() {
      for (const file of readdirSync(folder)) {
        const language = file.replace(".json", "");
        if (language === "en") continue;
        const texts = JSON.stringify(JSON.parse(readFileSync(resolve(folder, file), "utf8")));
        this.emitFile({ type: "asset", fileName: `widget-${language}.js`, source: `export default ${texts};\n` });
      }
    },
  };
}

function alone(): Plugin {
  return {
    name: "switchroom-alone",
    apply: "build",
    async closeBundle(error?: Error) {
      if (error) return;
      for (const { name, global } of ALONE) {
        const entry = resolve(root, `src/${name}/main.ts`);
        await build({
          configFile: false,
          root,
          publicDir: false,
          logLevel: "warn",
          define: { "process.env.NODE_ENV": '"production"' },
          build: {
            outDir: out,
            emptyOutDir: false,
            target: "es2022",
            lib: { entry, formats: ["iife"], name: global, fileName: () => `${name}.js`, cssFileName: name },
          },
        });
      }
    },
  };
}

export default defineConfig({
  root,
  appType: "mpa",
  plugins: [mockServer(), firstPaint(), words(), alone()],
  build: {
    outDir: out,
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // data: URLs are not in our Content-Security-Policy
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: pages.map((page) => resolve(root, page)),
      output: {
        // what every page needs, in one file that the browser keeps from page to page
        codeSplitting: {
          groups: [{ name: "shared", test: /node_modules\/(?!uplot)|src\/(ui|api)\/|src\/i18n\/(index|en)/ }],
        },
      },
    },
  },
  worker: { format: "es" },
  test: {
    include: ["tests/**/*.test.{ts,tsx}"],
    environment: "node",
  },
});
