/** A listing's facts in the groups of the RESO Data Dictionary. What the feed does not say is left out. */
import type { PropertyDetail } from "@/shared/api/types";
import { count, day, decimal, money, squareFeet } from "@/shared/lib/format";

interface Fact {
  name: string;
  value: string;
}
export interface FactGroup {
  title: string;
  facts: Fact[];
}

type Value = string | number | readonly string[] | null | undefined;

function group(title: string, facts: Record<string, Value>): FactGroup {
  const present = Object.entries(facts).flatMap(([name, value]) => {
    const text = Array.isArray(value) ? value.join(", ") : value == null ? "" : String(value);
    return text === "" ? [] : [{ name, value: text }];
  });
  return { title, facts: present };
}

const maybe = <T>(value: T | null | undefined, write: (value: T) => string) => (value == null ? null : write(value));

export function factGroups(home: PropertyDetail): FactGroup[] {
  return [
    group("Structure", {
      "Property type": home.property_type,
      "Home type": home.property_sub_type,
      "Architectural style": home.architectural_style,
      Levels: home.levels,
      "Year built": home.year_built,
      "Construction materials": home.construction_materials,
      Roof: home.roof,
      Foundation: home.foundation_details,
      Basement: home.basement,
    }),
    group("Interior", {
      Bedrooms: home.bedrooms_total,
      Bathrooms: maybe(home.bathrooms_total, (baths) => decimal(baths, 1)),
      "Living area": maybe(home.living_area, squareFeet),
      Heating: home.heating,
      Cooling: home.cooling,
      Fireplaces: home.fireplaces_total,
    }),
    group("Exterior and parking", {
      "Garage spaces": maybe(home.garage_spaces, (spaces) => decimal(spaces, 1)),
      Parking: home.parking_features,
      "Exterior features": home.exterior_features,
      "Patio and porch": home.patio_and_porch_features,
      Fencing: home.fencing,
    }),
    group("Location and lot", {
      Subdivision: home.subdivision_name,
      County: home.county_or_parish,
      Zoning: home.zoning_description ?? home.zoning,
      "Lot features": home.lot_features,
      "Lot size": maybe(home.lot_size_area, squareFeet),
      "Lot in acres": maybe(home.lot_size_acres, (acres) => decimal(acres, 2)),
    }),
    group("Financial", {
      "List price": money(home.list_price),
      "Close price": maybe(home.close_price, money),
      "Association fee": maybe(home.association_fee, money),
      "Annual tax": maybe(home.tax_annual_amount, money),
    }),
    group("Listing", {
      Status: home.standard_status,
      "Listing number": home.listing_id ?? home.listing_key,
      Listed: maybe(home.listing_contract_date, day),
      Closed: maybe(home.close_date, day),
      "Days on market": maybe(home.days_on_market, count),
    }),
  ].filter(({ facts }) => facts.length > 0);
}
