/** What the viewer reads of a dashboard, as Grafana writes it. */

export interface Query {
  refId: string;
  expr: string;
  legendFormat?: string;
  instant?: boolean;
  exemplar?: boolean;
}

export interface Step {
  value: number | null;
  color: string;
}

interface Property {
  id: string;
  value?: unknown;
}

interface Override {
  matcher: { id: string; options?: unknown };
  properties: Property[];
}

interface Field {
  unit?: string;
  decimals?: number;
  min?: number;
  max?: number;
  thresholds?: { steps: Step[] };
  custom?: { stacking?: { mode?: string }; thresholdsStyle?: { mode?: string } };
}

interface Transformation {
  id: string;
  options: {
    excludeByName?: Record<string, boolean>;
    indexByName?: Record<string, number>;
    renameByName?: Record<string, string>;
  };
}

export interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: Query[];
  fieldConfig?: { defaults: Field; overrides?: Override[] };
  options?: { sortBy?: { displayName: string; desc?: boolean }[] };
  transformations?: Transformation[];
}

export interface Variable {
  name: string;
  label?: string;
  type: string;
  query?: string | { query: string };
  includeAll?: boolean;
  allValue?: string;
}

/** To other dashboards, or (`link`) to a page that is none. */
interface BoardLink {
  type: string;
  title: string;
  tooltip?: string;
  url?: string;
}

export interface Dashboard {
  uid: string;
  title: string;
  description?: string;
  panels: Panel[];
  templating: { list: Variable[] };
  time: { from: string; to: string };
  links?: BoardLink[];
}

/** A heading and what stands below it. */
export interface Section {
  title: string;
  panels: Panel[];
}

/** The rows of a dashboard with their panels, in their order. */
export function sectionsOf(dashboard: Dashboard): Section[] {
  const sections: Section[] = [];
  for (const panel of dashboard.panels) {
    if (panel.type === "row") sections.push({ title: panel.title, panels: [] });
    else if (sections.length === 0) sections.push({ title: "", panels: [panel] });
    else sections.at(-1)?.panels.push(panel);
  }
  return sections;
}

/** The value of a property that a column or series of this name has for itself. */
export function overridden(panel: Panel, name: string, id: string): unknown {
  const mine = (panel.fieldConfig?.overrides ?? []).filter(
    ({ matcher }) => matcher.id === "byName" && matcher.options === name,
  );
  return mine.flatMap(({ properties }) => properties).findLast((property) => property.id === id)?.value;
}
