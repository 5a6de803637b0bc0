import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { build, type Plugin } from "vite";
import { defineConfig } from "vitest/config";
import { mockServer } from "./dev/mock.ts";

const root = import.meta.dirname;
const out = resolve(root, "../static");
const pages = ["index.html", "desktop/index.html", "supervisor/index.html", "admin/index.html", "demo/index.html"];

/**
 * The chat widget is one self-contained script under a fixed name, so that a shop's page can
 * name it for years; Rolldown builds such a file only in a build of its own.
 */
function widget(): Plugin {
  const entry = resolve(root, "src/widget/main.ts");
  return {
    name: "switchroom-widget",
    apply: "build",
    async closeBundle(error?: Error) {
      if (error || !existsSync(entry)) return;
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
          lib: { entry, formats: ["iife"], name: "SwitchroomWidget", fileName: () => "widget.js" },
        },
      });
    },
  };
}

export default defineConfig({
  root,
  appType: "mpa",
  plugins: [mockServer(), widget()],
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
          groups: [{ name: "shared", test: /node_modules|src\/(ui|api)\/|src\/i18n\/(index|en)/ }],
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
