/**
 * Many calls that stand or fall together: files are written side by side and a project is registered, then a step
 * fails, and all of it is undone. The disk is the witness. See `new_project.yaml` beside this file.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { example } from '../example.mjs';

const FILES = ['readme.md', 'main.c', 'main.h', 'notes.txt', 'todo.txt'];

await example(
  new URL('switchyard.json', import.meta.url),
  async ({ folder, connect, check, heading, say }) => {
    const project = join(folder, 'project');
    const trash = join(folder, 'trash');
    const licence = join(folder, 'licence.txt');
    for (const one of [project, trash]) mkdirSync(one);
    const { tools, call } = await connect();
    await tools();
    const input = { folder: project, trash, files: FILES, licence };

    heading('The plan says what cannot be undone');
    const { plan } = (await call('run_workflow', { workflow: 'new_project', input, dry_run: true }))
      .structuredContent;
    say(`at most ${plan.max_calls} calls; without undo: ${plan.no_undo.join(', ')}`);
    check('only the last step has no undo', plan.no_undo.join() === 'write_licence');

    heading('The licence is not there: the run fails after everything else was done');
    const failed = await call('workflow__new_project', input);
    show(failed.structuredContent);
    say(failed.structuredContent.error?.message ?? '');
    check(
      'the run says that it was rolled back',
      failed.isError === true && failed.structuredContent.status === 'rolled_back',
    );
    check(
      'the files had been written: they are in the trash',
      readdirSync(trash).sort().join() === FILES.toSorted().join(),
    );
    check('with their content', readFileSync(join(trash, 'main.c'), 'utf8') === 'This is main.c.');
    check('the project folder is empty again', readdirSync(project).length === 0);
    check('the project is not registered any more', !registered(folder).includes(project));
    check(
      'the step after the failure never ran',
      failed.structuredContent.steps.write_licence.status === 'skipped',
    );

    heading('With the licence, the same call succeeds');
    writeFileSync(licence, 'Do what you like.\n');
    const { structuredContent: run } = await call('workflow__new_project', input);
    show(run);
    check('six files', run.status === 'succeeded' && run.output.files === 6);
    check('are on the disk', readdirSync(project).length === 6);
    check('and the project is registered', registered(folder).includes(project));

    function show({ status, steps }) {
      for (const [id, step] of Object.entries(steps)) say(`${id}: ${step.status}`);
      say(`→ ${status}`);
    }
  },
);

/** The names that the memory server has written down. */
function registered(folder) {
  const file = join(folder, 'memory.jsonl');
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line).name);
}
