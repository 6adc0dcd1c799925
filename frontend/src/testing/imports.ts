/** A file of contacts or listings, chosen in the page as a person does. */
import { fireEvent, screen, within } from "@testing-library/react";
import { FakeApp } from "./fake-app";
import { open } from "./open";

export const TABLE = `Name,Email,Phone,Tags,Remark
Nina New,nina@mail.example,515 555 0111,,likes gardens
Nick New,nick@mail.example,,,
Carla Canary,carla@mail.example,,Seller,
Wanda Waiting,wanda@mail.example,,,
,nobody@mail.example,,,
Bad Bert,bert at mail,,,
`;

export const csv = (text = TABLE, name = "contacts.csv") => new File([text], name, { type: "text/csv" });

export const as = (id: string, given: ConstructorParameters<typeof FakeApp>[0] = {}) => {
  const app = new FakeApp(given);
  app.signIn(id);
  return app;
};

export async function choose(page: ReturnType<typeof open>, ...files: File[]) {
  await screen.findByRole("button", { name: /^Choose a/ });
  fireEvent.change(screen.getByLabelText("File to import"), { target: { files } });
  return page;
}

/** A page on which a file has been checked. */
export async function checked(app = as("user-1"), file = csv(), address = "/contacts/import") {
  const page = await choose(open(address, app), file);
  await screen.findByRole("button", { name: /^Import / });
  return page;
}

/** What is said of how many rows. */
export const figures = async () =>
  within(await screen.findByRole("region", { name: "Result" }))
    .getAllByRole("term")
    .map((term) => `${term.textContent} ${term.parentElement?.querySelector("dd")?.textContent}`);
