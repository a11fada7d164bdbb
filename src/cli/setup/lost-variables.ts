/** Which variables of a client's environment its servers no longer get when we start them in its place. */
import type { ServerConfig } from '../../config/config.ts';
import type { HostEnvironment } from '../../config/folders.ts';

/** A shell's own: nobody reads them from outside. */
const OF_THE_SHELL = /^(_|SHLVL|PWD|OLDPWD|PS[1-4]|LS_COLORS|COLUMNS|LINES|HIST\w*|BASH\w*|ZSH\w*)$/;
/** Variables that a server most likely reads. */
const TELLING =
  /key|token|secret|passw|credential|auth|_url$|_host$|proxy|cert|path|home|config|region|profile/i;
const MOST_NAMED = 20;

/**
 * By name, those that matter most first. The environment of this terminal stands for the client's, which is not known.
 */
export function lostVariables(servers: readonly ServerConfig[], { env }: HostEnvironment): readonly string[] {
  const local = servers.flatMap(({ transport }) => (transport.kind === 'stdio' ? [transport] : []));
  const lost = Object.keys(env).filter(
    (name) =>
      env[name] !== undefined &&
      !OF_THE_SHELL.test(name) &&
      local.some((one) => !one.inheritEnv.includes(name) && !one.env.has(name)),
  );
  return lost.sort((a, b) => Number(TELLING.test(b)) - Number(TELLING.test(a)) || (a < b ? -1 : 1));
}

export function lostVariablesText(lost: readonly string[]): string {
  const [first = ''] = lost;
  const more = lost.length - MOST_NAMED;
  return [
    `The servers that were moved no longer get these variables, which a client of this environment hands on: ${lost.slice(0, MOST_NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}.`,
    `Where a server needs one, write "env": {"${first}": "\${${first}}"} into its entry, or name it in "inheritEnv".`,
  ].join('\n');
}
