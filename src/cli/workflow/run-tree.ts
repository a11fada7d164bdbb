/** The steps of a run as lines: what has happened, what is under way, what is waited for. */
import { at, isObject, type JsonObject, stringAt } from '../../json/json.ts';
import type { Colors } from '../terminal/output.ts';
import { plain } from '../terminal/sanitize.ts';

interface Mark {
  readonly sign: string;
  readonly paint: (colors: Colors, text: string) => string;
}

const MARKS: ReadonlyMap<string, Mark> = new Map<string, Mark>([
  ['succeeded', { sign: '✔', paint: (colors, text) => colors.green(text) }],
  ['failed', { sign: '✖', paint: (colors, text) => colors.red(text) }],
  ['in_doubt', { sign: '?', paint: (colors, text) => colors.red(text) }],
  ['undo_failed', { sign: '✖', paint: (colors, text) => colors.red(text) }],
  ['undone', { sign: '↩', paint: (colors, text) => colors.yellow(text) }],
  ['cancelled', { sign: '✖', paint: (colors, text) => colors.yellow(text) }],
  ['running', { sign: '▶', paint: (colors, text) => colors.cyan(text) }],
  ['waiting', { sign: '…', paint: (colors, text) => colors.yellow(text) }],
  ['skipped', { sign: '-', paint: (colors, text) => colors.dim(text) }],
  ['pending', { sign: '·', paint: (colors, text) => colors.dim(text) }],
]);

/** One line for each step, those of inner workflows indented. @param now milliseconds since 1970. */
export function stepLines(steps: JsonObject, colors: Colors, now: number, indent = '  '): string[] {
  const widest = Math.max(0, ...Object.keys(steps).map((id) => id.length));
  return Object.entries(steps).flatMap(([id, step]) => {
    if (!isObject(step)) return [];
    const status = stringAt(step, 'status') ?? '';
    const { sign, paint } = MARKS.get(status) ?? { sign: ' ', paint: (_, text: string) => text };
    const line = `${indent}${sign} ${id.padEnd(widest)}  ${facts(step, status, now).join('  ')}`.trimEnd();
    const inner = isObject(step['steps']) ? stepLines(step['steps'], colors, now, `${indent}  `) : [];
    return [paint(colors, line), ...inner];
  });
}

function facts(step: JsonObject, status: string, now: number): string[] {
  const [done, total] = [at(step, 'items', 'done'), at(step, 'items', 'total')];
  const [took, began] = [step['duration_ms'], stringAt(step, 'started_at')];
  const attempts = step['attempts'];
  const why = stringAt(step, 'reason');
  const error = step['error'];
  return [
    ...(status === 'succeeded' || status === 'pending' ? [] : [status.replaceAll('_', ' ')]),
    ...(typeof took === 'number' ? [seconds(took)] : []),
    ...(status === 'running' && began !== undefined ? [seconds(now - Date.parse(began))] : []),
    ...(typeof total === 'number' ? [`${String(done)} of ${total}`] : []),
    ...(typeof attempts === 'number' && attempts > 1 && total === undefined ? [`attempt ${attempts}`] : []),
    ...(isObject(error) ? [plain(`${stringAt(error, 'code')}: ${stringAt(error, 'message')}`)] : []),
    ...(why === undefined ? [] : [plain(why)]),
  ];
}

function seconds(ms: number): string {
  return ms < 100_000 ? `${(Math.max(0, ms) / 1000).toFixed(1)} s` : `${Math.round(ms / 60_000)} min`;
}
