/** The server that a login is about, as the command line names it. */
import type { Config, ServerConfig } from '../../config/config.ts';
import { listed, nearest } from '../../core/nearest.ts';
import { takesLogins } from '../../proxy/server-logins.ts';
import { UsageError } from '../command.ts';

export interface RemoteServer {
  readonly key: string;
  readonly server: ServerConfig;
  /** The client whose login it is; empty for the user of this machine. */
  readonly who: string;
}

/** @throws UsageError */
export function remoteServerNamed(
  config: Config,
  positionals: readonly string[],
  client: string | undefined,
  command: string,
): RemoteServer {
  const [key, unexpected] = positionals;
  if (key === undefined) throw new UsageError(`Which server? See switchyard ${command} --help.`);
  if (unexpected !== undefined)
    throw new UsageError(`Unexpected argument "${unexpected}". See switchyard ${command} --help.`);
  const server = config.servers.get(key);
  if (!server) {
    const near = nearest(key, config.servers.keys());
    throw new UsageError(`There is no server "${key}".${near === undefined ? '' : ` Did you mean ${near}?`}`);
  }
  if (!takesLogins(server))
    throw new UsageError(
      `"${key}" takes no login: only servers with a "url" do, and only where the config gives no credentials itself.`,
    );
  if (client !== undefined && !config.http.tokens.has(client)) {
    const names = [...config.http.tokens.keys()];
    throw new UsageError(
      `There is no client "${client}" in http.tokens${names.length > 0 ? `: there are ${listed(names)}` : ''}.`,
    );
  }
  return { key, server, who: client ?? '' };
}
