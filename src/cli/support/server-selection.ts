import type { Config, ServerConfig } from '../../config/config.ts';
import { listed } from '../../core/nearest.ts';
import { UsageError } from '../command.ts';

/** Which servers are wanted; nothing given: all. */
export interface ServerSelection {
  /** Config keys. */
  readonly servers: readonly string[];
  /** A server with any of these is wanted; one with a tag behind `-` is not. */
  readonly tags: readonly string[];
}

/**
 * Switches off what is not wanted. Names stay as they are: a server that is off counts for the prefixes.
 *
 * @throws UsageError for a server or a tag that the config does not have. A tag that nobody has may well be left out.
 */
export function selectServers(config: Config, { servers: wanted, tags }: ServerSelection): Config {
  if (wanted.length === 0 && tags.length === 0) return config;
  const unknown = wanted.find((key) => !config.servers.has(key));
  if (unknown !== undefined)
    throw new UsageError(
      `--servers: there is no server "${unknown}"; there are: ${[...config.servers.keys()].join(', ')}.`,
    );
  const without = tags.filter((tag) => tag.startsWith('-')).map((tag) => tag.slice(1));
  const withAny = tags.filter((tag) => !tag.startsWith('-'));
  const known = new Set([...config.servers.values()].flatMap((server) => server.tags));
  const strange = withAny.find((tag) => !known.has(tag));
  if (strange !== undefined)
    throw new UsageError(`--tags: no server has the tag "${strange}"; there are: ${listed([...known])}.`);
  const isWanted = ({ key, tags: its }: ServerConfig): boolean =>
    (wanted.length === 0 || wanted.includes(key)) &&
    (withAny.length === 0 || withAny.some((tag) => its.includes(tag))) &&
    !without.some((tag) => its.includes(tag));
  const servers = [...config.servers].map(
    ([key, server]) => [key, isWanted(server) ? server : { ...server, disabled: true }] as const,
  );
  return { ...config, servers: new Map(servers) };
}
