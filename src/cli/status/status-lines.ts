/** Status documents as lines for people. */
import { at, isObject, type JsonObject, stringAt } from '../../json/json.ts';
import type { Colors } from '../terminal/output.ts';
import { type Column, textTable } from '../terminal/table.ts';
import { plain } from '../terminal/sanitize.ts';

/** In the order of their worth: where the terminal is narrow the last ones go first. */
const COLUMNS: readonly (Column & { readonly cell: (server: JsonObject, colors: Colors) => string })[] = [
  { title: 'SERVER', cell: (server) => plain(server['server']) },
  { title: 'STATE', cell: (server, colors) => painted(plain(server['state']), colors) },
  { title: 'CIRCUIT', cell: (server) => plain(at(server, 'breaker', 'state')) },
  { title: 'CALLS', side: 'right', cell: (server) => plain(server['calls']) },
  { title: 'ERRORS', side: 'right', cell: (server) => plain(server['errors']) },
  { title: 'P50', side: 'right', cell: (server) => milliseconds(at(server, 'latencyMs', 'p50')) },
  { title: 'P99', side: 'right', cell: (server) => milliseconds(at(server, 'latencyMs', 'p99')) },
  { title: 'LOGIN', cell: (server) => logins(server).map(loginFigure).join(', ') },
  { title: 'WAITING', side: 'right', cell: (server) => plain(at(server, 'queue', 'waiting')) },
  { title: 'MEMORY', side: 'right', cell: (server) => megabytes(server['memoryBytes']) },
  { title: 'RESTARTS', side: 'right', cell: (server) => plain(server['restarts']) },
  { title: 'CACHE', side: 'right', cell: (server) => hits(server) },
];

export function statusLines(proxies: readonly JsonObject[], colors: Colors, width: number): string[] {
  return proxies.flatMap((proxy, index) => [
    ...(index > 0 ? [''] : []),
    headline(proxy, colors),
    ...serverLines(proxy, colors, width),
  ]);
}

function headline(proxy: JsonObject, colors: Colors): string {
  const { pid, version, serves, url, uptimeMs, memoryBytes, clients, trouble } = proxy;
  if (trouble !== undefined) return colors.red(`process ${plain(pid)} (${plain(serves)}): ${plain(trouble)}`);
  const named = Array.isArray(clients) ? clients.map((client) => stringAt(client, 'name') ?? '?') : [];
  const facts = [
    `switchyard ${plain(version)}`,
    ...(pid === undefined ? [] : [`process ${plain(pid)}`]),
    plain(url ?? serves),
    ...(typeof uptimeMs === 'number' ? [`up ${duration(uptimeMs)}`] : []),
    ...(memoryBytes === undefined ? [] : [megabytes(memoryBytes)]),
    ...(named.length === 0 ? [] : [`clients: ${named.map(plain).join(', ')}`]),
  ];
  return colors.bold(facts.join(' · '));
}

function serverLines(proxy: JsonObject, colors: Colors, width: number): string[] {
  const servers = (Array.isArray(proxy['servers']) ? proxy['servers'] : []).filter(isObject);
  if (servers.length === 0) return [];
  const shown = fitting(servers, colors, width);
  const rows = servers.map((server) => shown.map(({ cell }) => cell(server, colors)));
  const titles = shown.map((column) => ({ ...column, title: colors.dim(column.title) }));
  return [...textTable(titles, rows, width), ...troubles(servers, colors)];
}

function fitting(servers: readonly JsonObject[], colors: Colors, width: number): typeof COLUMNS {
  const told = COLUMNS.filter(({ cell }) => servers.some((server) => cell(server, colors) !== ''));
  for (let count = told.length; count > 2; count--) {
    const shown = told.slice(0, count);
    const rows = servers.map((server) => shown.map(({ cell }) => cell(server, colors)));
    const [widest = ''] = textTable(shown, [...rows, []], Infinity).sort((a, b) => b.length - a.length);
    if (widest.length <= width) return shown;
  }
  return told.slice(0, 2);
}

function troubles(servers: readonly JsonObject[], colors: Colors): string[] {
  return servers.flatMap((server) => {
    const reasons = at(server, 'health', 'reasons');
    const told = Array.isArray(reasons) ? reasons.map(plain) : [];
    const down = server['state'] === 'unhealthy' || server['state'] === 'critical';
    const failure = down ? stringAt(server['lastFailure'], 'what') : undefined;
    const said = failure ?? '';
    const commands = logins(server)
      .flatMap((login) => stringAt(login, 'command') ?? [])
      .filter((command) => !said.includes(command));
    const all = [
      ...told,
      ...(failure === undefined ? [] : [plain(failure)]),
      ...commands.map((command) => `to log in, run: ${plain(command)}`),
    ];
    return all.length === 0 ? [] : [colors.yellow(`${plain(server['server'])}: ${all.join('; ')}`)];
  });
}

function logins(server: JsonObject): unknown[] {
  const own = server['login'];
  return [...(own === undefined ? [] : [own]), ...(Array.isArray(server['logins']) ? server['logins'] : [])];
}

function loginFigure(login: unknown): string {
  const client = stringAt(login, 'client');
  const until = localTime(stringAt(login, 'until'));
  const lasts = until === '' ? 'yes' : `${at(login, 'renews') === true ? 'renewed' : 'until'} ${until}`;
  const figure = stringAt(login, 'state') === 'logged in' ? lasts : 'required';
  return client === undefined ? figure : `${plain(client)}: ${figure}`;
}

/** To the minute. */
function localTime(iso: string | undefined): string {
  const time = new Date(iso ?? NaN);
  if (Number.isNaN(time.getTime())) return '';
  return time.toLocaleString('sv-SE', { dateStyle: 'short', timeStyle: 'short' });
}

function painted(state: string, colors: Colors): string {
  if (state === 'ready') return colors.green(state);
  if (state === 'unhealthy' || state === 'critical') return colors.red(state);
  return state === 'degraded' || state === 'starting' ? colors.yellow(state) : state;
}

function hits(server: JsonObject): string {
  const [found, missed] = [at(server, 'cache', 'hits'), at(server, 'cache', 'misses')];
  if (typeof found !== 'number' || typeof missed !== 'number' || found + missed === 0) return '';
  return `${Math.round((100 * found) / (found + missed))} %`;
}

function milliseconds(value: unknown): string {
  return typeof value === 'number' ? `${value < 10 ? value.toFixed(1) : Math.round(value)} ms` : '';
}

function megabytes(value: unknown): string {
  return typeof value === 'number' ? `${Math.round(value / 1024 / 1024)} MB` : '';
}

function duration(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes === 0) return `${Math.floor(ms / 1000)} s`;
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
