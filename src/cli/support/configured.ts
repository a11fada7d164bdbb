/** The config that a command works on: found, read, and its secrets known. */
import type { TemplateCheck } from '../../config/load/composed-tools.ts';
import type { Config } from '../../config/config.ts';
import { configFolders, findConfigFiles } from '../../config/load/find-config-files.ts';
import type { HostEnvironment } from '../../config/folders.ts';
import { loadConfig } from '../../config/load/load-config.ts';
import { headerSecrets, secretArguments, urlSecrets } from '../../core/redaction/known-secrets.ts';
import { UsageError } from '../command.ts';

/** @throws UsageError where there is none. */
export function configFiles(given: readonly string[], machine: HostEnvironment): readonly string[] {
  const files = findConfigFiles(given, machine);
  if (files.length > 0) return files;
  throw new UsageError(
    `No config found: looked for switchyard.json (.yaml, .toml) in ${configFolders(machine).join(' and ')}. "switchyard add" or "switchyard init" makes one; --config FILE names another.`,
  );
}

/** Reads it, and again, each time with what the files said before in mind. @throws ConfigError with all that is wrong. */
export function configReader(
  files: readonly string[],
  machine: HostEnvironment,
): (onRead: (file: string) => void) => Promise<Config> {
  let named: ReadonlySet<string> = new Set();
  return async (onRead) => {
    const now = new Set<string>();
    const onNamed = (file: string): void => void now.add(file);
    const config = await loadConfig({ files, ...machine, checkTemplates, onRead, named, onNamed });
    named = now;
    return config;
  };
}

/** @throws ConfigError with all that is wrong. */
export function readConfig(files: readonly string[], machine: HostEnvironment): Promise<Config> {
  return loadConfig({ files, ...machine, checkTemplates });
}

/** The texts that must not stand in any output. */
export function configSecrets(config: Config): string[] {
  const secrets = [...config.http.tokens.values()];
  for (const { transport, auth } of config.servers.values()) {
    secrets.push(...[auth.clientSecret, auth.privateKey].filter((secret) => secret !== undefined));
    if (transport.kind === 'stdio')
      secrets.push(...transport.env.values(), ...secretArguments(transport.args));
    else if (transport.kind !== 'tcp') {
      for (const [name, value] of transport.headers) secrets.push(...headerSecrets(name, value));
      secrets.push(...urlSecrets(transport.url), ...queryValues(transport.url));
    }
  }
  return secrets;
}

function queryValues(url: string): string[] {
  return URL.canParse(url) ? [...new URL(url).searchParams.values()] : [];
}

/** Most configs hold no expressions. */
async function checkTemplates(): Promise<TemplateCheck> {
  return (await import('../../routing/composed-templates.ts')).templateFaults;
}
