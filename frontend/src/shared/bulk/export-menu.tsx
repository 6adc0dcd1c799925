import { ArrowDownUp, FileDown, FileUp } from "lucide-react";
import { useNavigate } from "react-router";
import { useCan } from "@/shared/api/session";
import { Button } from "@/shared/ui/button";
import { Menu, MenuItem, MenuSeparator } from "@/shared/ui/menu";
import { FORMATS, type Format } from "./exports";
import type { Subject } from "./subject";

interface ExportMenuProps {
  subject: Subject;
  busy: boolean;
  onExport: (format: Format) => void;
}

/** Ways for many records at once, into the brokerage and out of it. */
export function ExportMenu({ subject, busy, onExport }: ExportMenuProps) {
  const navigate = useNavigate();
  const canImport = useCan(subject.right);
  return (
    <Menu
      trigger={
        <Button look="secondary" busy={busy} className="phone:size-11 phone:px-0 h-11">
          {!busy && <ArrowDownUp aria-hidden />}
          <span className="phone:sr-only">{canImport ? "Import and export" : "Export"}</span>
        </Button>
      }
    >
      {canImport && (
        <>
          <MenuItem className="min-h-11" onSelect={() => navigate(`${subject.home}/import`)}>
            <FileUp aria-hidden />
            Import {subject.records}
          </MenuItem>
          <MenuSeparator />
        </>
      )}
      {Object.entries(FORMATS).map(([format, name]) => (
        <MenuItem key={format} className="min-h-11" onSelect={() => !busy && onExport(format as Format)}>
          <FileDown aria-hidden />
          Export as {name}
        </MenuItem>
      ))}
    </Menu>
  );
}
