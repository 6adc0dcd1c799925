/** Names for the API's shapes, taken from its paths so that they do not depend on how the server names its models. */
import type { paths } from "./schema";

type Json<R, Status extends number> = R extends {
  responses: Record<Status, { content: { "application/json": infer T } }>;
}
  ? T
  : never;

type Change<R> = R extends { requestBody: { content: { "application/json": infer T } } } ? T : never;

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
export type User = Json<paths["/api/v1/users/{user_id}"]["get"], 200>;
export type Role = User["role"];
/** A merge patch: what is left out stays as it is. */
export type UserChange = Change<paths["/api/v1/users/{user_id}"]["patch"]>;
export type UserQuery = NonNullable<paths["/api/v1/users"]["get"]["parameters"]["query"]>;
export type UserInvitation = Json<paths["/api/v1/user-invitations"]["get"], 200>["items"][number];
export type UserInvitationInput = Change<paths["/api/v1/user-invitations"]["post"]>;
/** An invitation together with its link, which is told only here. */
export type SentInvitation = Json<paths["/api/v1/user-invitations"]["post"], 201>;
export type DelegationInput = Change<paths["/api/v1/delegations"]["post"]>;
/** Leave for an assistant to work on somebody's records. */
export type Delegation = Json<paths["/api/v1/delegations"]["get"], 200>["items"][number];
export type Office = Json<paths["/api/v1/offices/{office_id}"]["get"], 200>;
export type OfficeInput = Change<paths["/api/v1/offices"]["post"]>;
export type Team = Json<paths["/api/v1/teams/{team_id}"]["get"], 200>;
/** A browser in which someone is signed in. */
export type BrowserSession = Json<paths["/api/v1/sessions"]["get"], 200>["items"][number];
type ContactPage = Json<paths["/api/v1/people"]["get"], 200>;
/** Somebody whom the brokerage knows; the API calls them people, as it does not call its own users. */
export type ContactSummary = ContactPage["items"][number];
export type Contact = Json<paths["/api/v1/people/{person_id}"]["get"], 200>;
export type ContactQuery = NonNullable<paths["/api/v1/people"]["get"]["parameters"]["query"]>;
export type ContactInput = Change<paths["/api/v1/people"]["post"]>;
/** A merge patch; lists are replaced as a whole. */
export type ContactChange = Change<paths["/api/v1/people/{person_id}"]["patch"]>;
export type Board = Json<paths["/api/v1/people/board"]["get"], 200>;
export type Stage = Json<paths["/api/v1/stages"]["get"], 200>["items"][number];
export type TimelineEntry = Json<paths["/api/v1/people/{person_id}/timeline"]["get"], 200>["items"][number];
export type ActivityInput = Change<paths["/api/v1/people/{person_id}/activities"]["post"]>;
export type Task = Json<paths["/api/v1/tasks"]["get"], 200>["items"][number];
export type TaskInput = Change<paths["/api/v1/people/{person_id}/tasks"]["post"]>;
export type TaskChange = Change<paths["/api/v1/tasks/{task_id}"]["patch"]>;
export type Lead = Json<paths["/api/v1/leads"]["get"], 200>["items"][number];
export type LeadQuery = NonNullable<paths["/api/v1/leads"]["get"]["parameters"]["query"]>;
export type LeadInput = Change<paths["/api/v1/leads"]["post"]>;
/** What a visitor's form sends. */
export type InquiryInput = Change<paths["/api/v1/inquiries"]["post"]>;
/** A file of contacts on its way in; those of listings are the same. */
export type BulkImport = Json<paths["/api/v1/people-imports/{import_id}"]["get"], 200>;
type ImportChange = Change<paths["/api/v1/people-imports/{import_id}"]["patch"]>;
/** Which field a column holds; null: it is left out. */
export type ImportMapping = ImportChange["mapping"];
/** What is wrong with a row of it. */
export type ImportFault = Json<paths["/api/v1/people-imports/{import_id}/errors"]["get"], 200>["items"][number];
