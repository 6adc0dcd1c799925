/** Names for the API's shapes, taken from its paths so that they do not depend on how the server names its models. */
import type { paths } from "./schema";

type Json<R, Status extends number> = R extends {
  responses: Record<Status, { content: { "application/json": infer T } }>;
}
  ? T
  : never;

export type Session = Json<paths["/api/v1/session"]["get"], 200>;
export type Invitation = Json<paths["/api/v1/invitations/{token}"]["get"], 200>;
type PropertyPage = Json<paths["/api/v1/properties"]["get"], 200>;
export type PropertySummary = PropertyPage["items"][number];
export type PropertyDetail = Json<paths["/api/v1/properties/{property_id}"]["get"], 200>;
export type Photo = PropertyDetail["photos"][number];
export type StandardStatus = PropertyDetail["standard_status"];
export type StatusChange =
  paths["/api/v1/properties/{property_id}/status-changes"]["post"]["requestBody"]["content"]["application/json"];
export type HistoryEntry = Json<paths["/api/v1/properties/{property_id}/history"]["get"], 200>["items"][number];
export type PropertyQuery = NonNullable<paths["/api/v1/properties"]["get"]["parameters"]["query"]>;
export type Feed = Json<paths["/api/v1/feeds"]["get"], 200>["items"][number];
type RejectionPage = Json<paths["/api/v1/feeds/{name}/rejections"]["get"], 200>;
export type Rejection = RejectionPage["items"][number];
export type Facets = NonNullable<PropertyPage["facets"]>;
type PropertyMap = Json<paths["/api/v1/properties/map"]["get"], 200>;
export type MapPoint = PropertyMap["points"][number];
/** The API client reads a fixed-length list as a list of any length. */
export type MapAnswer = Omit<PropertyMap, "clusters"> & {
  clusters: (Omit<PropertyMap["clusters"][number], "bbox"> & { bbox: number[] })[];
};
export type Suggestion = Json<paths["/api/v1/properties/suggestions"]["get"], 200>["items"][number];
export type FeedRun = Json<paths["/api/v1/feeds/{name}/runs"]["get"], 200>["items"][number];
export type SearchStatus = Json<paths["/api/v1/search/status"]["get"], 200>;
