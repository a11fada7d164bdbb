/**
 * One workflow over three real servers: reads the sources in a folder (filesystem), thinks about each
 * (sequential-thinking), remembers them (memory) and writes a note. See `research_note.yaml` beside this file.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { example } from '../example.mjs';

const TITLES = ['Green tea', 'Black tea', 'Rooibos'];

await example(
  new URL('switchyard.json', import.meta.url),
  async ({ folder, connect, check, heading, say }) => {
    const sources = join(folder, 'sources');
    mkdirSync(sources);
    for (const [index, title] of TITLES.entries())
      writeFileSync(join(sources, `${index}.md`), `${title}\nWhat is known of it.\n`);
    const { tools, call } = await connect();
    const input = { topic: 'tea', sources, note: join(folder, 'note.md') };

    heading('A saved workflow is a tool');
    check(
      'workflow__research_note is in the first list',
      (await tools()).includes('workflow__research_note'),
    );

    heading('The plan, without calling anything');
    const { plan } = (await call('run_workflow', { workflow: 'research_note', input, dry_run: true }))
      .structuredContent;
    for (const [index, steps] of plan.levels.entries()) say(`${index + 1}  ${steps.join('   ')}`);
    say(`longest way: ${plan.critical_path.join(' → ')}`);
    check(
      'thinking and remembering may run side by side',
      plan.levels.some((level) => level.includes('think') && level.includes('remember')),
    );

    heading('The run');
    const { structuredContent: run, isError } = await call('workflow__research_note', input);
    for (const [id, { status, duration_ms: ms }] of Object.entries(run.steps ?? {}))
      say(`${id}: ${status}, ${ms} ms`);
    check('it succeeded', isError !== true && run.status === 'succeeded');
    check('with three sources and three thoughts', run.output?.sources === 3 && run.output?.thoughts === 3);
    check('the thoughts were kept in order', run.steps?.think?.output?.at(-1)?.thoughtHistoryLength === 3);
    const note = readFileSync(input.note, 'utf8');
    check(
      'the note is on the disk and names every source',
      TITLES.every((title) => note.includes(`- ${title}`)),
    );
    const memory = readFileSync(join(folder, 'memory.jsonl'), 'utf8').trim().split('\n').map(JSON.parse);
    check(
      'the memory server has written down the three',
      TITLES.every((title) => memory.some(({ name }) => name === title)),
    );
  },
);
