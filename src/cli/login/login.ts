/** `switchyard login`: a person logs in at a remote server; the tokens are for all proxies of this user. */
import { createInterface } from 'node:readline';
import { systemClock } from '../../core/clock.ts';
import { messageOf, ProxyError } from '../../core/errors.ts';
import { openBrowser } from '../../login/browser.ts';
import { Credentials } from '../../login/credentials.ts';
import type { LoginAttempt } from '../../login/login-attempt.ts';
import type { LoginStore } from '../../login/store/login-store.ts';
import { loginPlace, loginStore } from '../../proxy/server-logins.ts';
import { createLog } from '../../telemetry/log.ts';
import type { Command, Input } from '../command.ts';
import { configFiles, readConfig, configSecrets } from '../support/configured.ts';
import { lasts, loginDocuments, loginWords } from './known-logins.ts';
import { remoteServerNamed } from './remote-server.ts';

export const login: Command = {
  name: 'login',
  takes: '[SERVER]',
  summary: 'logs in at a remote server; without a name: shows who is logged in where, until when',
  about:
    'Opens the browser and waits for its answer on a port of this machine, for five minutes. The tokens go into the\nsystem’s keyring where there is one, else into a file that only you can read.',
  options: {
    'no-browser': {
      type: 'boolean',
      about: 'print the address to open elsewhere, and take the address that the browser ends at from stdin',
    },
    scope: {
      type: 'string',
      multiple: true,
      value: 'SCOPE',
      about: 'ask for this permission as well, beyond what there is and what the server asks for',
    },
    client: {
      type: 'string',
      value: 'NAME',
      about: 'for this client of http.tokens, where "connections" of the server is "per-client"',
    },
  },
  examples: ['switchyard login notion', 'switchyard login notion --no-browser', 'switchyard login'],
  positionals: true,
  run,
};

async function run({ positionals, options, configFiles: given, machine, output }: Input): Promise<number> {
  const config = await readConfig(configFiles(given, machine), machine);
  const log = createLog({ level: 'error', secrets: configSecrets(config) });
  const store = loginStore(config, systemClock, log);
  if (positionals.length === 0) return show(store, output);
  const { key, server, who } = remoteServerNamed(config, positionals, options.text('client'), 'login');
  const place = loginPlace(key, server, who, machine.env);
  const credentials = new Credentials({
    ...place,
    headers: 'headers' in server.transport ? Object.fromEntries(server.transport.headers) : {},
    store,
    loggedIn() {},
    clock: systemClock,
    log,
  });
  try {
    if (server.auth.grant === 'client-credentials') await credentials.obtain();
    else {
      const attempt = await credentials.begin(options.texts('scope').join(' ') || undefined);
      await answered(attempt, options.flag('no-browser'), output);
    }
    const { until, renews } = credentials.status;
    if (output.json) output.document({ server: key, client: who, loggedIn: true, until, renews });
    else
      output.line(`Logged in to ${key}${until === undefined ? '' : `, ${lasts(until, renews === true)}`}.`);
    return 0;
  } catch (error) {
    output.note(
      `The login at ${key} failed: ${error instanceof ProxyError ? error.message : messageOf(error)}`,
    );
    return 1;
  } finally {
    credentials.close();
  }
}

/** Waits for the browser's answer, which comes to our port, or by hand from another machine. */
async function answered(attempt: LoginAttempt, byHand: boolean, output: Input['output']): Promise<void> {
  const opened = !byHand && (await openBrowser(attempt.url));
  output.note(
    opened
      ? `The browser should open. If it does not, open this address:\n\n  ${attempt.url.href}\n`
      : `Open this address in a browser:\n\n  ${attempt.url.href}\n`,
  );
  if (opened) {
    await output.progress(() => 'waiting for the browser', attempt.done);
    return;
  }
  output.note(
    'If it runs on another machine, paste the address that it ends at (it will show an error) here:',
  );
  const lines = createInterface({ input: process.stdin });
  lines.on('line', (line) => {
    if (line.trim() === '') return;
    attempt.answer(line).catch((error: unknown) => output.note(`${messageOf(error)}.`));
  });
  try {
    await attempt.done;
  } finally {
    lines.close();
    process.stdin.pause();
  }
}

async function show(store: LoginStore, output: Input['output']): Promise<number> {
  const logins = await store.all();
  if (output.json) output.document(loginDocuments(logins));
  else if (logins.length === 0) output.note('Nobody is logged in anywhere.');
  else
    await output.table(
      [{ title: 'SERVER' }, { title: 'CLIENT' }, { title: 'LOGIN' }, { title: 'AT' }],
      logins.map((one) => [
        one.server,
        one.who,
        loginWords(one),
        URL.canParse(one.issuer) ? new URL(one.issuer).origin : '',
      ]),
    );
  return 0;
}
