/** A check as a Markdown page. */
import { callsText, type CheckedServer, type CheckReport, milliseconds } from './report.ts';

export function checkMarkdown(report: CheckReport): string {
  const { verdict, at, version, node, platform, tookMs, totals, servers, workflows, problems, warnings } =
    report;
  return [
    '# Check of the MCP servers',
    '',
    `**${escaped(verdict)}**`,
    '',
    `${moment(at)}, Switchyard ${version}, Node ${node}, ${platform}. ${totals.servers} servers with ${totals.tools} tools in ${milliseconds(tookMs)}; ${totals.callsAnswered} of ${totals.calls} safe calls answered without an error.`,
    '',
    '## Servers',
    '',
    ...table(
      ['Server', 'State', 'Program', 'Protocol', 'Tools', 'KB', 'Start', 'List', 'Calls'],
      servers.map((server) => [
        server.server,
        server.state,
        server.program ?? '',
        server.protocol ?? '',
        String(server.tools),
        (server.toolBytes / 1000).toFixed(1),
        milliseconds(server.startMs),
        milliseconds(server.listMs),
        callsText(server),
      ]),
      4,
    ),
    ...section('Problems', [
      ...servers.flatMap((server) => server.problems.map((text) => `${server.server}: ${text}`)),
      ...workflows.flatMap(({ name, problems: its }) => its.map((text) => `workflow ${name}: ${text}`)),
      ...problems,
    ]),
    ...section('Worth a look', [
      ...warnings,
      ...servers.flatMap((server) => server.warnings.map((text) => `${server.server}: ${text}`)),
    ]),
    ...calls(servers),
    ...(workflows.length === 0
      ? []
      : [
          '',
          '## Workflows',
          '',
          ...table(
            ['Workflow', 'State', 'Calls at most'],
            workflows.map(({ name, healthy, maxCalls }) => [
              name,
              healthy ? 'can run' : 'cannot run',
              maxCalls === undefined ? '' : String(maxCalls),
            ]),
            2,
          ),
        ]),
    '',
  ].join('\n');
}

export function moment(iso: string): string {
  return iso.replace('T', ' ').replace(/\.\d+Z$/, ' UTC');
}

function calls(servers: readonly CheckedServer[]): string[] {
  const rows = servers.flatMap((server) =>
    server.calls.map(({ tool, outcome, declared, ms, why }) => [
      tool,
      server.server,
      declared ? 'the config' : 'the tool itself',
      outcome,
      milliseconds(ms),
      why ?? '',
    ]),
  );
  if (rows.length === 0) return [];
  return [
    '',
    '## Safe calls',
    '',
    ...table(['Tool', 'Server', 'Declared by', 'Outcome', 'Time', 'Why'], rows, 6),
  ];
}

function section(title: string, texts: readonly string[]): string[] {
  return texts.length === 0 ? [] : ['', `## ${title}`, '', ...texts.map((text) => `- ${escaped(text)}`)];
}

/** @param numbersFrom the first column of numbers. */
function table(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  numbersFrom: number,
): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.map(escaped).join(' | ')} |`;
  return [
    line(titles),
    `| ${titles.map((_, index) => (index < numbersFrom ? '---' : '---:')).join(' | ')} |`,
    ...rows.map(line),
  ];
}

/** Text that is nothing but text: no markup, no HTML, no link, no end of a cell. */
function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll(/[\\`*{}[\]|~#!]/g, String.raw`\$&`)
    .replaceAll(/(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])/g, String.raw`\_`)
    .replaceAll(/:\/\//g, ':\u{200b}//');
}
