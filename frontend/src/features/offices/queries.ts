import { api, body } from "@/shared/api/client";
import type { Office, OfficeInput, Team } from "@/shared/api/types";
import { ifMatch } from "@/shared/api/users";

export const createOffice = (office: OfficeInput) => body(api.POST("/api/v1/offices", { body: office }));

export const changeOffice = ({ id, version }: Office, change: OfficeInput) =>
  body(
    api.PATCH("/api/v1/offices/{office_id}", {
      params: { path: { office_id: id }, header: ifMatch(version) },
      body: change,
    }),
  );

export const deleteOffice = ({ id, version }: Office) =>
  api.DELETE("/api/v1/offices/{office_id}", { params: { path: { office_id: id }, header: ifMatch(version) } });

export const createTeam = (team: { name: string; office_id: string }) =>
  body(api.POST("/api/v1/teams", { body: team }));

export const changeTeam = ({ id, version }: Team, change: { name: string }) =>
  body(
    api.PATCH("/api/v1/teams/{team_id}", { params: { path: { team_id: id }, header: ifMatch(version) }, body: change }),
  );

export const deleteTeam = ({ id, version }: Team) =>
  api.DELETE("/api/v1/teams/{team_id}", { params: { path: { team_id: id }, header: ifMatch(version) } });
