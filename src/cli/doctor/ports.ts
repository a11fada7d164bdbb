/** Findings about the ports that the config or the user names. Each port is opened, and closed again. */
import { createServer } from 'node:net';
import type { Config } from '../../config/config.ts';
import { configId } from '../../config/config-id.ts';
import { runningProxies } from '../../control/run-file.ts';
import { messageOf } from '../../core/errors.ts';
import { buildGuard } from '../../transport/http-server/guard.ts';
import { listen } from '../../transport/http-server/listen.ts';
import { startTimeOf } from '../../transport/child-process/process-table.ts';
import type { Finding } from './finding.ts';
import { oneLine } from '../terminal/sanitize.ts';
import type { HttpAddress } from '../support/http-address.ts';

/** Finds what keeps `serve --http` from this address; a proxy that serves the same config there is no finding. */
export async function httpFindings(
  at: HttpAddress,
  config: Config | undefined,
  files: readonly string[],
): Promise<Finding[]> {
  const named = `${at.host}:${at.port}`;
  return [
    ...guardFindings(named, at.host, config),
    ...(await takenFindings(at, named, config?.stateDir, files)),
  ];
}

/** Finds logins whose redirect goes to a port that is taken. */
export async function redirectFindings({ servers }: Config): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [key, { auth, disabled }] of servers) {
    if (auth.redirectUri === undefined || disabled) continue;
    const { hostname, port } = new URL(auth.redirectUri);
    const at = { host: hostname === '[::1]' ? '::1' : '127.0.0.1', port: Number(port) || 80 };
    const trouble = await troubleAt(at);
    if (!trouble) continue;
    findings.push({
      severity: 'warning',
      what: `${oneLine(key, 80)}: a login could not come back to ${oneLine(auth.redirectUri)}`,
      cause: trouble.taken ? `another program listens on port ${at.port}` : trouble.message,
      remedy: 'end what listens there, or register another address and name it in auth.redirectUri',
    });
  }
  return findings;
}

function guardFindings(named: string, host: string, config: Config | undefined): Finding[] {
  try {
    if (config) buildGuard({ host, ...config.http });
    return [];
  } catch (error) {
    return [
      {
        severity: 'error',
        what: `nothing would be served on ${named}`,
        cause: messageOf(error),
        remedy: 'name a token for each client in http.tokens, or serve on 127.0.0.1',
      },
    ];
  }
}

async function takenFindings(
  at: HttpAddress,
  named: string,
  stateDir: string | undefined,
  files: readonly string[],
): Promise<Finding[]> {
  const trouble = await troubleAt(at);
  if (!trouble) return [];
  if (!trouble.taken)
    return [
      {
        severity: 'error',
        what: `nothing can listen on ${named}`,
        cause: trouble.message,
        remedy: 'choose another address or port',
      },
    ];
  const runs = stateDir === undefined ? [] : await runningProxies(stateDir, startTimeOf);
  const there = runs.find(({ url }) => url !== undefined && Number(new URL(url).port) === at.port);
  if (there?.configId === configId(files)) return [];
  return [
    {
      severity: 'error',
      what: `port ${at.port} on ${at.host} is in use`,
      cause: there
        ? `the Switchyard with pid ${there.pid} serves ${oneLine(there.configFiles.join(', '))} there`
        : 'another program listens there',
      remedy: 'end it, or choose another port (serve --http 0 picks a free one)',
    },
  ];
}

async function troubleAt({
  host,
  port,
}: HttpAddress): Promise<{ readonly taken: boolean; readonly message: string } | undefined> {
  const server = createServer();
  try {
    await listen(server, host, port);
  } catch (error) {
    const { code } = (error as { cause?: NodeJS.ErrnoException }).cause ?? {};
    return { taken: code === 'EADDRINUSE', message: messageOf(error) };
  }
  await new Promise((closed) => server.close(closed));
  return undefined;
}
