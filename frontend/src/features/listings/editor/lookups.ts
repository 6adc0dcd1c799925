/** Values of the RESO Data Dictionary that the editor offers. Its lists are longer; where it allows any text, so do we. */
export const PROPERTY_TYPES = [
  "Residential",
  "Residential Income",
  "Residential Lease",
  "Land",
  "Farm",
  "Manufactured In Park",
  "Commercial Sale",
  "Commercial Lease",
  "Commercial Real Estate",
  "Business Opportunity",
];
export const SUB_TYPES = [
  "Single Family Residence",
  "Townhouse",
  "Condominium",
  "Duplex",
  "Triplex",
  "Quadruplex",
  "Multi Family",
  "Apartment",
  "Manufactured Home",
  "Mobile Home",
  "Cabin",
  "Farm",
  "Ranch",
  "Unimproved Land",
  "Stock Cooperative",
  "Mixed Use",
  "Office",
  "Retail",
  "Industrial",
  "Warehouse",
];
export const BASEMENTS = [
  "Full",
  "Partial",
  "Crawl Space",
  "Finished",
  "Partially Finished",
  "Unfinished",
  "Walk-Out Access",
];
export const HEATINGS = ["Forced Air", "Natural Gas", "Heat Pump", "Radiant", "Electric", "Baseboard", "Hot Water"];
export const COOLINGS = ["Central Air", "Ductless", "Window Unit(s)", "Heat Pump", "None"];
export const PARKING = ["Attached", "Detached", "Garage", "Carport", "Driveway", "Off Street", "On Street"];
