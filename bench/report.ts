/** What a run found, as aligned text and as data. */

/** One line of a table. */
export interface Row {
  /** What was measured. */
  name: string;
  /** A value for each column; NaN where there is none. */
  values: number[];
}

/** A column of a table. */
export interface Column {
  /** What stands above it. */
  name: string;
  /** Digits behind the point. */
  digits: number;
}

/** What could not be measured here. */
export interface Skipped {
  /** What it is called where it can. */
  name: string;
  /** Why not. */
  why: string;
}

/** A table. */
export interface Table {
  /** What was done, how often, and the unit. */
  title: string;
  /** The columns behind the name. */
  columns: Column[];
  /** The lines. */
  rows: Row[];
  /** What is missing from them. */
  skipped: Skipped[];
}

/** A value that something is to stay at or below, or at or above. */
export interface Figure {
  /** What it is the value of. */
  what: string;
  /** As measured; NaN where it could not be. */
  value: number;
  /** Which side of `limit` is the good one. */
  bound: "at most" | "at least";
  /** The value to hold. */
  limit: number;
  /** Digits behind the point. */
  digits: number;
  /** What the value counts, where it is no ratio. */
  unit?: string;
}

/** What one part of a run found. */
export interface Part {
  /** Its tables. */
  tables: Table[];
  /** Its figures. */
  figures: Figure[];
}

/** Microseconds at the median and for the slowest in a hundred. */
export const TIMES: Column[] = [{ name: "p50", digits: 0 }, { name: "p99", digits: 0 }];

/** Whether a figure holds; undefined where it was not measured. */
export function holds({ value, bound, limit }: Figure): boolean | undefined {
  if (Number.isNaN(value)) return undefined;
  return bound === "at most" ? value <= limit : value >= limit;
}

/** A table as text. */
export function tableText({ title, columns, rows, skipped }: Table): string {
  const cells = rows.map(({ name, values }) => [name, ...values.map((value, at) => number(value, columns[at].digits))]);
  const lines = [title, ...aligned([["", ...columns.map(({ name }) => name)], ...cells])];
  lines.push(...skipped.map(({ name, why }) => `  skipped: ${name}: ${why}`));
  return lines.join("\n");
}

/** The figures as text. */
export function figuresText(figures: Figure[]): string {
  const cells = figures.map((figure) => {
    const unit = figure.unit === undefined ? "" : ` ${figure.unit}`;
    const held = holds(figure);
    return [
      figure.what,
      number(figure.value, figure.digits) + unit,
      `${figure.bound} ${number(figure.limit, figure.digits)}${unit}`,
      held === undefined ? "not measured" : held ? "holds" : "does not hold",
    ];
  });
  return ["Figures", ...aligned([["", "value", "wanted", ""], ...cells])].join("\n");
}

/** The whole run as JSON; what has no value is null. */
export function reportJson(machine: Record<string, unknown>, parts: Part[]): string {
  const tables = parts.flatMap((part) => part.tables).map(({ title, columns, rows, skipped }) => ({
    title,
    columns: columns.map(({ name }) => name),
    rows,
    skipped,
  }));
  const figures = parts.flatMap((part) => part.figures).map((figure) => ({ ...figure, holds: holds(figure) ?? null }));
  return JSON.stringify({ machine, tables, figures }, undefined, 2) + "\n";
}

function number(value: number, digits: number): string {
  return Number.isNaN(value) ? "-" : value.toFixed(digits);
}

/** The first column to the left, the others to the right. */
function aligned(lines: string[][]): string[] {
  const widths = lines[0].map((_, column) => Math.max(...lines.map((cells) => cells[column].length)));
  return lines.map((cells) => {
    const padded = cells.map((cell, column) => column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]));
    return `  ${padded.join("  ")}`.trimEnd();
  });
}
