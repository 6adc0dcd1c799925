import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// The viewer of the dashboards is no part of the web app: `npm run viewer` builds it, `make dashboards-view` serves it.
export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  publicDir: false,
  plugins: [react(), tailwindcss()],
  resolve: { alias: { "@": fileURLToPath(new URL("../src", import.meta.url)) } },
  build: { target: ["chrome125", "edge125", "firefox128", "safari17.5"], emptyOutDir: true },
});
