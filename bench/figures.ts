/** What sections hand in: rows for the tables, and figures that have a target. */

export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

/** A measured figure by the name that `targets.ts` knows it by. */
export type Figures = Readonly<Record<string, number>>;

export interface Section {
  readonly table: Table;
  readonly figures: Figures;
}

/** How long and how often is measured. */
export interface Effort {
  readonly repetitions: number;
  /** Of one load. */
  readonly loadMs: number;
  readonly warmUpMs: number;
  /** The server counts for the start. */
  readonly starts: readonly number[];
  /** Until RSS at rest is read: what a start or a load has left behind is given back some seconds later. */
  readonly restMs: number;
  readonly memoryCalls: number;
  readonly largePayloads: readonly number[];
  /** Of workflows that wait. */
  readonly runs: number;
}

export const FULL: Effort = {
  repetitions: 7,
  loadMs: 1000,
  warmUpMs: 2000,
  starts: [1, 10, 50],
  restMs: 20_000,
  memoryCalls: 50_000,
  largePayloads: [1024, 1024 ** 2, 10 * 1024 ** 2],
  runs: 1000,
};

/** For CI: that it runs at all. */
export const SHORT: Effort = {
  repetitions: 1,
  loadMs: 100,
  warmUpMs: 100,
  starts: [1, 5],
  restMs: 500,
  memoryCalls: 2000,
  largePayloads: [1024, 1024 ** 2],
  runs: 10,
};

/** With as many digits as it deserves. */
export function show(value: number): string {
  if (Number.isNaN(value)) return '–';
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en');
  return value.toPrecision(value >= 100 ? 3 : 2 + Number(Math.abs(value) >= 1)).replace(/\.0+$/, '');
}
