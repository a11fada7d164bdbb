/** Findings about the store of logins. */
import type { Config } from '../../config/config.ts';
import { systemClock } from '../../core/clock.ts';
import { keyringTrouble } from '../../login/store/keyring.ts';
import type { LoginSummary } from '../../login/store/login-store.ts';
import { takesLogins } from '../../proxy/server-logins.ts';
import type { Finding } from './finding.ts';
import { oneLine } from '../terminal/sanitize.ts';

/** The keyring is asked only where a login lies in it, or would. */
export async function keyringFindings(config: Config, logins: readonly LoginSummary[]): Promise<Finding[]> {
  const kept = logins.filter(({ loggedIn, storedIn }) => loggedIn && storedIn === 'keyring');
  const inFiles = logins.some(({ loggedIn, storedIn }) => loggedIn && storedIn === 'file');
  if (config.tokenStorage === 'file') return outOfReach(kept, 'tokenStorage is "file"', 'set it to "auto"');
  if (kept.length === 0 && !inFiles && !isLoginConfigured(config)) return [];
  const trouble = await keyringTrouble(systemClock);
  if (trouble === undefined) return [];
  const cause = `the keyring of this system cannot be used: ${oneLine(trouble)}`;
  if (kept.length > 0) return outOfReach(kept, cause, 'start or unlock the keyring');
  return [
    {
      severity: 'warning',
      what: 'the tokens of logins are kept in files, which only their owner can read, and in no keyring',
      cause,
      remedy: 'start or unlock a keyring, or set tokenStorage to "file" where files are what you want',
    },
  ];
}

function outOfReach(kept: readonly LoginSummary[], cause: string, remedy: string): Finding[] {
  return kept.map(({ server, who }) => ({
    severity: 'error',
    what: `${oneLine(server, 80)}${who && ` (${oneLine(who, 80)})`}: its login lies in the keyring and cannot be read`,
    cause,
    remedy: `${remedy}, or log in again: switchyard login ${oneLine(server, 80)}`,
  }));
}

/** An entry that says how to log in will have a login sooner or later. */
function isLoginConfigured({ servers }: Config): boolean {
  return [...servers.values()].some(
    (server) =>
      !server.disabled &&
      takesLogins(server) &&
      (server.auth.clientId !== undefined || server.auth.clientMetadataUrl !== undefined),
  );
}
