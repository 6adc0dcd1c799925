/** A table that can be sorted by each column; tenants lead to their own dashboard. */
import { useState } from "react";
import { goTo } from "./address";
import { stateOf, tokenOf } from "./colours";
import { gridOf, type Row, sorted } from "./frames";
import { overridden, type Panel, type Step } from "./model";
import type { Found } from "./panel-card";
import { shown } from "./units";

interface Link {
  title: string;
  url: string;
}

export function TablePanel({ panel, found }: { panel: Panel; found: Found }) {
  const [order, setOrder] = useState<{ column: string; descending: boolean } | null>(null);
  const { columns, rows } = gridOf(panel, found.results);
  const [first] = panel.options?.sortBy ?? [];
  const by = order ?? { column: first?.displayName ?? "", descending: first?.desc ?? false };
  const sort = (column: string) => setOrder({ column, descending: by.column === column ? !by.descending : true });
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys
    <section className="max-h-96 overflow-auto" tabIndex={0} aria-label={panel.title}>
      <table className="w-full whitespace-nowrap text-sm">
        <thead className="sticky top-0 bg-surface text-left text-ink-soft">
          <tr>
            {columns.map((column) => (
              <th
                key={column}
                scope="col"
                aria-sort={by.column !== column ? undefined : by.descending ? "descending" : "ascending"}
              >
                <button type="button" className="min-h-6 pe-4 font-medium" onClick={() => sort(column)}>
                  {column}
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {(order ? sorted(rows, by.column, by.descending) : rows).map((row) => (
            <tr
              key={columns.map((column) => (typeof row[column] === "string" ? row[column] : "")).join(" ")}
              className="border-t"
            >
              {columns.map((column) => (
                <Cell key={column} panel={panel} column={column} row={row} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Cell({ panel, column, row }: { panel: Panel; column: string; row: Row }) {
  const value = row[column] ?? null;
  const [link] = (overridden(panel, column, "links") as Link[] | undefined) ?? [];
  if (typeof value === "string") {
    const address = link?.url
      .replace(/\$\{__value\.raw\}/, encodeURIComponent(value))
      .replace(/&var-datasource=[^&]*|&\$\{__url_time_range\}/g, "");
    if (!address) return <td className="py-1 pe-4">{value}</td>;
    return (
      <td className="py-1 pe-4">
        <a
          className="text-brand underline underline-offset-4"
          href={address}
          onClick={(event) => {
            if (event.metaKey || event.ctrlKey) return;
            event.preventDefault();
            goTo(address);
          }}
        >
          {value}
        </a>
      </td>
    );
  }
  const unit = (overridden(panel, column, "unit") as string | undefined) ?? panel.fieldConfig?.defaults.unit;
  const { steps } = (overridden(panel, column, "thresholds") as { steps?: Step[] } | undefined) ?? {};
  return (
    <td className="py-1 pe-4 tabular-nums" style={steps && { color: tokenOf(stateOf(value, steps)) }}>
      {shown(value, unit)}
    </td>
  );
}
