import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { House } from "lucide-react";
import { createMemoryRouter, RouterProvider } from "react-router";
import { expect, it } from "vitest";
import { BottomBar } from "./bottom-bar";

function show(count: number) {
  const pages = Array.from({ length: count }, (_, index) => ({
    to: `/page-${index + 1}`,
    name: `Page ${index + 1}`,
    Icon: House,
    current: index === count - 1 ? ("page" as const) : undefined,
  }));
  const router = createMemoryRouter([{ path: "*", element: <BottomBar pages={pages} /> }]);
  render(<RouterProvider router={router} />);
  return router;
}

const names = (role: "link" | "menuitem") => screen.getAllByRole(role).map(({ textContent }) => textContent);

it("shows five pages beside each other", () => {
  show(5);
  expect(names("link")).toEqual(["Page 1", "Page 2", "Page 3", "Page 4", "Page 5"]);
  expect(screen.queryByRole("button", { name: "More" })).toBeNull();
});

it("has a menu for those that have no room, and says that the one which is shown is there", async () => {
  const router = show(7);
  expect(names("link")).toEqual(["Page 1", "Page 2", "Page 3", "Page 4"]);
  const more = screen.getByRole("button", { name: "More" });
  expect(more).toHaveAttribute("aria-current", "page");
  await userEvent.setup().click(more);
  await waitFor(() => expect(names("menuitem")).toEqual(["Page 5", "Page 6", "Page 7"]));
  await userEvent.setup().click(screen.getByRole("menuitem", { name: "Page 6" }));
  expect(router.state.location.pathname).toBe("/page-6");
});
