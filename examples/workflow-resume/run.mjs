/**
 * A run that outlives its proxy: it is started, the proxy is killed with SIGKILL in the middle, and the next proxy
 * goes on where it was. A log on the disk shows that nothing was done twice. See `long_job.yaml` beside this file.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { example, until } from '../example.mjs';

const PARTS = ['one', 'two', 'three', 'four', 'five', 'six'];

await example(
  new URL('switchyard.json', import.meta.url),
  async ({ folder, connect, check, heading, say }) => {
    const log = join(folder, 'log.txt');
    writeFileSync(log, '(end)\n');
    const lines = () => readFileSync(log, 'utf8').trimEnd().split('\n');

    heading('A long run is started');
    const first = await connect();
    await first.tools();
    const { structuredContent: begun } = await first.call('run_workflow', {
      workflow: 'long_job',
      input: { log, parts: PARTS },
      wait: false,
    });
    say(`run ${begun.run_id}: ${begun.status}`);
    check('the call came back at once, the run goes on', begun.status === 'running');
    await until(() => lines().includes('begun'), 10_000);
    await new Promise((done) => setTimeout(done, 1300));

    heading('The proxy is killed in the middle');
    process.kill(first.pid, 'SIGKILL');
    say(`SIGKILL to process ${first.pid}`);
    check('the first step had been done, the last had not', lines().join() === 'begun,(end)');

    heading('The next proxy goes on by itself');
    const second = await connect();
    await second.tools();
    let run;
    await until(async () => {
      run = (await second.call('workflow_runs', { run_id: begun.run_id })).structuredContent;
      return run.status !== 'running';
    }, 20_000);
    for (const [id, { status, attempts }] of Object.entries(run.steps))
      say(`${id}: ${status}, calls: ${attempts}`);
    check('the run came to its right end', run.status === 'succeeded' && run.output.parts === PARTS.length);
    say(`the log: ${lines().join(' / ')}`);
    check(
      'what is not safe to repeat was done once',
      lines().join() === `begun,${PARTS.length} parts done,(end)`,
    );
    check(
      'of the parts, at most the one under way was done again',
      run.steps.parts.attempts >= PARTS.length && run.steps.parts.attempts <= PARTS.length + 1,
    );
  },
);
