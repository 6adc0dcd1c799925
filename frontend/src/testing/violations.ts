import axe from "axe-core";

/**
 * What axe finds on the page. jsdom lays nothing out and has no colours, and the frame has two navigations of which the
 * styles show one: the browser tests look at those.
 */
export async function violations(): Promise<string[]> {
  const found = await axe.run(document.getElementById("main") ?? document.body, {
    rules: { "color-contrast": { enabled: false } },
  });
  return found.violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html}`));
}
