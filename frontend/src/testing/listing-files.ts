/** Own listings by files: what an import does to them, how that is taken back, and what goes out. */
import type { BulkImport, ImportFault, PropertyDetail, Session } from "../shared/api/types";
import { lacks } from "./editing-rules.ts";
import { mine } from "./fake-search.ts";
import { makeDraft } from "./homes.ts";
import { cellFor, type FakeSubject, faultsOf, type Kind, type Table } from "./tables.ts";

const FIELDS: BulkImport["fields"] = [
  { name: "listing_id", label: "Listing ID", required: false },
  { name: "unparsed_address", label: "Address", required: false },
  { name: "city", label: "City", required: false },
  { name: "list_price", label: "List price", required: false },
  { name: "bedrooms_total", label: "Bedrooms", required: false },
];

const MEANS: Record<string, string> = {
  "mls #": "listing_id",
  listingid: "listing_id",
  "listing id": "listing_id",
  address: "unparsed_address",
  city: "city",
  "list price": "list_price",
  listprice: "list_price",
  beds: "bedrooms_total",
  bedrooms: "bedrooms_total",
};

type Given = Partial<PropertyDetail>;

interface Verdict {
  kind: Kind;
  given: Given;
  /** The listing that is known already. */
  home?: PropertyDetail;
}

/** What it made has nothing before. */
interface Effect {
  id: string;
  version: number;
  before?: Given;
}

interface House {
  homes: PropertyDetail[];
  session: Session | undefined;
}

/** `$525,000` in minor units; nothing for what is ambiguous. */
function minorUnits(text: string): number | undefined {
  const [, units, cents = ""] = /^\$?(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d{1,2}))?$/.exec(text) ?? [];
  return units === undefined ? undefined : Number(`${units.replaceAll(",", "")}${cents.padEnd(2, "0")}`);
}

const NO_WHOLE = "This is no whole number, such as 1850. Give a whole number, or leave the column out.";
const NOTHING = "There is nothing in the columns of this row that fill a field.";
const ONLY_ID = "There is nothing but an id in this row.";

type Value = (field: string) => string;
type Fault = ReturnType<typeof faultsOf>;

/** What the cells say, or all that is wrong with them. */
function read(value: Value, fault: Fault): Given {
  const [address, city, price, beds] = ["unparsed_address", "city", "list_price", "bedrooms_total"].map(value);
  const amount = price ? minorUnits(price) : undefined;
  if (price && amount === undefined)
    fault("list_price", "not-an-amount", "This is no amount of USD, such as 12345.00.");
  if (beds && !/^\d+$/.test(beds)) fault("bedrooms_total", "not-a-number", NO_WHOLE);
  return {
    ...(address && { unparsed_address: address }),
    ...(city && { city }),
    ...(amount !== undefined && { list_price: { amount, currency: "USD" } }),
    ...(beds && { bedrooms_total: Number(beds) }),
  };
}

const differs = (home: PropertyDetail, given: Given) =>
  Object.entries(given).some(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(home[name as keyof PropertyDetail]),
  );

/** Cells that are not empty replace what is there; what is published stays complete. */
function decide(id: string, given: Given, home: PropertyDetail | undefined, fault: Fault): Verdict | undefined {
  if (!home && /^RT-\d+$/.test(id))
    fault("listing_id", "unknown-listing", "No listing has this id. Leave the cell empty for a new one.");
  else if (!home) return { kind: "create", given: { ...given, ...(id && { listing_id: id }) } };
  else if (!home.can_edit) fault("listing_id", "not-yours", "This listing is not yours to change.");
  else {
    const lacking = home.standard_status === "Incomplete" ? [] : lacks({ ...home, ...given });
    for (const { pointer, detail } of lacking) fault(pointer.slice(1), "incomplete", detail);
    if (lacking.length === 0) return { kind: differs(home, given) ? "update" : "unchanged", given, home };
  }
  return undefined;
}

function judge({ rows, columns }: Table, { homes }: House) {
  const seen = new Map<string, number>();
  const verdicts: Verdict[] = [];
  const faults: ImportFault[] = [];
  rows.forEach((row, index) => {
    const number = index + 2;
    const fault = faultsOf(row, number, columns, faults);
    const told = faults.length;
    const value = (field: string) => cellFor(row, columns, field);
    const id = value("listing_id").toUpperCase();
    const given = read(value, fault);
    if (faults.length === told && Object.keys(given).length === 0)
      fault(id ? "listing_id" : null, "missing", id ? ONLY_ID : NOTHING);
    if (faults.length > told) return;
    const home = homes.find(({ origin, listing_id }) => origin === "own" && id !== "" && listing_id === id);
    const verdict = decide(id, given, home, fault);
    if (!verdict) return;
    const earlier = id && seen.get(id);
    if (earlier) fault("listing_id", "repeated", `Row ${earlier} is about the same listing.`);
    else verdicts.push(verdict);
    if (!earlier) seen.set(id, number);
  });
  return { verdicts, faults };
}

/** A manager's are the office's, as no column names their agent here; everybody else's are their own. */
const drafted = ({ session }: House): Given =>
  session?.user.role === "office_manager"
    ? { list_office_id: session.user.office_id }
    : { list_agent_id: session?.user.id ?? null, list_agent_full_name: session?.user.name ?? null };

function take(house: House, { kind, given, home }: Verdict, id: string): Effect[] {
  if (kind === "create") house.homes.unshift(makeDraft(id, { ...drafted(house), ...given }));
  if (kind === "create") return [{ id, version: 1 }];
  if (kind === "unchanged" || !home) return [];
  const before = Object.fromEntries(Object.keys(given).map((name) => [name, home[name as keyof PropertyDetail]]));
  Object.assign(home, given, { version: home.version + 1 });
  return [{ id: home.id, version: home.version, before }];
}

function takeBack(house: House, effects: Effect[]): number {
  const untouched = effects.filter(({ id, version }) =>
    house.homes.some((home) => home.id === id && home.version === version),
  );
  for (const { id, before } of untouched) {
    const home = house.homes.find((each) => each.id === id);
    if (home && before) Object.assign(home, before, { version: home.version + 1 });
    else house.homes = house.homes.filter((each) => each !== home);
  }
  return untouched.length;
}

export const listingFiles = (house: House): FakeSubject<Verdict, Effect> => ({
  path: "property",
  kind: "properties",
  module: "property",
  records: "properties",
  fields: FIELDS,
  means: MEANS,
  judge: (table) => judge(table, house),
  take: (verdict, id) => take(house, verdict, id),
  takeBack: (effects) => takeBack(house, effects),
  exported: ({ searchParams }) => [
    "Listing ID,Address",
    ...mine(house.homes, searchParams).map(({ listing_id, unparsed_address }) => `${listing_id},${unparsed_address}`),
  ],
});
