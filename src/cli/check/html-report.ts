/** A check as one HTML page that needs nothing else: no script, nothing from elsewhere, every text escaped. */
import { moment } from './markdown-report.ts';
import { callsText, type CheckReport, milliseconds } from './report.ts';
import { escapeHtml, escapeHtml as e, oneLine } from '../terminal/sanitize.ts';

/** The slowest calls that a chart shows. */
const CALLS_DRAWN = 40;

export function checkHtml(report: CheckReport): string {
  const { verdict, healthy, at, version, node, platform, tookMs, totals } = report;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Check of the MCP servers</title>
<style>${STYLE}</style>
</head>
<body>
<h1>Check of the MCP servers</h1>
<p class="verdict ${healthy ? 'good' : 'bad'}">${e(verdict)}</p>
<p>${e(moment(at))}, Switchyard ${e(version)}, Node ${e(node)}, ${e(platform)}. ${totals.servers} servers with ${totals.tools} tools in ${milliseconds(tookMs)}; ${totals.callsAnswered} of ${totals.calls} safe calls answered without an error.</p>
${servers(report)}
${remarks('Problems', problemsOf(report))}
${charts(report)}
${remarks('Worth a look', warningsOf(report))}
${calls(report)}
${workflows(report)}
</body>
</html>
`;
}

const STYLE = `
:root{color-scheme:light dark;--line:#8884;--bar:#4878c8;--good:#1a7f37;--bad:#cf222e}
body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line);overflow-wrap:anywhere}
td.n,th.n{text-align:right;white-space:nowrap}.good{color:var(--good)}.bad{color:var(--bad)}.verdict{font-size:1.25rem;font-weight:600}
li{overflow-wrap:anywhere}svg{max-width:100%;height:auto}svg text{font:12px system-ui,sans-serif;fill:currentColor}svg rect{fill:var(--bar)}
`;

function servers({ servers: all }: CheckReport): string {
  const rows = all.map((server) => {
    const { state, program = '', protocol = '', tools, toolBytes, startMs, listMs } = server;
    const mark = state === 'healthy' ? 'good' : state === 'unhealthy' ? 'bad' : '';
    const numbers = [
      String(tools),
      (toolBytes / 1000).toFixed(1),
      milliseconds(startMs),
      milliseconds(listMs),
      callsText(server),
    ];
    return `<tr><td>${e(server.server)}</td><td class="${mark}">${state}</td><td>${e(program)}</td><td>${e(protocol)}</td>${numbers.map((text) => `<td class="n">${e(text)}</td>`).join('')}</tr>`;
  });
  return `<h2>Servers</h2>
<table><thead><tr><th>Server</th><th>State</th><th>Program</th><th>Protocol</th><th class="n">Tools</th><th class="n">KB</th><th class="n">Start</th><th class="n">List</th><th class="n">Calls</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody></table>`;
}

function charts({ servers: all }: CheckReport): string {
  const enabled = all.filter(({ state }) => state !== 'disabled');
  const slowest = enabled
    .flatMap((server) => server.calls.map(({ tool, ms }) => ({ label: tool, value: ms })))
    .sort((a, b) => b.value - a.value)
    .slice(0, CALLS_DRAWN);
  const measured = (key: 'startMs' | 'listMs'): { label: string; value: number }[] =>
    enabled.flatMap((server) => {
      const value = server[key];
      return value === undefined ? [] : [{ label: server.server, value }];
    });
  return [
    barChart(
      'Tools per server',
      enabled.map(({ server, tools }) => ({ label: server, value: tools })),
      String,
    ),
    barChart('Start time', measured('startMs'), milliseconds),
    barChart('Time to list', measured('listMs'), milliseconds),
    barChart('Latency of the safe calls, the slowest first', slowest, milliseconds),
  ].join('\n');
}

function problemsOf({ servers: all, workflows: saved, problems }: CheckReport): string[] {
  return [
    ...all.flatMap(({ server, problems: its }) => its.map((text) => `${server}: ${text}`)),
    ...saved.flatMap(({ name, problems: its }) => its.map((text) => `workflow ${name}: ${text}`)),
    ...problems,
  ];
}

function warningsOf({ servers: all, warnings }: CheckReport): string[] {
  return [
    ...warnings,
    ...all.flatMap(({ server, warnings: its }) => its.map((text) => `${server}: ${text}`)),
  ];
}

function remarks(title: string, texts: readonly string[]): string {
  if (texts.length === 0) return '';
  return `<h2>${title}</h2>\n<ul>\n${texts.map((text) => `<li>${e(text)}</li>`).join('\n')}\n</ul>`;
}

function calls({ servers: all }: CheckReport): string {
  const rows = all.flatMap((server) =>
    server.calls.map(
      ({ tool, declared, outcome, ms, why = '' }) =>
        `<tr><td>${e(tool)}</td><td>${e(server.server)}</td><td>${declared ? 'the config' : 'the tool itself'}</td><td class="${outcome === 'answered' ? 'good' : 'bad'}">${outcome}</td><td class="n">${milliseconds(ms)}</td><td>${e(why)}</td></tr>`,
    ),
  );
  if (rows.length === 0) return '';
  return `<h2>Safe calls</h2>
<table><thead><tr><th>Tool</th><th>Server</th><th>Declared by</th><th>Outcome</th><th class="n">Time</th><th>Why</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody></table>`;
}

function workflows({ workflows: saved }: CheckReport): string {
  if (saved.length === 0) return '';
  const rows = saved.map(
    ({ name, healthy, maxCalls }) =>
      `<tr><td>${e(name)}</td><td class="${healthy ? 'good' : 'bad'}">${healthy ? 'can run' : 'cannot run'}</td><td class="n">${maxCalls ?? ''}</td></tr>`,
  );
  return `<h2>Workflows</h2>
<table><thead><tr><th>Workflow</th><th>State</th><th class="n">Calls at most</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody></table>`;
}

/** Bars with their values, as an SVG within a page. */
interface Bar {
  readonly label: string;
  /** Not below zero. */
  readonly value: number;
}

const LABEL = 300;
const LONGEST_BAR = 420;
const ROW = 22;
/** In characters, as many as have room. */
const LABEL_LENGTH = 44;

/** Empty where there is nothing to draw. */
function barChart(title: string, bars: readonly Bar[], text: (value: number) => string): string {
  if (bars.length === 0) return '';
  const most = Math.max(...bars.map(({ value }) => value)) || 1;
  const height = bars.length * ROW + 4;
  const rows = bars.map(({ label, value }, index) => {
    const y = index * ROW + 2;
    const length = Math.max(1, Math.round((value / most) * LONGEST_BAR));
    return [
      `<text x="${LABEL - 8}" y="${y + 14}" text-anchor="end">${escapeHtml(oneLine(label, LABEL_LENGTH))}</text>`,
      `<rect x="${LABEL}" y="${y + 2}" width="${length}" height="${ROW - 6}" rx="2"/>`,
      `<text x="${LABEL + length + 6}" y="${y + 14}">${escapeHtml(text(value))}</text>`,
    ].join('');
  });
  return `<h2>${escapeHtml(title)}</h2>
<svg role="img" aria-label="${escapeHtml(title)}" viewBox="0 0 ${LABEL + LONGEST_BAR + 90} ${height}" width="${LABEL + LONGEST_BAR + 90}" height="${height}">
${rows.join('\n')}
</svg>`;
}
