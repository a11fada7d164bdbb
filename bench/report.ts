/** The figures as markdown, with the machine and the versions that they were taken on. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { type Figures, type Section, show, type Table } from './figures.ts';
import { type Target, TARGETS, verdictOn } from './targets.ts';

export function reportOf(sections: readonly Section[], notes: string): string {
  const figures = Object.assign({}, ...sections.map((section) => section.figures)) as Figures;
  return [
    '# What Switchyard costs',
    `Made by \`npm run bench\` (${notes}) on ${machine()}.`,
    'Direct: a raw client on the stub server itself. Reference: a minimal aggregator on the official SDK (`bench/reference/`). ' +
      'Bare: a relay without any feature, for one server, on the libraries that Switchyard is on (`bench/bare/`). ' +
      'Ratios are medians of the ratios of samples taken side by side in one run.',
    markdown({
      title: 'Targets',
      columns: ['figure', 'target', 'measured', ''],
      rows: TARGETS.map((target) => [
        target.figure,
        wanted(target),
        show(figures[target.figure] ?? NaN),
        verdictOn(target, figures),
      ]),
    }),
    ...sections.map(({ table }) => markdown(table)),
    explanations().trim(),
  ]
    .join('\n\n')
    .concat('\n');
}

/** Written by hand: what a figure means that misses its target, and what was tried. */
function explanations(): string {
  return readFileSync(new URL('EXPLANATIONS.md', import.meta.url), 'utf8');
}

export function markdown({ title, columns, rows }: Table): string {
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
  return [`## ${title}`, '', line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n');
}

function wanted({ atMost, atLeast }: Target): string {
  return atMost === undefined ? `at least ${atLeast}` : `at most ${atMost}`;
}

function machine(): string {
  const [first] = cpus();
  const memory = Math.round(totalmem() / 1e9);
  const versions = ['@modelcontextprotocol/sdk', 'undici'].map((name) => `${name} ${versionOf(name)}`);
  return `${cpus().length} × ${first?.model.trim()}, ${memory} GB, Node ${process.version}, ${versions.join(', ')}, Switchyard ${commit()}`;
}

function versionOf(name: string): string {
  const file = new URL(`../node_modules/${name}/package.json`, import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: new URL('..', import.meta.url) })
      .toString()
      .trim();
  } catch {
    return 'of no commit';
  }
}
