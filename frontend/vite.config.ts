import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// `npm run dev` proxies the API to `npm run mock`, or to a running stack named by ROOFTREE_API.
const api = process.env.ROOFTREE_API ?? "http://127.0.0.1:4400";

export default defineConfig({
  plugins: [react(), tailwindcss()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    // light-dark() and OKLCH stay as written from these browsers on.
    target: ["chrome125", "edge125", "firefox128", "safari17.5"],
    // No data: addresses, no inline module preload helper: the content security policy allows neither.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        // A first visit fetches the list of all pages' files: without their names it has room for some pages more. The map's
        // code keeps its name, by which scripts/size.mjs knows it.
        chunkFileNames: ({ name }) => (name === "map-engine" ? "assets/[name]-[hash].js" : "assets/[hash].js"),
        codeSplitting: {
          includeDependenciesRecursively: false,
          // Icons that several pages show are one file: as files of a few bytes each they would be as many requests. Those
          // of what the first visit has at hand, the failure and the busy button, stay with that.
          groups: [{ name: "icons", test: /lucide-react.+icons.(?!cloud-off|loader-circle)/, minShareCount: 2 }],
        },
      },
    },
    // scripts/size.mjs holds the budgets; only the map's code is above this warning's default.
    chunkSizeWarningLimit: 1_200,
  },
  server: {
    proxy: Object.fromEntries(["/api", "/auth", "/oauth"].map((path) => [path, { target: api, secure: true }])),
  },
  test: {
    environment: "jsdom",
    environmentOptions: { jsdom: { url: "https://acme.rooftree.localhost:8443/" } },
    setupFiles: ["src/testing/setup.ts"],
    include: ["src/**/*.test.{ts,tsx}", "scripts/**/*.test.ts", "viewer/**/*.test.{ts,tsx}"],
    restoreMocks: true,
    // The pipeline names a file for what GitLab shows of a job's tests.
    reporters: process.env.VITEST_JUNIT
      ? ["default", ["junit", { outputFile: process.env.VITEST_JUNIT }]]
      : ["default"],
    testTimeout: 30_000,
  },
});
