import type { ClientContext, ClientDialect, ClientTable } from '../client-dialect.ts';
import { localEntry, remoteEntry, seconds, timeouts } from '../entry.ts';
import { envVariable } from '../notation.ts';
import { readServers, SkipServer } from '../read-servers.ts';
import { numberIn, tableIn, textIn, textMapIn, textsIn } from '../values.ts';

/** `extensions`: `cmd`, `envs`, `uri`. `timeout` is in seconds; `env_keys` name variables that hold secrets. */
export const goose: ClientDialect = {
  id: 'goose',
  name: 'Goose',
  files: [
    { name: 'config.yaml', folder: 'goose' },
    { name: 'config.yaml', folder: 'goose/config' },
  ],
  hasShape: (root) => tableIn(root, 'extensions') !== undefined && !root.has('mcpServers'),
  read: (root, context) =>
    readServers(tableIn(root, 'extensions') ?? [], context, (outer) => {
      const entry = new Map([...outer, ...(tableIn(outer, 'config') ?? [])]);
      return {
        ...server(entry, context),
        ...timeouts({ callMs: seconds(numberIn(entry, 'timeout')) }),
        ...(entry.get('enabled') === false ? { disabled: true } : {}),
      };
    }),
};

function server(entry: ClientTable, context: ClientContext): ReturnType<typeof localEntry> {
  const type = textIn(entry, 'type') ?? 'stdio';
  const command = textIn(entry, 'cmd');
  const uri = textIn(entry, 'uri');
  if (type === 'stdio' && command !== undefined) {
    const { env, ...local } = localEntry(
      { command, args: textsIn(entry, 'args'), env: textMapIn(entry, 'envs') },
      context,
    );
    return { ...local, env: new Map([...(env ?? []), ...secrets(entry, context)]) };
  }
  if ((type === 'streamable_http' || type === 'sse') && uri !== undefined) {
    return remoteEntry(type === 'sse' ? 'sse' : 'http', uri, textMapIn(entry, 'headers'));
  }
  throw new SkipServer(`an extension of type "${type}" lives inside of Goose`);
}

/** Goose looks in its keyring first, which nobody else can read; the environment is what is left. */
function secrets(entry: ClientTable, context: ClientContext): (readonly [string, string])[] {
  return (textsIn(entry, 'env_keys') ?? []).map((name) => {
    const found = envVariable(context, name, undefined);
    if (found !== undefined && 'variable' in found) return [name, found.variable] as const;
    if (entry.get('enabled') === false || textMapIn(entry, 'envs').has(name)) return [name, ''] as const;
    throw new SkipServer(`it needs the secret "${name}". Set it as a variable of the environment`);
  });
}
