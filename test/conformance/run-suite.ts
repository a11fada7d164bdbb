/**
 * Runs the official conformance suite against a server and reads back what it found, check by check.
 *
 * The suite's own exit code looks only at the scenarios a revision requires; the checks tell the rest.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { z } from 'zod';

export type Revision = '2025-11-25' | '2026-07-28';

/** From best to worst: of several checks with one id the worst counts, as it does for the suite. */
const statuses = ['SUCCESS', 'INFO', 'SKIPPED', 'WARNING', 'FAILURE'] as const;
type Status = (typeof statuses)[number];

export interface Check {
  readonly status: Status;
  /** Whether the revision requires the scenario that the check belongs to. */
  readonly required: boolean;
  readonly message?: string;
}

export interface SuiteRun {
  readonly exitCode: number | null;
  /** By `scenario:check`, the way the suite itself writes it. */
  readonly checks: ReadonlyMap<string, Check>;
  readonly output: string;
}

export interface SuiteOptions {
  readonly url: string;
  readonly requirements: Revision;
  /** Must not hold the results of an earlier run. */
  readonly outDir: string;
}

const suite = dirname(
  createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/package.json'),
);
const hook = fileURLToPath(new URL('./fs-globsync-hook.mjs', import.meta.url));
/** Long enough for the slowest scenario (2 s), short enough for a server that hangs in several of them. */
const SCENARIO_TIMEOUT = '10000';

export async function runSuite({ url, requirements, outDir }: SuiteOptions): Promise<SuiteRun> {
  await mkdir(outDir, { recursive: true });
  const script = join(suite, 'dist', 'index.js');
  const options = ['--url', url, '--requirements', requirements, '-o', outDir, '--timeout', SCENARIO_TIMEOUT];
  const child = spawn(process.execPath, ['--import', hook, script, 'server', ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exit = new Promise<number | null>((resolve, reject) =>
    child.on('error', reject).on('close', resolve),
  );
  const [exitCode, out, err] = await Promise.all([exit, text(child.stdout), text(child.stderr)]);
  return {
    exitCode,
    checks: await readChecks(outDir, await requiredScenarios(requirements)),
    output: out + err,
  };
}

const requirementSet = z.object({ server: z.array(z.string()) });

async function requiredScenarios(revision: Revision): Promise<ReadonlySet<string>> {
  const file = join(suite, 'requirements', `${revision}.yaml`);
  return new Set(requirementSet.parse(parse(await readFile(file, 'utf8'))).server);
}

const checkList = z.array(
  z.object({ id: z.string(), status: z.enum(statuses), errorMessage: z.string().optional() }),
);

/** Each scenario leaves a folder `server-<scenario>-<time>`, with its checks in it unless it crashed. */
async function readChecks(outDir: string, required: ReadonlySet<string>): Promise<Map<string, Check>> {
  const checks = new Map<string, Check>();
  const silent = new Set(required);
  for (const folder of (await readdir(outDir)).toSorted()) {
    const scenario = /^server-(.+)-\d{4}-\d{2}-\d{2}T[\d-]+Z$/.exec(folder)?.[1] ?? folder;
    silent.delete(scenario);
    const file = join(outDir, folder, 'checks.json');
    const crashed = [{ id: scenario, status: 'FAILURE' as const, errorMessage: 'the scenario crashed' }];
    const found = existsSync(file) ? checkList.parse(JSON.parse(await readFile(file, 'utf8'))) : crashed;
    for (const { id, status, errorMessage: message } of found) {
      const name = `${scenario}:${id}`;
      const check = {
        status,
        required: required.has(scenario),
        ...(message === undefined ? {} : { message }),
      };
      checks.set(name, worse(checks.get(name), check));
    }
  }
  for (const scenario of silent) {
    checks.set(`${scenario}:${scenario}`, {
      status: 'FAILURE',
      required: true,
      message: 'the scenario did not run',
    });
  }
  return checks;
}

function worse(known: Check | undefined, found: Check): Check {
  if (known === undefined) return found;
  return statuses.indexOf(found.status) > statuses.indexOf(known.status) ? found : known;
}
