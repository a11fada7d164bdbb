import type { ClientDialect } from '../client-dialect.ts';
import { commonServer, localEntry } from '../entry.ts';
import { readServers, SkipServer } from '../read-servers.ts';
import { tableIn, textIn, textMapIn, textsIn } from '../values.ts';

/** `context_servers` in the editor's settings. Older versions have the command as an object. */
export const zed: ClientDialect = {
  id: 'zed',
  name: 'Zed',
  files: [
    { name: 'settings.json', folder: 'zed' },
    { name: 'settings.json', folder: '.zed' },
  ],
  hasShape: (root) => root.has('context_servers'),
  read: (root, context) =>
    readServers(tableIn(root, 'context_servers') ?? [], context, (entry) => {
      const off = entry.get('enabled') === false ? { disabled: true } : {};
      const old = tableIn(entry, 'command');
      if (old !== undefined) {
        const command = textIn(old, 'path');
        if (command === undefined) throw new SkipServer('its command has no path');
        const local = { command, args: textsIn(old, 'args'), env: textMapIn(old, 'env') };
        return { ...localEntry(local, context), ...off };
      }
      if (!entry.has('command') && !entry.has('url')) {
        throw new SkipServer('it belongs to a Zed extension, which only Zed can start');
      }
      return { ...commonServer(entry, context), ...off };
    }),
};
