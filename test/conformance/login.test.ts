/** The official suite's scenarios of logins, with Switchyard as the client. */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';
import { temporaryFolder } from '../harness/temp-folder.ts';

// On a machine that may have more to do.
vi.setConfig({ testTimeout: 100_000 });

const suite = dirname(
  createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/package.json'),
);
const hook = fileURLToPath(new URL('./fs-globsync-hook.mjs', import.meta.url));
const driver = fileURLToPath(new URL('./login-driver.mjs', import.meta.url));

/** Runs the suite's client side. @returns its exit code and what it printed. */
async function run(args: readonly string[]): Promise<{ code: number | null; output: string }> {
  const command = `${JSON.stringify(process.execPath)} ${JSON.stringify(driver)}`;
  const child = spawn(
    process.execPath,
    [
      ...['--import', hook, join(suite, 'dist', 'index.js'), 'client', '--command', command],
      ...['--timeout', '90000', '-o', temporaryFolder('case'), ...args],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const exit = new Promise<number | null>((resolve, reject) =>
    child.on('error', reject).on('close', resolve),
  );
  const [code, out, err] = await Promise.all([exit, text(child.stdout), text(child.stderr)]);
  return { code, output: out + err };
}

/** All but those of extensions that are not spoken: DPoP, enterprise-managed authorization, workload identity. */
const SCENARIOS = [
  'metadata-default',
  'metadata-var1',
  'metadata-var2',
  'metadata-var3',
  'basic-cimd',
  'scope-from-www-authenticate',
  'scope-from-scopes-supported',
  'scope-omitted-when-undefined',
  'scope-step-up',
  'scope-retry-limit',
  'token-endpoint-auth-basic',
  'token-endpoint-auth-post',
  'token-endpoint-auth-none',
  'pre-registration',
  '2025-03-26-oauth-metadata-backcompat',
  '2025-03-26-oauth-endpoint-fallback',
  'resource-mismatch',
  'offline-access-scope',
  'offline-access-not-supported',
  'authorization-server-migration',
  'iss-supported',
  'iss-not-advertised',
  'iss-supported-missing',
  'iss-wrong-issuer',
  'iss-unexpected',
  'iss-normalized',
  'metadata-issuer-mismatch',
  'client-credentials-jwt',
  'client-credentials-basic',
] as const;

test.each(SCENARIOS)('passes %s', async (scenario) => {
  const { code, output } = await run(['--scenario', `auth/${scenario}`]);
  expect(code, output.slice(-3000)).toBe(0);
  expect(output).toMatch(/Passed: (\d+)\/\1, 0 failed/);
});
