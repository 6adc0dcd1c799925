/** The editor's sections and fields, in the terms of the RESO Data Dictionary. */
import { BASEMENTS, COOLINGS, HEATINGS, PARKING, PROPERTY_TYPES, SUB_TYPES } from "./lookups";

type Kind = "text" | "area" | "whole" | "decimal" | "money" | "date" | "choice" | "list" | "flag" | "agent";

export interface FieldSpec {
  name: FieldName;
  label: string;
  kind: Kind;
  /** Read with the field, before anything is typed. */
  hint?: string;
  unit?: string;
  /** What can be chosen, or what is proposed while typing. */
  options?: readonly string[];
  /** Takes the whole width. */
  wide?: boolean;
  /** For browsers that fill in what they know. */
  autoComplete?: string;
  maxLength?: number;
}

export interface Section {
  id: string;
  title: string;
  lead?: string;
  fields: readonly FieldSpec[];
}

export type FieldName =
  | "unparsed_address"
  | "city"
  | "state_or_province"
  | "postal_code"
  | "county_or_parish"
  | "subdivision_name"
  | "latitude"
  | "longitude"
  | "list_price"
  | "list_agent_id"
  | "listing_contract_date"
  | "association_fee"
  | "tax_annual_amount"
  | "property_type"
  | "property_sub_type"
  | "bedrooms_total"
  | "bathrooms_total"
  | "living_area"
  | "lot_size_area"
  | "year_built"
  | "garage_spaces"
  | "fireplaces_total"
  | "zoning"
  | "levels"
  | "architectural_style"
  | "heating"
  | "cooling"
  | "basement"
  | "parking_features"
  | "construction_materials"
  | "roof"
  | "foundation_details"
  | "exterior_features"
  | "patio_and_porch_features"
  | "fencing"
  | "lot_features"
  | "public_remarks"
  | "private_remarks"
  | "showing_instructions"
  | "internet_display"
  | "internet_address_display";

const list = (name: FieldName, label: string, options: readonly string[] = []): FieldSpec => ({
  name,
  label,
  kind: "list",
  options,
});

export const SECTIONS: readonly Section[] = [
  {
    id: "address",
    title: "Address & place",
    fields: [
      {
        name: "unparsed_address",
        label: "Street address",
        kind: "text",
        hint: "House number, street and unit",
        wide: true,
        autoComplete: "off",
      },
      { name: "city", label: "City", kind: "text" },
      { name: "state_or_province", label: "State or province", kind: "text", maxLength: 40 },
      { name: "postal_code", label: "Postal code", kind: "text" },
      { name: "county_or_parish", label: "County or parish", kind: "text" },
      { name: "subdivision_name", label: "Subdivision", kind: "text" },
      { name: "zoning", label: "Zoning", kind: "text" },
      { name: "latitude", label: "Latitude", kind: "decimal", hint: "Degrees, such as 42.0285" },
      { name: "longitude", label: "Longitude", kind: "decimal", hint: "Degrees, west is negative: -93.62" },
    ],
  },
  {
    id: "price",
    title: "Price & terms",
    fields: [
      { name: "list_price", label: "List price", kind: "money" },
      { name: "list_agent_id", label: "Listing agent", kind: "agent" },
      { name: "listing_contract_date", label: "Listing contract date", kind: "date" },
      { name: "association_fee", label: "Association fee", kind: "money" },
      { name: "tax_annual_amount", label: "Annual tax", kind: "money" },
    ],
  },
  {
    id: "facts",
    title: "Facts",
    fields: [
      { name: "property_type", label: "Property type", kind: "choice", options: PROPERTY_TYPES },
      { name: "property_sub_type", label: "Home type", kind: "choice", options: SUB_TYPES },
      { name: "bedrooms_total", label: "Bedrooms", kind: "whole" },
      { name: "bathrooms_total", label: "Bathrooms", kind: "whole" },
      { name: "living_area", label: "Living area", kind: "whole", unit: "sq ft" },
      { name: "lot_size_area", label: "Lot size", kind: "whole", unit: "sq ft" },
      { name: "year_built", label: "Year built", kind: "whole" },
      { name: "garage_spaces", label: "Garage spaces", kind: "decimal" },
      { name: "fireplaces_total", label: "Fireplaces", kind: "whole" },
      { name: "roof", label: "Roof", kind: "text" },
    ],
  },
  {
    id: "features",
    title: "Features",
    lead: "Several to a field: Enter or a comma adds what is typed.",
    fields: [
      list("levels", "Levels", ["One", "One and One Half", "Two", "Three Or More", "Multi/Split"]),
      list("architectural_style", "Architectural style", [
        "Ranch",
        "Colonial",
        "Craftsman",
        "Cape Cod",
        "Contemporary",
      ]),
      list("heating", "Heating", HEATINGS),
      list("cooling", "Cooling", COOLINGS),
      list("basement", "Basement", BASEMENTS),
      list("parking_features", "Parking", PARKING),
      list("construction_materials", "Construction materials", ["Brick", "Wood Siding", "Vinyl Siding", "Stucco"]),
      list("foundation_details", "Foundation", ["Block", "Concrete Perimeter", "Slab", "Stone"]),
      list("exterior_features", "Exterior features"),
      list("patio_and_porch_features", "Patio and porch", ["Deck", "Patio", "Porch", "Screened"]),
      list("fencing", "Fencing", ["Wood", "Chain Link", "Privacy", "None"]),
      list("lot_features", "Lot features", ["Corner Lot", "Cul-De-Sac", "Level", "Wooded"]),
    ],
  },
  {
    id: "remarks",
    title: "Remarks",
    fields: [
      {
        name: "public_remarks",
        label: "Public remarks",
        kind: "area",
        hint: "Everyone who may see the listing reads this. No names, phone numbers or showing notes.",
        wide: true,
        maxLength: 4000,
      },
    ],
  },
  {
    id: "private",
    title: "Private",
    lead: "Only those who may edit this listing see these.",
    fields: [
      { name: "private_remarks", label: "Private remarks", kind: "area", wide: true, maxLength: 4000 },
      { name: "showing_instructions", label: "Showing instructions", kind: "area", wide: true, maxLength: 4000 },
    ],
  },
  {
    id: "display",
    title: "Display on the internet",
    fields: [
      {
        name: "internet_display",
        label: "Show the listing on the internet",
        kind: "flag",
        hint: "Off: no portal and no public search shows it.",
        wide: true,
      },
      {
        name: "internet_address_display",
        label: "Show the address on the internet",
        kind: "flag",
        hint: "Off: street and place on the map are left out.",
        wide: true,
      },
    ],
  },
];

export const FIELDS: readonly FieldSpec[] = SECTIONS.flatMap(({ fields }) => fields);

/** Photos are edited, saved, kept and undone like fields: their order, each one's description, whether it is gone. */
export const PHOTO_ORDER = "photo_order";
type PhotoEdit = `description:${string}` | `deleted:${string}`;
export type EditName = FieldName | typeof PHOTO_ORDER | PhotoEdit;

/** `description:<photo>` → its two parts; undefined for what is no photo's. */
export function photoEdit(name: string): { what: "description" | "deleted"; photo: string } | undefined {
  const [what, photo] = name.split(":");
  return photo !== undefined && (what === "description" || what === "deleted") ? { what, photo } : undefined;
}

const BY_NAME = new Map<string, FieldSpec>(FIELDS.map((field) => [field.name, field]));
export const specOf = (name: string): FieldSpec | undefined => BY_NAME.get(name);

export function labelOf(name: EditName): string {
  if (name === PHOTO_ORDER) return "Order of the photos";
  const edit = photoEdit(name);
  if (edit) return edit.what === "deleted" ? "Deletion of a photo" : "Description of a photo";
  return BY_NAME.get(name)?.label ?? name;
}
