import { describe, expect, test } from 'vitest';
import { runCli } from '../cli/run-cli.ts';
import { server, startProxy } from '../harness/proxy.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const SECRETS = [
  'hunter2pass',
  'tok8n4b',
  'ap1k3yvalue',
  'cl1entsecr3t',
  'acc3sst0k',
  'b3arervalue',
  'c00kievalue',
  'urlpa55',
  'MIIEowIBAAKCAQEAxb7Qq3m9u1n2p3r4s5t6u7v8w9xAyBzCaDbEcFdGeHfIgJhK',
];
const SAID = [
  'DB_PASSWORD=hunter2pass',
  'cannot log in with token=tok8n4b',
  'config: {"api_key":"ap1k3yvalue","user":"joe"}',
  'POST client_secret=cl1entsecr3t&grant_type=x',
  'GET https://a.example/x?access_token=acc3sst0k failed',
  'Authorization: Bearer b3arervalue',
  'Cookie: sid=c00kievalue; a=b',
  'postgres://joe:urlpa55@db.example/x',
  '-----BEGIN RSA PRIVATE KEY-----',
  'MIIEowIBAAKCAQEAxb7Qq3m9u1n2p3r4s5t6u7v8w9xAyBzCaDbEcFdGeHfIgJhK',
  '-----END RSA PRIVATE KEY-----',
];
const found = (text: string): string[] => SECRETS.filter((secret) => text.includes(secret));
// The last lines are quoted: each of them is the last once.
const PARTS = [SAID.slice(0, 4), SAID.slice(4, 8), SAID.slice(8)];

describe('what a server says before it dies', () => {
  test.each(PARTS.map((part) => [part.join(' | '), part] as const))(
    'is told without its secrets, wherever it is told: %s',
    async (_, part) => {
      const say = part.join('\n');
      const proxy = await startProxy(
        { a: server({ exitAtStart: { code: 1, say } }) },
        { unready: true, config: { log: { level: 'trace' } } },
      );
      await proxy.greet();
      await proxy.logged(({ msg }) => msg === 'downstream server failed');
      const answers = [await proxy.call('proxy_status'), await proxy.call('a__echo')];
      expect(found(JSON.stringify(answers))).toEqual([]);
      expect(JSON.stringify(answers)).toContain('[redacted]');
      expect(found(proxy.stderr)).toEqual([]);
      const config = join(proxy.folder, 'switchyard.json');
      const logs = await runCli(['logs', '--config', config]);
      expect(logs.stdout).toContain('[redacted]');
      expect(found(logs.stdout + logs.stderr)).toEqual([]);
    },
  );

  test('is told without its secrets in the report of a check as well, and in its JSON', async () => {
    const folder = temporaryFolder('case');
    const config = join(folder, 'switchyard.json');
    const mcpServers = { a: server({ exitAtStart: { code: 1, say: SAID.slice(0, 4).join('\n') } }) };
    writeFileSync(config, JSON.stringify({ mcpServers, stateDir: join(folder, 'state') }));
    for (const more of [[], ['--json']]) {
      const { stdout, stderr } = await runCli(['check', '--config', config, ...more]);
      expect(stdout + stderr).toContain('[redacted]');
      expect(found(stdout + stderr)).toEqual([]);
    }
  });
});
