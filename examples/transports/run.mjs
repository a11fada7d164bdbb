/**
 * The same server over each transport: a config for each beside this file. `run.mjs NAME` shows one of `stdio`, `http`,
 * `sse`, `websocket`, `tcp`; without a name, all. Exit 0 only if all was as expected.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { example } from '../example.mjs';

const all = ['stdio', 'http', 'sse', 'websocket', 'tcp'];
const asked = process.argv.slice(2);

for (const transport of asked.length > 0 ? asked : all)
  await example(new URL(`${transport}.json`, import.meta.url), async ({ connect, check, heading, say }) => {
    heading(`A server over ${transport}`);
    // A local server is started by the proxy, a remote one by somebody else.
    const remote = transport === 'stdio' ? undefined : await startRemote(transport);
    try {
      const proxy = await connect(remote && { WEATHER_PORT: remote.port });
      check(
        'its tool is there, without a prefix: it is the only server',
        (await proxy.tools()).includes('forecast'),
      );
      const { content } = await proxy.call('forecast', { city: 'Bern' });
      say(content[0].text);
      check('and answers', content[0].text === `Sunny in Bern, says ${transport}`);
      await proxy.close();
    } finally {
      remote?.stop();
    }
  });

async function startRemote(transport) {
  const server = fileURLToPath(new URL('weather-server.mjs', import.meta.url));
  const child = spawn(process.execPath, [server, transport], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [port] = await once(createInterface({ input: child.stdout }), 'line');
  return { port, stop: () => child.kill() };
}
