import type { UseMutationResult } from "@tanstack/react-query";
import { useId } from "react";
import { ApiProblem, explain, isStatus } from "@/shared/api/problem";
import { useSession } from "@/shared/api/session";
import type { BulkImport, ImportMapping } from "@/shared/api/types";
import { Alert } from "@/shared/ui/alert";
import { Badge } from "@/shared/ui/badge";
import { Select } from "@/shared/ui/select";
import { CheckAgain } from "./check-again";
import type { Choices } from "./use-choices";

interface ColumnsProps {
  found: BulkImport;
  map: UseMutationResult<BulkImport, Error, ImportMapping>;
  choices: Choices;
}

const LEFT_OUT = "";

/** Whether nothing in the file said how its letters are written. */
const isGuessed = (encoding: string | null) => encoding !== null && !encoding.toLowerCase().startsWith("utf");

const refusal = (error: Error) =>
  (error instanceof ApiProblem && error.body.errors?.[0]?.detail) || explain(error).message;

/** What each column of the file holds. While nothing is imported it can be chosen, and all rows are checked anew. */
export function Columns({ found, map, choices }: ColumnsProps) {
  const { user } = useSession();
  const isOpen = found.created_by.id === user.id && (found.state === "checked" || found.state === "checking");
  return (
    <section aria-labelledby="columns" className="card mb-6 px-4 py-5 sm:px-6">
      <h2 id="columns" className="font-semibold text-lg">
        Columns
      </h2>
      <p className="mb-3 text-ink-soft text-sm">
        {isOpen
          ? "What the columns of your file are taken for. Choose something else, and have the file checked again."
          : "What the columns of your file were taken for."}
      </p>
      {isGuessed(found.encoding) && (
        <p className="mb-3 text-sm">
          The letters were read as {found.encoding}. If some look wrong in the samples, save the file as UTF-8 and
          import that.
        </p>
      )}
      <ul aria-labelledby="columns" className="divide-y divide-line">
        {found.columns.map((column) => (
          <Column
            key={column.name}
            column={column}
            chosen={isOpen ? choices.changed.get(column.name) : undefined}
            fields={found.fields}
            onChoose={isOpen ? (field) => choices.choose(column.name, field) : undefined}
          />
        ))}
      </ul>
      {map.error && (
        <div className="mt-3">
          <Alert look="bad">
            {isStatus(map.error, 412, 409)
              ? "This import was changed in another window meanwhile. It is shown as it is now, with what you chose: check it again."
              : refusal(map.error)}
          </Alert>
        </div>
      )}
      {isOpen && <CheckAgain choices={choices} isSending={map.isPending} isChecking={found.state === "checking"} />}
    </section>
  );
}

interface ColumnProps {
  column: BulkImport["columns"][number];
  /** Instead of what the file was checked with. */
  chosen: ImportMapping[string] | undefined;
  fields: BulkImport["fields"];
  /** Where it can be chosen. */
  onChoose: ((field: ImportMapping[string]) => void) | undefined;
}

function Column({ column: { name, sample, field }, chosen, fields, onChoose }: ColumnProps) {
  const isChanged = chosen !== undefined;
  const value = isChanged ? chosen : field;
  const changed = useId();
  return (
    <li className="grid items-center gap-x-4 gap-y-1.5 py-3 sm:grid-cols-[minmax(0,1fr)_minmax(0,14rem)]">
      <div className="min-w-0">
        <p className="break-words font-medium">
          {name}
          {isChanged && (
            <span id={changed} className="ml-2 inline-block">
              <Badge tone="warn">Changed</Badge>
            </span>
          )}
        </p>
        <p className="break-words text-ink-soft text-sm">{sample.length > 0 ? sample.join(" · ") : "No values"}</p>
      </div>
      {onChoose ? (
        <Select
          aria-label={`“${name}” is`}
          aria-describedby={isChanged ? changed : undefined}
          className="*:[select]:h-11"
          value={value ?? LEFT_OUT}
          onChange={({ target }) => onChoose(fields.find(({ name }) => name === target.value)?.name ?? null)}
        >
          <option value={LEFT_OUT}>Left out</option>
          {fields.map((each) => (
            <option key={each.name} value={each.name}>
              {each.label}
            </option>
          ))}
        </Select>
      ) : (
        <p className="text-sm">{fields.find((each) => each.name === field)?.label ?? "Left out"}</p>
      )}
    </li>
  );
}
