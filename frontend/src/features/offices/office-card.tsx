import { MapPinned, MoreVertical, Pencil, Phone, Plus, Trash2, UsersRound } from "lucide-react";
import { useState } from "react";
import { Link } from "react-router";
import { useCan, useSession } from "@/shared/api/session";
import type { Office, Team } from "@/shared/api/types";
import { plural } from "@/shared/lib/format";
import { Button } from "@/shared/ui/button";
import { Menu, MenuItem } from "@/shared/ui/menu";
import { DeleteOffice } from "./delete-office";
import { DeleteTeam } from "./delete-team";
import { OfficeDialog } from "./office-dialog";
import { TeamDialog } from "./team-dialog";

type Open =
  | { dialog: "edit" | "delete" | "new team" }
  | { dialog: "rename team" | "delete team"; team: Team }
  | undefined;

interface OfficeCardProps {
  office: Office;
  teams: Team[];
  /** Told in words what is gone or changed. */
  onDone: (words: string) => void;
}

/** One office: how to reach it, its people and its teams. */
export function OfficeCard({ office, teams, onDone }: OfficeCardProps) {
  const { user: self } = useSession();
  const canManage = useCan("offices.manage");
  const [open, setOpen] = useState<Open>();
  const close = () => setOpen(undefined);
  const titleId = `office-${office.id}`;
  return (
    <section aria-labelledby={titleId} className="card">
      <header className="flex items-start justify-between gap-3 pt-4 pr-3 pb-3 pl-5">
        <div className="grid min-w-0 gap-1">
          <h2 id={titleId} className="break-words font-semibold text-lg">
            {office.name}
          </h2>
          <Fact Icon={MapPinned}>{office.address}</Fact>
          <Fact Icon={Phone}>{office.phone}</Fact>
          <Fact Icon={UsersRound}>
            <Link to={`/people?office=${office.id}`} className="text-brand underline underline-offset-4">
              {plural(office.user_count, "person", "people")}
              <span className="sr-only"> in {office.name}</span>
            </Link>
          </Fact>
        </div>
        {canManage && (
          <Menu trigger={<MenuButton name={office.name} />}>
            <MenuItem onSelect={() => setOpen({ dialog: "edit" })}>
              <Pencil aria-hidden />
              Edit office
            </MenuItem>
            <MenuItem onSelect={() => setOpen({ dialog: "delete" })}>
              <Trash2 aria-hidden />
              Delete office
            </MenuItem>
          </Menu>
        )}
      </header>
      <Teams office={office} teams={teams} onOpen={canManage || self.office_id === office.id ? setOpen : undefined} />
      {open?.dialog === "edit" && <OfficeDialog office={office} onClose={close} onDone={onDone} />}
      {open?.dialog === "delete" && <DeleteOffice office={office} teams={teams} onClose={close} onDone={onDone} />}
      {open?.dialog === "new team" && <TeamDialog office={office} onClose={close} onDone={onDone} />}
      {open?.dialog === "rename team" && (
        <TeamDialog office={office} team={open.team} onClose={close} onDone={onDone} />
      )}
      {open?.dialog === "delete team" && <DeleteTeam team={open.team} onClose={close} onDone={onDone} />}
    </section>
  );
}

const Fact = ({ Icon, children }: { Icon: typeof MapPinned; children: React.ReactNode }) =>
  children ? (
    <p className="flex items-start gap-2 text-ink-soft text-sm">
      <Icon className="mt-0.5 size-4 shrink-0" aria-hidden />
      <span className="min-w-0 break-words">{children}</span>
    </p>
  ) : null;

interface MenuButtonProps extends React.ComponentProps<"button"> {
  name: string;
}

const MenuButton = ({ name, ...trigger }: MenuButtonProps) => (
  <Button look="quiet" size="icon" aria-label={`Actions for ${name}`} {...trigger}>
    <MoreVertical aria-hidden />
  </Button>
);

interface TeamsProps {
  office: Office;
  teams: Team[];
  /** Left out for those who may only look. */
  onOpen: ((open: Open) => void) | undefined;
}

const Teams = ({ office, teams, onOpen }: TeamsProps) => (
  <section aria-label={`Teams of ${office.name}`} className="border-line border-t pt-2.5 pr-3 pb-3 pl-5">
    <div className="flex min-h-10 items-center justify-between gap-3">
      <h3 className="font-semibold text-sm">Teams</h3>
      {onOpen && (
        <Button look="quiet" size="small" aria-haspopup="dialog" onClick={() => onOpen({ dialog: "new team" })}>
          <Plus aria-hidden />
          New team<span className="sr-only"> in {office.name}</span>
        </Button>
      )}
    </div>
    {teams.length === 0 ? (
      <p className="pb-1 text-ink-soft text-sm">No team yet.</p>
    ) : (
      <ul>
        {teams.map((team) => (
          <li key={team.id} className="flex items-center justify-between gap-3">
            <p className="min-w-0 break-words text-sm">
              {team.name}{" "}
              <span className="text-ink-soft tabular-nums">· {plural(team.member_count, "person", "people")}</span>
            </p>
            {onOpen && (
              <Menu trigger={<MenuButton name={`team ${team.name}`} />}>
                <MenuItem onSelect={() => onOpen({ dialog: "rename team", team })}>
                  <Pencil aria-hidden />
                  Rename team
                </MenuItem>
                <MenuItem onSelect={() => onOpen({ dialog: "delete team", team })}>
                  <Trash2 aria-hidden />
                  Delete team
                </MenuItem>
              </Menu>
            )}
          </li>
        ))}
      </ul>
    )}
  </section>
);
