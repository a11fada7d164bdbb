/** `switchyard check`: does everything that the config names work, and how well? */
import { rename, writeFile } from 'node:fs/promises';
import { extname } from 'node:path';
import type { Config } from '../../config/config.ts';
import { messageOf } from '../../core/errors.ts';
import { checkLines, serverLines } from './text-report.ts';
import { callsText, type CheckReport, type CheckedServer, milliseconds } from './report.ts';
import { Check } from './run-check.ts';
import type { Command, Input } from '../command.ts';
import { configFiles, readConfig } from '../support/configured.ts';
import { liveScreen } from '../terminal/live-screen.ts';
import type { Output } from '../terminal/output.ts';
import { UsageError } from '../command.ts';
import { showWaiting } from '../terminal/waiting-progress.ts';

export const check: Command = {
  name: 'check',
  takes: '',
  summary:
    'connects every server, lists its tools, tries what is safe, and exits 1 where anything is unhealthy',
  about: [
    'Reads the config, connects every server once (lazy ones too), measures how long it takes to start and to list,',
    'looks for tools that clients take offence at, plans every saved workflow, and makes the calls that are safe:',
    'those of check.calls in the config, which have to work, and those of tools that say that they only read and need',
    'no arguments, which have to be answered. Each call has 20 seconds.',
  ].join('\n'),
  options: {
    report: {
      type: 'string',
      multiple: true,
      value: 'FILE',
      about: 'write a report: .md, .json, or .html with charts; repeatable',
    },
  },
  examples: [
    'switchyard check',
    'switchyard check --report check.html --report check.md',
    'switchyard check --json',
  ],
  positionals: false,
  run,
};

type Writer = (report: CheckReport) => string;

const WRITERS: ReadonlyMap<string, () => Promise<Writer>> = new Map<string, () => Promise<Writer>>([
  ['.md', async () => (await import('./markdown-report.ts')).checkMarkdown],
  ['.html', async () => (await import('./html-report.ts')).checkHtml],
  ['.json', () => Promise.resolve((report) => `${JSON.stringify(report, undefined, 2)}\n`)],
]);

async function run({ options, configFiles: given, machine, output }: Input): Promise<number> {
  // Before the long work: a name that is wrong is told at once.
  const files = await Promise.all(
    options.texts('report').map(async (file) => ({ file, text: await writerFor(file)() })),
  );
  const config = await readConfig(configFiles(given, machine), machine);
  const live = output.interactive;
  const checking = new Check({
    config,
    machine,
    settled: (server) => {
      if (!live && !output.json) output.note(doneLine(server));
    },
  });
  const report = await made(checking, config, output, live);
  if (!report) {
    output.note('The check was stopped.');
    return 1;
  }
  for (const { file, text } of files) await write(file, text(report));
  if (output.json) output.document(report);
  else for (const line of checkLines(report, output.colors, output.width)) output.line(line);
  return report.healthy ? 0 : 1;
}

/** @returns `undefined`: the user stopped it. */
async function made(
  checking: Check,
  config: Config,
  output: Output,
  live: boolean,
): Promise<CheckReport | undefined> {
  let stopped = false;
  const stop = (): void => {
    stopped = true;
    checking.stop();
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  try {
    const work = checking.run();
    if (live) {
      // Rejects later, where it is waited for.
      const over = work.catch(() => undefined);
      const ended = await liveScreen({
        output,
        first: [{}],
        next: () => Promise.resolve([{}]),
        lines: () => [
          'Checking every server of the config.',
          '',
          ...serverLines(checking.servers, output.colors, output.width),
        ],
        everyMs: 200,
        until: over,
      });
      if (ended) stop();
    }
    const report = await (live
      ? work
      : showWaiting({ output, config, report: () => checking.reports }, work));
    return stopped ? undefined : report;
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}

/** @throws UsageError before anything is started. */
function writerFor(file: string): () => Promise<Writer> {
  const writer = WRITERS.get(extname(file).toLowerCase());
  if (writer) return writer;
  throw new UsageError(`--report ${file}: the name has to end in .md, .json or .html.`);
}

/** As a whole or not at all. */
async function write(file: string, text: string): Promise<void> {
  const half = `${file}.${process.pid}.part`;
  try {
    await writeFile(half, text);
    await rename(half, file);
  } catch (error) {
    throw new Error(`The report cannot be written to ${file}: ${messageOf(error)}.`, { cause: error });
  }
}

function doneLine(server: CheckedServer): string {
  const { state, tools, startMs, listMs, problems } = server;
  const calls = callsText(server);
  const facts = [
    `${tools} tools`,
    ...(startMs === undefined ? [] : [`start ${milliseconds(startMs)}`]),
    ...(listMs === undefined ? [] : [`list ${milliseconds(listMs)}`]),
    ...(calls === '' ? [] : [`calls ${calls}`]),
  ];
  if (state === 'disabled') return `${server.server}: disabled`;
  return `${server.server}: ${state}, ${problems.length > 0 ? problems.join('; ') : facts.join(', ')}`;
}
