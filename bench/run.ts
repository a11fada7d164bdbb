/**
 * `npm run bench`: measures Switchyard beside what it stands between, prints the tables, writes RESULTS.md.
 *
 * `--check` exits 1 where a target is missed; `--short`, as in CI, only shows that it runs; `--only NAME` (repeatable) leaves
 * the other sections out; `--cli FILE` measures another build; `--ms N` and `--repetitions N` say how long and how often.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Effort, type Figures, FULL, type Section, SHORT } from './figures.ts';
import { markdown, reportOf } from './report.ts';
import { measureChain } from './sections/chain.ts';
import { measureIsolation } from './sections/isolation.ts';
import { measureList } from './sections/list.ts';
import { measureMemory } from './sections/memory.ts';
import { measurePayloads } from './sections/payloads.ts';
import { measureRoads } from './sections/roads.ts';
import { measureRecovery } from './sections/recovery.ts';
import { measureSnapshot } from './sections/snapshot.ts';
import { measureSearch } from './sections/search.ts';
import { measureStart } from './sections/start.ts';
import { measureSilence } from './sections/silence.ts';
import { measureWorkflows } from './sections/workflows.ts';
import { useCli } from './subjects.ts';
import { TARGETS, verdictOn } from './targets.ts';

const SECTIONS: Readonly<Record<string, (effort: Effort) => Promise<Section>>> = {
  legacy: (effort) => measureRoads('legacy', effort),
  modern: (effort) => measureRoads('modern', effort),
  payloads: measurePayloads,
  list: measureList,
  start: measureStart,
  snapshot: measureSnapshot,
  silence: measureSilence,
  recovery: measureRecovery,
  memory: measureMemory,
  isolation: measureIsolation,
  chain: measureChain,
  workflows: measureWorkflows,
  search: measureSearch,
};

const { values } = parseArgs({
  options: {
    check: { type: 'boolean', default: false },
    short: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: Object.keys(SECTIONS) },
    cli: { type: 'string' },
    ms: { type: 'string' },
    repetitions: { type: 'string' },
  },
});
if (values.cli !== undefined) useCli(values.cli);
const usual = values.short ? SHORT : FULL;
const effort: Effort = {
  ...usual,
  loadMs: Number(values.ms ?? usual.loadMs),
  repetitions: Number(values.repetitions ?? usual.repetitions),
};

const sections: Section[] = [];
for (const name of values.only) {
  const measure = SECTIONS[name];
  if (!measure) throw new Error(`no section "${name}": there are ${Object.keys(SECTIONS).join(', ')}`);
  const section = await measure(effort);
  sections.push(section);
  console.log(`${markdown(section.table)}\n`);
}

const report = reportOf(sections, `${effort.repetitions} repetitions of ${effort.loadMs} ms`);
// A short run or a part of one is no result.
if (!values.short && values.only.length === Object.keys(SECTIONS).length)
  writeFileSync(new URL('RESULTS.md', import.meta.url), report);
const figures = Object.assign({}, ...sections.map((section) => section.figures)) as Figures;
const missed = TARGETS.filter((target) => verdictOn(target, figures) === 'missed').map(
  ({ figure }) => figure,
);
if (values.short) console.log('It runs; so short a run measures nothing.');
else
  console.log(
    missed.length === 0 ? 'All targets that were measured are met.' : `Missed: ${missed.join('; ')}.`,
  );
process.exit(values.check && missed.length > 0 ? 1 : 0);
