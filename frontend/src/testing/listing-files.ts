/** Own listings by files: what an import does to them, how that is taken back, and what goes out. */
import type { BulkImport, ImportFault, PropertyDetail } from "../shared/api/types";
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
}

/** `$525,000` in minor units; nothing for what is ambiguous. */
function minorUnits(text: string): number | undefined {
  const [, units, cents = ""] = /^\$?(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d{1,2}))?$/.exec(text) ?? [];
  return units === undefined ? undefined : Number(`${units.replaceAll(",", "")}${cents.padEnd(2, "0")}`);
}

type Fault = ReturnType<typeof faultsOf>;

/** What the cells say; nothing when one of them says nothing that can be understood. */
function read(value: (field: string) => string, fault: Fault): Given | undefined {
  const [address, city, price, beds] = ["unparsed_address", "city", "list_price", "bedrooms_total"].map(value);
  const amount = price ? minorUnits(price) : 0;
  if (amount === undefined) {
    fault("list_price", price ?? "", "not-an-amount", "This is no amount.");
    return undefined;
  }
  if (beds && !/^\d+$/.test(beds)) {
    fault("bedrooms_total", beds, "not-a-number", "This is no whole number.");
    return undefined;
  }
  return {
    ...(address && { unparsed_address: address }),
    ...(city && { city }),
    ...(price && { list_price: { amount, currency: "USD" } }),
    ...(beds && { bedrooms_total: Number(beds) }),
  };
}

const differs = (home: PropertyDetail, given: Given) =>
  Object.entries(given).some(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(home[name as keyof PropertyDetail]),
  );

/** Cells that are not empty replace what is there; what is published stays complete. */
function judge({ rows, columns }: Table, { homes }: House) {
  const seen = new Map<string, number>();
  const verdicts: Verdict[] = [];
  const faults: ImportFault[] = [];
  rows.forEach((row, index) => {
    const number = index + 2;
    const fault = faultsOf(columns, number, faults);
    const value = (field: string) => cellFor(row, columns, field);
    const id = value("listing_id");
    const home = homes.find(({ origin, listing_id }) => origin === "own" && id !== "" && listing_id === id);
    const given = read(value, fault);
    if (!given) return;
    const earlier = id && seen.get(id);
    seen.set(id, number);
    if (earlier) fault("listing_id", id, "repeated", `Row ${earlier} is about the same listing.`);
    else if (!home) verdicts.push({ kind: "create", given: { ...given, ...(id && { listing_id: id }) } });
    else if (!home.can_edit) fault("listing_id", id, "not-yours", "Somebody else looks after this listing.");
    else if (home.standard_status !== "Incomplete" && lacks({ ...home, ...given }).length > 0)
      fault("listing_id", id, "incomplete", "A published listing would not be complete any more.");
    else verdicts.push({ kind: differs(home, given) ? "update" : "unchanged", given, home });
  });
  return { verdicts, faults };
}

function take(house: House, { kind, given, home }: Verdict, id: string): Effect[] {
  if (kind === "create") house.homes.unshift(makeDraft(id, given));
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
