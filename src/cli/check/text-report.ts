/** A check as lines for people. */
import stringWidth from 'string-width';
import { callsText, type CheckedServer, type CheckReport, type CheckState, milliseconds } from './report.ts';
import type { Colors } from '../terminal/output.ts';
import { type Column, textTable } from '../terminal/table.ts';
import { wrapped } from '../terminal/table.ts';

/** In the order of their worth: where the terminal is narrow the last ones go first. */
const COLUMNS: readonly (Column & { readonly cell: (server: CheckedServer, colors: Colors) => string })[] = [
  { title: 'SERVER', cell: ({ server }) => server },
  { title: 'STATE', cell: ({ state }, colors) => painted(state, colors) },
  { title: 'TOOLS', side: 'right', cell: ({ tools, state }) => (state === 'disabled' ? '' : String(tools)) },
  { title: 'START', side: 'right', cell: ({ startMs }) => milliseconds(startMs) },
  { title: 'LIST', side: 'right', cell: ({ listMs }) => milliseconds(listMs) },
  { title: 'CALLS', side: 'right', cell: (server) => callsText(server) },
  { title: 'PROTOCOL', cell: ({ protocol }) => protocol ?? '' },
  { title: 'PROGRAM', cell: ({ program }) => program ?? '' },
];
/** Remarks of one server; the report has them all. */
const SHOWN = 5;

export function checkLines(report: CheckReport, colors: Colors, width: number): string[] {
  const { servers, workflows, problems, warnings, healthy, verdict, tookMs } = report;
  const all = [
    ...servers.flatMap((one) => remarks(one.server, one.problems, colors.red, width)),
    ...workflows.flatMap(({ name, problems: its }) => remarks(`workflow ${name}`, its, colors.red, width)),
    ...remarks('', problems, colors.red, width),
    ...servers.flatMap((one) => remarks(one.server, one.warnings, colors.yellow, width)),
    ...remarks('', warnings, colors.yellow, width),
  ];
  const end = `${verdict} It took ${milliseconds(tookMs)}.`;
  return [
    ...serverLines(servers, colors, width),
    '',
    ...all,
    ...(all.length > 0 ? [''] : []),
    ...wrapped(end, width).map((line) => colors.bold(healthy ? colors.green(line) : colors.red(line))),
  ];
}

export function serverLines(servers: readonly CheckedServer[], colors: Colors, width: number): string[] {
  let shown = COLUMNS;
  const rows = (): string[][] => servers.map((server) => shown.map(({ cell }) => cell(server, colors)));
  const widest = (): number =>
    Math.max(...textTable(shown, rows(), Infinity).map((line) => stringWidth(line)));
  while (shown.length > 2 && widest() > width) shown = shown.slice(0, -1);
  return textTable(
    shown.map((column) => ({ ...column, title: colors.dim(column.title) })),
    rows(),
    width,
  );
}

function remarks(
  about: string,
  texts: readonly string[],
  paint: (text: string) => string,
  width: number,
): string[] {
  const more = texts.length - SHOWN;
  const shown = [...texts.slice(0, SHOWN), ...(more > 0 ? [`${more} more; the report has them`] : [])];
  return shown
    .flatMap((text) => wrapped(about === '' ? text : `${about}: ${text}`, width))
    .map((line) => paint(line));
}

function painted(state: CheckState, colors: Colors): string {
  if (state === 'healthy') return colors.green(state);
  if (state === 'unhealthy') return colors.red(state);
  return state === 'disabled' ? colors.dim(state) : colors.yellow(state);
}
