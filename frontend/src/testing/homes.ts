/** Made-up listings in the shape of the API, the same on every run. */
import type { PropertyDetail } from "../shared/api/types";

const STREETS = ["Alder Court", "Birchwood Lane", "Cedar Street", "Dogwood Avenue", "Elm Ridge Road", "Foxglove Way"];
const QUARTERS = ["North Ames", "Old Town", "College Creek", "Northridge Heights", "Somerset"];
const STATUSES = ["Active", "Active", "Closed", "Pending", "Active", "Coming Soon", "Closed", "Active Under Contract"];
const TYPES = ["Single Family Residence", "Single Family Residence", "Townhouse", "Duplex"];

/** A repeatable number from 0 to `below` - 1. */
const pick = (seed: number, below: number): number => Math.abs(Math.imul(seed ^ 0x9e3779b1, 0x85ebca6b) >>> 8) % below;

const at = <T>(list: readonly T[], index: number): T => list[index % list.length] as T;

/** Where the quarters lie around Ames; one home in sixteen does not say. */
const CENTERS = [
  [42.0525, -93.62],
  [42.0285, -93.6145],
  [42.0215, -93.685],
  [42.059, -93.654],
  [42.0525, -93.645],
] as const;

function placeOf(index: number): { latitude: number | null; longitude: number | null } {
  if (index % 16 === 15) return { latitude: null, longitude: null };
  const [latitude, longitude] = at(CENTERS, index);
  return {
    latitude: Number((latitude + (pick(index + 11, 1000) - 500) / 66_000).toFixed(6)),
    longitude: Number((longitude + (pick(index + 5, 1000) - 500) / 50_000).toFixed(6)),
  };
}

export function makeHome(index: number, change: Partial<PropertyDetail> = {}): PropertyDetail {
  const status = at(STATUSES, index);
  const area = 820 + pick(index, 2900);
  const price = { amount: (95_000 + area * 78 + pick(index + 7, 60) * 1_000) * 100, currency: "USD" };
  const photos = Array.from({ length: index % 9 === 4 ? 0 : 2 + (index % 4) }, (_, photo) => ({
    url: `/api/v1/properties/home-${index}/photos/${photo}`,
    alt: `Placeholder picture ${photo + 1} of the home`,
    width: 1200,
    height: 800,
    id: null,
    description: null,
    state: "ready",
    sizes: null,
  }));
  const street = `${101 + pick(index, 880)} ${at(STREETS, index)}`;
  return {
    ...particulars(index, status),
    id: `home-${index}`,
    listing_key: `AMES-${String(index).padStart(5, "0")}`,
    standard_status: status,
    list_price: price,
    close_price: status === "Closed" ? { ...price, amount: price.amount - 250_000 } : null,
    unparsed_address: `${street}, Ames, IA 50010`,
    ...placeOf(index),
    city: "Ames",
    state_or_province: "IA",
    postal_code: "50010",
    property_type: "Residential",
    property_sub_type: at(TYPES, index),
    bedrooms_total: 1 + pick(index, 5),
    bathrooms_total: 1 + pick(index + 3, 3),
    living_area: area,
    lot_size_area: 5_200 + pick(index + 1, 20_000),
    year_built: 1900 + pick(index, 110),
    photo: photos[0] ?? null,
    photos,
    modification_timestamp: new Date(Date.UTC(2026, 9, 30, 15, 0) - index * 3_600_000).toISOString(),
    ...change,
  } as PropertyDetail;
}

const particulars = (index: number, status: string) => ({
  listing_id: String(100_000 + index),
  county_or_parish: "Story",
  levels: ["One"],
  parking_features: ["Attached", "Garage"],
  patio_and_porch_features: ["Deck"],
  lot_features: ["Corner Lot", "Level"],
  fencing: [],
  zoning_description: "Residential, low density",
  year_built_details: null,
  public_remarks:
    "Ranch single family residence close to parks and schools. Bright rooms above ground, a finished basement and a quiet garden.\nForced air heating, central air conditioning and one fireplace.",
  subdivision_name: at(QUARTERS, index),
  architectural_style: ["Ranch"],
  heating: ["Forced Air", "Natural Gas"],
  cooling: ["Central Air"],
  garage_spaces: pick(index, 3),
  fireplaces_total: pick(index + 2, 3),
  basement: ["Partially Finished", "Walk-Out Access"],
  exterior_features: [],
  construction_materials: ["Brick", "Wood Siding"],
  roof: "Composition, Shingle",
  foundation_details: ["Block"],
  lot_size_acres: 0.12 + pick(index, 60) / 100,
  zoning: "RL",
  tax_annual_amount: null,
  association_fee: null,
  close_date: status === "Closed" ? "2026-05-07" : null,
  listing_contract_date: "2026-02-01",
  days_on_market: pick(index, 120),
  list_agent_full_name: "Indigo Sample",
  list_office_name: "Example Realty",
  version: 1,
  origin: "feed",
  can_edit: false,
  status_moves: [],
  list_agent_id: null,
  list_office_id: null,
  private_remarks: null,
  showing_instructions: null,
  internet_display: true,
  internet_address_display: true,
  cumulative_days_on_market: null,
  updated_at: new Date(Date.UTC(2026, 9, 30, 15, 0) - index * 3_600_000).toISOString(),
  source: { feed: "ames", originating_system_name: "Ames Sample MLS", refreshed_at: "2026-10-30T15:04:00Z" },
});

const OWN = [
  { id: "own-draft", standard_status: "Incomplete", status_moves: ["Coming Soon", "Active", "Delete"] },
  { id: "own-active", standard_status: "Active", status_moves: ["Active Under Contract", "Hold", "Withdrawn"] },
  { id: "own-pending", standard_status: "Pending", status_moves: ["Closed", "Active"] },
] as const;

const ownPhoto = (id: string, description: string) => ({
  id,
  url: `/api/v1/photos/${id}?size=large`,
  alt: description,
  description,
  width: 1200,
  height: 800,
  state: "ready" as const,
  sizes: {
    small: `/api/v1/photos/${id}?size=small`,
    medium: `/api/v1/photos/${id}?size=medium`,
    large: `/api/v1/photos/${id}?size=large`,
  },
});

/** Listings of the brokerage itself, which the owner may edit: a draft, an active and a pending one. */
export function makeOwn(index: number): PropertyDetail {
  const { id, ...own } = at(OWN, index);
  const photos = ["The front", "The kitchen", "The garden"].map((words, photo) =>
    ownPhoto(`${id}-${photo + 1}`, words),
  );
  return makeHome(index + 900, {
    ...own,
    id,
    listing_key: `ACME-${1001 + index}`,
    listing_id: String(1001 + index),
    status_moves: [...own.status_moves],
    close_price: null,
    close_date: null,
    origin: "own",
    can_edit: true,
    version: 3,
    list_agent_id: "user-1",
    photos: own.standard_status === "Incomplete" ? [] : photos,
    photo: own.standard_status === "Incomplete" ? null : (photos[0] ?? null),
    updated_at: new Date(Date.UTC(2026, 10, 20, 15, 0) - index * 3_600_000).toISOString(),
    list_office_name: "Acme Realty",
    list_agent_full_name: "Olivia Owner",
  });
}

/** What a new listing is: nothing but a draft. */
export function makeDraft(id: string, given: Partial<PropertyDetail>): PropertyDetail {
  const filled = makeOwn(0);
  const empty = Object.fromEntries(
    Object.entries(filled).map(([name, value]) => [name, Array.isArray(value) ? [] : null]),
  );
  const now = new Date().toISOString();
  return {
    ...empty,
    id,
    listing_key: id,
    source: filled.source,
    standard_status: "Incomplete",
    status_moves: ["Coming Soon", "Active", "Delete"],
    origin: "own",
    can_edit: true,
    version: 1,
    unparsed_address: "",
    property_type: "",
    list_price: { amount: 0, currency: "USD" },
    internet_display: true,
    internet_address_display: true,
    updated_at: now,
    modification_timestamp: now,
    ...given,
  } as unknown as PropertyDetail;
}
