/** How long the proxy's event loop works without a pause. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Entry, type ProxyOptions, startProxy, type ProxyUnderTest } from '../harness/proxy.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';
import { until } from '../harness/until.ts';

export interface Watched {
  readonly proxy: ProxyUnderTest;
  /** Begins to watch, or begins anew. */
  start(): Promise<void>;
  /** The longest stretch of work so far, milliseconds of CPU time: a machine that is busy otherwise changes nothing. */
  longestMs(): number;
}

export async function watched(
  servers: Readonly<Record<string, Entry>>,
  options: ProxyOptions = {},
): Promise<Watched> {
  const file = join(temporaryFolder('case'), 'longest');
  const watch = new URL('../fixtures/faults/loop-watch.mjs', import.meta.url).href;
  const env = { ...options.env, NODE_OPTIONS: `--import ${watch}`, LOOP_WATCH: file };
  const proxy = await startProxy(servers, { ...options, env });
  const longestMs = (): number => (existsSync(file) ? Number(readFileSync(file, 'utf8')) : NaN);
  return {
    proxy,
    async start() {
      proxy.child.kill('SIGUSR2');
      await until('the watch to begin', () => longestMs() < 50);
    },
    longestMs,
  };
}
