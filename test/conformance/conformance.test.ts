import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startListening, type Listening } from './listening.ts';
import { runSuite, type Revision, type SuiteRun } from './run-suite.ts';
import { beyondTheOldWire, lostOnTheWay, withoutChanges } from './verdict.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';

type Era = 'legacy' | 'modern';

const revisionOf = { legacy: '2025-11-25', modern: '2026-07-28' } as const;
const eras = ['legacy', 'modern'] as const;
const cli = 'dist/cli.js';
const TIMEOUT = 120_000;
const LOOKED_AT = ['json_schema_2020_12_tool', 'test_param_header'];

let directory: string;
let fixtures: Record<Era, Listening>;
let direct: Record<Era, SuiteRun>;

beforeAll(async () => {
  directory = temporaryFolder('conformance');
  const [legacy, modern] = await Promise.all(eras.map(startFixture));
  if (legacy === undefined || modern === undefined) throw new Error('unreachable');
  fixtures = { legacy, modern };
  direct = {
    legacy: await runDirectly('legacy'),
    modern: await runDirectly('modern'),
  };
}, TIMEOUT);

afterAll(async () => {
  await Promise.all(Object.values(fixtures ?? {}).map((fixture) => fixture.stop()));
});

describe('the fixture by itself', () => {
  test.each(eras)('passes every check of its own era: %s', (era) => {
    const failing = [...direct[era].checks].filter(
      ([, { status }]) => status === 'FAILURE' || status === 'WARNING',
    );
    expect(failing).toEqual([]);
    expect(direct[era].exitCode).toBe(0);
    expect(direct[era].checks.size).toBeGreaterThan(50);
  });
});

describe('the proxy', () => {
  test.each(eras)(
    'loses nothing between a suite and a server of one era: %s',
    { timeout: TIMEOUT },
    async (era) => {
      const through = await runThroughProxy(revisionOf[era], era);
      expect(lostOnTheWay(direct[era], through)).toEqual([]);
      expect(through.exitCode).toBe(0);
    },
  );

  test.each(eras.flatMap((era) => (['slim', 'search'] as const).map((list) => [era, list] as const)))(
    'loses nothing where tools are listed otherwise: %s, %s',
    { timeout: TIMEOUT },
    async (era, list) => {
      const through = await runThroughProxy(revisionOf[era], era, 'auto', `/${list}`);
      const allowances = list === 'search' ? { beyond: withoutChanges } : {};
      expect(lostOnTheWay(direct[era], through, allowances)).toEqual([]);
    },
  );

  test('lets an old client use a new server', { timeout: TIMEOUT }, async () => {
    const through = await runThroughProxy('2025-11-25', 'modern');
    expect(lostOnTheWay(direct.legacy, through, { requiredOnly: true })).toEqual([]);
  });

  test('lets a new client use an old server', { timeout: TIMEOUT }, async () => {
    // A shared connection never declares roots, and the suite's client has them.
    const through = await runThroughProxy('2026-07-28', 'legacy', 'per-client');
    const allowances = { requiredOnly: true, beyond: beyondTheOldWire };
    expect(lostOnTheWay(direct.modern, through, allowances)).toEqual([]);
  });
});

function startFixture(era: Era): Promise<Listening> {
  return startListening(['--import', 'tsx', 'test/conformance/fixture-server.ts', '--era', era]);
}

function runDirectly(era: Era): Promise<SuiteRun> {
  const outDir = join(directory, `${era}-direct`);
  return runSuite({ url: fixtures[era].url, requirements: revisionOf[era], outDir });
}

async function runThroughProxy(
  requirements: Revision,
  fixture: Era,
  connections = 'auto',
  path = '',
): Promise<SuiteRun> {
  const home = join(directory, `${requirements}-through-${fixture}${path.replace('/', '-')}`);
  const config = `${home}.json`;
  const settings = {
    mcpServers: { fixture: { type: 'http', url: fixtures[fixture].url, connections } },
    // The suite reads the definitions of these two in the list itself.
    expose: { namespaces: 'none', metaTools: false, ...(path !== '' && { pins: LOOKED_AT }) },
    stateDir: `${home}-state`,
  };
  await writeFile(config, JSON.stringify(settings));
  const proxy = await startListening([cli, 'serve', '--http', '127.0.0.1:0', '--config', config]);
  try {
    return await runSuite({ url: proxy.url + path, requirements, outDir: home });
  } finally {
    await proxy.stop();
  }
}
