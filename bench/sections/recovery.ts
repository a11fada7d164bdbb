/** A stdio server is killed: how long the next call takes, beside the time that the server needs to start. */
import { existsSync } from 'node:fs';
import { type Effort, type Section, show } from '../figures.ts';
import { childrenOf } from '../process-figures.ts';
import { median, sleep } from '../statistics.ts';
import { startProxy, startStub } from '../subjects.ts';

/** Until the proxy has nothing to do but to wait. */
const REST_MS = 1000;

export async function measureRecovery(effort: Effort): Promise<Section> {
  const own: number[] = [];
  const recovered: number[] = [];
  for (let round = 0; round < effort.repetitions; round++) {
    own.push(await ownStart());
    recovered.push(await recovery());
  }
  const beyond = median(recovered.map((ms, i) => ms - (own[i] ?? NaN)));
  return {
    table: {
      title: 'Recovery: the call after a SIGKILL of a stdio server',
      columns: ["the server's own start, ms", 'kill to answer, ms', 'beyond its own start, ms'],
      rows: [[show(median(own)), show(median(recovered)), show(beyond)]],
    },
    figures: { 'recovery beyond own start, ms': beyond },
  };
}

/** To the answer to a first call. */
async function ownStart(): Promise<number> {
  const from = performance.now();
  const { client, echoes, stop } = await startStub({ carrier: 'stdio' });
  await client.call(echoes[0] as string, 'first');
  const ms = performance.now() - from;
  await stop();
  return ms;
}

async function recovery(): Promise<number> {
  const { client, echoes, pid, stop } = await startProxy({
    who: 'switchyard',
    carrier: 'stdio',
    servers: { one: { carrier: 'stdio' } },
  });
  const echo = echoes[0] as string;
  await client.call(echo, 'before');
  await sleep(REST_MS);
  const [server] = childrenOf(pid);
  if (server === undefined) throw new Error('no server runs');
  const from = performance.now();
  process.kill(server, 'SIGKILL');
  // A call that reaches it before it is dead would be lost with it.
  while (existsSync(`/proc/${server}`)) await sleep(0);
  const answer = await client.call(echo, 'after');
  const ms = performance.now() - from;
  if (answer !== 'after') throw new Error(`wrong answer: ${answer.slice(0, 500)}`);
  await stop();
  return ms;
}
