import { type HostEnvironment, pathsOf } from '../folders.ts';

/**
 * The project that a client's file belongs to: what holds its `.vscode`, `.cursor`, `.gemini` …, or the folder
 * of an `.mcp.json` or `opencode.json`. Undefined for files of the whole user.
 */
export function projectFolderOf(
  file: string,
  machine: Pick<HostEnvironment, 'homeDir' | 'platform'>,
): string | undefined {
  const paths = pathsOf(machine.platform);
  const folder = paths.dirname(file);
  for (let at = folder; at !== paths.dirname(at); at = paths.dirname(at)) {
    if (!paths.basename(at).startsWith('.')) continue;
    const holder = paths.dirname(at);
    return holder === machine.homeDir ? undefined : holder;
  }
  const ownsFolder = /^(\.mcp\.json|opencode\.jsonc?)$/.test(paths.basename(file));
  return ownsFolder && folder !== machine.homeDir ? folder : undefined;
}
