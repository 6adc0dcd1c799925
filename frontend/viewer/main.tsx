import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createRoot } from "react-dom/client";
import "uplot/dist/uPlot.min.css";
import "./viewer.css";
import { Viewer } from "./viewer";

const root = document.getElementById("root");
if (!root) throw new Error("The page has no place for the dashboards.");
const client = new QueryClient({ defaultOptions: { queries: { retry: 1, refetchOnWindowFocus: false } } });
createRoot(root).render(
  <QueryClientProvider client={client}>
    <Viewer />
  </QueryClientProvider>,
);
