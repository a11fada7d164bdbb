/** The page of the figures that `/metrics` answers with, read from the registry itself. */
import { createMetrics, type ServerFigures } from '../../src/telemetry/metrics.ts';

/** One server with a value in every figure, so that each metric shows its labels. */
const EXAMPLE: ServerFigures = {
  server: 'memory',
  state: 'ready',
  breaker: 'closed',
  running: 1,
  waiting: 0,
  restarts: 0,
  retries: 0,
  failovers: 0,
  cached: { hit: 1, miss: 1, stale: 0 },
  failures: new Map([['TIMEOUT', 1]]),
  toolErrors: 0,
};

export async function metricsPage(): Promise<string> {
  const metrics = createMetrics(
    () => [EXAMPLE],
    () => 1,
  );
  metrics.took('memory', 'tools/call', 'read_graph', 3);
  const text = await metrics.text();
  const rows = [...text.matchAll(/^# HELP (\S+) (.+)\n# TYPE \S+ (\w+)$/gm)].map(
    ([, name = '', help = '', type = '']) => `| \`${name}\` | ${type} | ${labelsOf(text, name)} | ${help} |`,
  );
  return [
    '# Metrics',
    '<!-- Made by `npm run docs` from src/telemetry: change it there. -->',
    '`GET /metrics` of a proxy that serves HTTP answers in the text format of Prometheus. With `http.tokens` the request needs a token. The content type is `' +
      metrics.contentType +
      '`.',
    'Labels hold names of servers and tools as the config and the servers have them, never what a client sent. A gauge with a `state` label is 1 for the current state and 0 for all others.',
    ['| Metric | Type | Labels | Meaning |', '| --- | --- | --- | --- |', ...rows].join('\n'),
    `A call's duration is the time of one attempt on a server, in seconds. Requests other than \`tools/call\` have their method as \`tool\`.`,
    '',
  ].join('\n\n');
}

function labelsOf(text: string, metric: string): string {
  const samples = [...text.matchAll(new RegExp(`^${metric}(?:_bucket|_sum|_count)?\\{([^}]*)\\}`, 'gm'))];
  const names = new Set(
    samples.flatMap(([, labels = '']) => [...labels.matchAll(/(\w+)="/g)].map(([, n = '']) => n)),
  );
  return [...names].map((name) => `\`${name}\``).join(', ');
}
