/** `switchyard logout`: the authorization server is told to forget the login, and so is this machine. */
import { systemClock } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import { loginId } from '../../login/store/login-record.ts';
import { loginPlace, loginStore } from '../../proxy/server-logins.ts';
import { createLog } from '../../telemetry/log.ts';
import type { Command, Input } from '../command.ts';
import { configFiles, readConfig, configSecrets } from '../support/configured.ts';
import { remoteServerNamed } from './remote-server.ts';

export const logout: Command = {
  name: 'logout',
  takes: 'SERVER',
  summary: 'revokes the login at a remote server and forgets it',
  options: {
    client: { type: 'string', value: 'NAME', about: 'of this client of http.tokens' },
  },
  examples: ['switchyard logout notion'],
  positionals: true,
  run,
};

async function run({ positionals, options, configFiles: given, machine, output }: Input): Promise<number> {
  const config = await readConfig(configFiles(given, machine), machine);
  const log = createLog({ level: 'error', secrets: configSecrets(config) });
  const { key, server, who } = remoteServerNamed(config, positionals, options.text('client'), 'logout');
  const place = loginPlace(key, server, who, machine.env);
  const store = loginStore(config, systemClock, log);
  const id = loginId(place.url.href, who, server.auth.clientId);
  const unlock = await store.lock(id);
  try {
    const record = await store.read(id);
    if (!record) {
      output.note(`Nobody was logged in to ${key}.`);
      if (output.json) output.document({ server: key, client: who, loggedIn: false, revoked: false });
      return 0;
    }
    const { revokeLogin } = await import('../../login/login-steps.ts');
    const revoked = await revokeLogin(place, record).catch((error: unknown) => {
      output.note(`The authorization server could not be told (${messageOf(error)}).`);
      return false;
    });
    await store.remove(id);
    if (output.json) output.document({ server: key, client: who, loggedIn: false, revoked });
    else
      output.line(
        `Logged out of ${key}${revoked ? '' : '; the tokens themselves run out at their own time'}.`,
      );
    return 0;
  } finally {
    await unlock();
  }
}
