import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isRunning, openFiles, watchesFiles } from '../harness/processes.ts';
import { type Entry, type ProxyUnderTest, server, startProxy, textOf } from '../harness/proxy.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';
import { until } from '../harness/until.ts';

const REFUSED = /the changed config cannot be used/;

/** The config file of a proxy under test. */
class ConfigFile {
  readonly path: string;
  readonly #entries: Record<string, Entry>;
  readonly #rest: Entry;

  constructor({ folder }: ProxyUnderTest) {
    this.path = join(folder, 'switchyard.json');
    const { mcpServers, ...rest } = JSON.parse(readFileSync(this.path, 'utf8')) as {
      mcpServers: Record<string, Entry>;
    };
    this.#entries = mcpServers;
    this.#rest = rest;
  }

  /** The text with these entries changed; `undefined` takes one out. */
  text(changes: Readonly<Record<string, Entry | undefined>>, rest: Entry = {}): string {
    const entries: Record<string, Entry> = { ...this.#entries };
    for (const [key, change] of Object.entries(changes))
      if (change === undefined) delete entries[key];
      else entries[key] = { ...(entries[key] ?? this.#entries['a']), ...change };
    return JSON.stringify({ ...this.#rest, ...rest, mcpServers: entries });
  }

  save(text: string): void {
    writeFileSync(this.path, text);
  }

  /** As editors do: beside it, then in its place. */
  replace(text: string): void {
    writeFileSync(`${this.path}.tmp`, text);
    renameSync(`${this.path}.tmp`, this.path);
  }
}

async function pidOf(proxy: ProxyUnderTest, name: string): Promise<number> {
  return Number(textOf(await proxy.call(`${name}__pid`)));
}

const reloads = (proxy: ProxyUnderTest): number =>
  proxy.log.filter(({ msg }) => msg === 'the config was read again').length;
const refusals = (proxy: ProxyUnderTest): number =>
  proxy.log.filter(({ msg }) => REFUSED.test(String(msg))).length;

/** The watch begins a moment after the start. */
const watching = ({ pid }: ProxyUnderTest): Promise<boolean> =>
  until('the watch to begin', () => watchesFiles(pid));

describe('a changed config', () => {
  test('I02 restarts the changed server of ten alone, and its calls in flight end', async () => {
    const names = Array.from({ length: 10 }, (_, i) => `s${i}`);
    const proxy = await startProxy(Object.fromEntries(names.map((name) => [name, server()])));
    const pids = await Promise.all(names.map((name) => pidOf(proxy, name)));
    const file = new ConfigFile(proxy);
    await watching(proxy);
    await proxy.toolNames();
    const clientNotifications = (): number =>
      proxy.clientNotifications('notifications/tools/list_changed').length;
    const before = clientNotifications();
    const running = names.map((name) => proxy.askTool(`${name}__sleep`, { ms: 1500 }));
    await until('the call in flight', async () => (await proxy.status('s3'))['inFlight'] === 1);
    file.save(file.text({ s3: { timeoutMs: 12_345 } }));
    await proxy.logged(({ msg }) => msg === 'the config was read again');
    const now = await Promise.all(names.map((name) => pidOf(proxy, name)));
    expect(now.filter((pid, i) => pid !== pids[i])).toEqual([now[3]]);
    expect(isRunning(pids[3] as number)).toBe(true);
    for (const id of running) expect(textOf(await proxy.answer(id))).toBe('slept');
    await until('the old one to end', () => !isRunning(pids[3] as number));
    // What it offers is the same: nobody has to list anew.
    expect(clientNotifications()).toBe(before);
    expect(proxy.log.find(({ msg }) => msg === 'the config was read again')).toMatchObject({
      changed: ['s3'],
      added: [],
      removed: [],
    });
  });

  test('adds and removes servers, and renames tools without a restart', async () => {
    const proxy = await startProxy({ a: server({ names: ['pid', 'echo'] }), b: server({ names: ['echo'] }) });
    const pid = await pidOf(proxy, 'a');
    const file = new ConfigFile(proxy);
    await watching(proxy);
    file.replace(
      file.text({ a: { tools: { exclude: ['echo'], rename: { pid: 'process' } } }, b: undefined, c: {} }),
    );
    const wanted = ['a__process', 'c__pid', 'c__echo'];
    await until(
      'the new list',
      async () => JSON.stringify(await proxy.toolNames()) === JSON.stringify(wanted),
    );
    expect(Number(textOf(await proxy.call('a__process')))).toBe(pid);
    expect((await proxy.call('b__echo')).error?.code).toBe(-32602);
    await until('b to be gone', () => proxy.descendants.length === 2);
    expect(proxy.clientNotifications('notifications/tools/list_changed').length).toBeGreaterThan(0);
  });

  test('SIGHUP has it read at once, before the watch has begun', async () => {
    const proxy = await startProxy({ a: server(), b: server() });
    const file = new ConfigFile(proxy);
    file.save(file.text({ b: { disabled: true } }));
    proxy.child.kill('SIGHUP');
    await until('b to be gone', () => proxy.descendants.length === 1, 3000);
    expect(await proxy.toolNames()).not.toContain('b__echo');
  });

  test('with a server whose address holds a stray percent sign leaves the others at work', async () => {
    const proxy = await startProxy({ a: server() });
    proxy.excuse(/downstream server failed/);
    const file = new ConfigFile(proxy);
    const { a } = (JSON.parse(file.text({})) as { mcpServers: Record<string, Entry> }).mcpServers;
    const bad = { url: 'http://bob:50%off@127.0.0.1:9/mcp' };
    file.save(JSON.stringify({ ...JSON.parse(file.text({})), mcpServers: { a, bad } }));
    proxy.child.kill('SIGHUP');
    await proxy.logged(({ msg }) => msg === 'the config was read again');
    await proxy.logged(({ server: failed, msg }) => failed === 'bad' && msg === 'downstream server failed');
    expect(proxy.stderr).not.toContain('50%off');
    expect(await pidOf(proxy, 'a')).toBeGreaterThan(0);
  });

  test('I01 that is cut short, no JSON, or has an unknown key keeps the last good one and says why, once', async () => {
    const proxy = await startProxy({ a: server(), b: server() });
    proxy.excuse(REFUSED);
    const file = new ConfigFile(proxy);
    const good = file.text({});
    await watching(proxy);
    const bad = [
      [good.slice(0, good.length / 2), /switchyard\.json:1:\d+ /],
      ['', /says nothing of servers/],
      [
        file.text({ a: { tiemoutMs: 5 } }),
        /mcpServers\.a\.tiemoutMs: is not a known key\. Did you mean "timeoutMs"\?/,
      ],
    ] as const;
    const pid = await pidOf(proxy, 'a');
    for (const [text, why] of bad) {
      const before = refusals(proxy);
      file.replace(text);
      await until('a word about it', () => refusals(proxy) > before);
      expect(String(proxy.log.findLast(({ msg }) => REFUSED.test(String(msg)))?.['why'])).toMatch(why);
      // Saved again, as bad as before.
      writeFileSync(file.path, text);
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(refusals(proxy)).toBe(before + 1);
      expect(textOf(await proxy.call('a__echo', { n: 1 }))).toBe('{"n":1}');
    }
    expect(pid).toBeGreaterThan(0);
    const before = reloads(proxy);
    file.replace(file.text({ b: undefined }));
    await until('the good one', () => reloads(proxy) > before);
    expect(await proxy.toolNames()).not.toContain('b__echo');
  });

  test('I03 of 50 saves in a row the last one wins, and nothing is left behind', async () => {
    const proxy = await startProxy({ a: server(), b: server({ names: ['echo'] }) });
    const file = new ConfigFile(proxy);
    await watching(proxy);
    const files = openFiles(proxy.pid);
    for (let i = 1; i <= 50; i++) {
      const text = file.text({ a: { timeoutMs: 10_000 + i }, [`new${i}`]: { tools: { include: ['pid'] } } });
      if (i % 2) file.save(text);
      else file.replace(text);
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
    await until('the last one', async () => (await proxy.toolNames()).includes('new50__pid'), 10_000);
    await until('three children', () => proxy.descendants.length === 3, 10_000);
    expect((await proxy.toolNames()).filter((name) => name.startsWith('new'))).toEqual(['new50__pid']);
    file.save(file.text({}));
    await until('two children', () => proxy.descendants.length === 2, 10_000);
    await until('files as before', () => openFiles(proxy.pid) <= files);
    expect(reloads(proxy)).toBeLessThan(40);
  });

  test('of what only a restart can bring says so', async () => {
    const proxy = await startProxy({ a: server(), b: server() });
    const file = new ConfigFile(proxy);
    await watching(proxy);
    const tokens = { alice: 'a-token-of-some-length' };
    file.save(
      file.text(
        {},
        {
          http: { tokens },
          stateDir: join(temporaryFolder('case'), 'other'),
          limits: { depth: 8 },
          expose: { pageSize: 1 },
        },
      ),
    );
    const told = await proxy.logged(({ msg }) => String(msg).includes('restart needed'));
    expect(told['keys']).toEqual(['stateDir', 'http', 'limits']);
    expect(await proxy.toolNames()).toHaveLength(1);
    expect(textOf(await proxy.call('a__echo', { deep: [[[[[[0]]]]]] }))).toBe('{"deep":[[[[[[0]]]]]]}');
    expect(proxy.stderr).not.toContain('a-token-of');
  });

  test('of a file that the config names counts as well', async () => {
    const folder = temporaryFolder('case');
    const variables = join(folder, 'variables.env');
    writeFileSync(variables, 'GREETING=one\n');
    const proxy = await startProxy({ a: server({}, { envFile: variables }), b: server() });
    await watching(proxy);
    writeFileSync(variables, 'GREETING=two\n');
    await until(
      'the new variable',
      async () => textOf(await proxy.call('a__env')).includes('"GREETING":"two"'),
      6000,
    );
  });
});

describe('a config file that says nothing', () => {
  test.each([
    ['nothing at all', ''],
    ['white space', ' \n\t\n'],
    ['a comment', '// later\n'],
    ['null', 'null'],
    ['an empty table', '{}'],
    ['a table without servers', '{"log":{"level":"info"}}'],
    ['servers that are null', '{"mcpServers":null}'],
    ['the half of what it will', '{"mcpServers":{"a":{"command":'],
  ])('%s: ends no server, and is told once', async (_, text) => {
    const proxy = await startProxy({ a: server(), b: server() });
    proxy.excuse(REFUSED);
    const pid = await pidOf(proxy, 'a');
    const file = new ConfigFile(proxy);
    await watching(proxy);
    file.save(text);
    await until('the refusal', () => refusals(proxy) === 1);
    expect(await pidOf(proxy, 'a')).toBe(pid);
    file.save(file.text({ b: undefined }));
    await until('the next version', async () => !(await proxy.toolNames()).includes('b__pid'));
    expect(textOf(await proxy.call('pid'))).toBe(String(pid));
  });

  test('and one that is gone end no server, and the next version counts', async () => {
    const proxy = await startProxy({ a: server(), b: server() });
    proxy.excuse(REFUSED);
    const pid = await pidOf(proxy, 'a');
    const file = new ConfigFile(proxy);
    await watching(proxy);
    rmSync(file.path);
    await until('the refusal', () => refusals(proxy) === 1);
    file.save('');
    await until('the next refusal', () => refusals(proxy) === 2);
    expect(await pidOf(proxy, 'a')).toBe(pid);
  });

  test('is not one that says "none", which is meant', async () => {
    const proxy = await startProxy({ a: server(), b: server() });
    const file = new ConfigFile(proxy);
    await watching(proxy);
    file.save(file.text({ a: undefined, b: undefined }));
    await until('it to be read', () => reloads(proxy) === 1);
    await until('no tool', async () => (await proxy.toolNames()).length === 0);
  });
});
