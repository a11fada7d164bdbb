/** The places of the clients' files, on each system. */
import path from 'node:path';
import type { DialectId } from './dialects/client-dialect.ts';
import { envValue, type HostEnvironment } from './folders.ts';

/** Absolute paths; the first is the usual one, the others are found where they exist. */
export function clientFiles(client: DialectId, machine: HostEnvironment): readonly string[] {
  return PLACES[client](placesOf(machine));
}

/** Files that a project may hold for its clients, from `machine.cwd` on. */
export function projectFiles(client: DialectId, { cwd }: Pick<HostEnvironment, 'cwd'>): readonly string[] {
  return (PROJECT_FILES[client] ?? []).map((file) => path.join(cwd, ...file.split('/')));
}

interface Places {
  readonly home: (...parts: string[]) => string;
  /** The folder in which programs with windows keep their settings. */
  readonly appData: (...parts: string[]) => string;
  /** `~/.config`, on macOS too; on Windows as `appData`. */
  readonly dotConfig: (...parts: string[]) => string;
  readonly machine: HostEnvironment;
}

/** Joined as this system joins: a path is made to be opened here. */
function placesOf(machine: HostEnvironment): Places {
  const { homeDir, platform } = machine;
  const windows = envValue(machine, 'APPDATA') ?? path.join(homeDir, 'AppData', 'Roaming');
  const xdg = envValue(machine, 'XDG_CONFIG_HOME');
  const config = xdg !== undefined && path.isAbsolute(xdg) ? xdg : path.join(homeDir, '.config');
  const appData = {
    win32: windows,
    darwin: path.join(homeDir, 'Library', 'Application Support'),
    other: config,
  };
  const kind = platform === 'win32' || platform === 'darwin' ? platform : 'other';
  return {
    home: (...parts) => path.join(homeDir, ...parts),
    appData: (...parts) => path.join(appData[kind], ...parts),
    dotConfig: (...parts) => path.join(platform === 'win32' ? windows : config, ...parts),
    machine,
  };
}

const PLACES: Readonly<Record<DialectId, (places: Places) => readonly string[]>> = {
  'claude-desktop': ({ appData }) => [appData('Claude', 'claude_desktop_config.json')],
  'claude-code': ({ home }) => [home('.claude.json')],
  cursor: ({ home }) => [home('.cursor', 'mcp.json')],
  vscode: ({ appData }) => [appData('Code', 'User', 'mcp.json')],
  windsurf: ({ home }) => [home('.codeium', 'windsurf', 'mcp_config.json')],
  zed: ({ dotConfig, machine }) => [dotConfig(machine.platform === 'win32' ? 'Zed' : 'zed', 'settings.json')],
  cline: ({ appData }) => [
    appData('Code', 'User', 'globalStorage', 'saoudrizwan.claude-dev', 'settings', 'cline_mcp_settings.json'),
  ],
  continue: ({ home }) => [home('.continue', 'config.yaml')],
  codex: ({ home, machine }) => {
    const given = envValue(machine, 'CODEX_HOME');
    return [given === undefined ? home('.codex', 'config.toml') : path.join(given, 'config.toml')];
  },
  gemini: ({ home }) => [home('.gemini', 'settings.json')],
  junie: ({ home }) => [home('.junie', 'mcp', 'mcp.json')],
  // The same folder on every system.
  opencode: ({ home }) => [
    home('.config', 'opencode', 'opencode.json'),
    home('.config', 'opencode', 'opencode.jsonc'),
  ],
  lmstudio: ({ home }) => [home('.lmstudio', 'mcp.json'), home('.cache', 'lm-studio', 'mcp.json')],
  goose: ({ appData, home, machine }) => [
    machine.platform === 'win32'
      ? appData('Block', 'goose', 'config', 'config.yaml')
      : home('.config', 'goose', 'config.yaml'),
  ],
  copilot: ({ home }) => [home('.copilot', 'mcp-config.json')],
};

const PROJECT_FILES: Readonly<Partial<Record<DialectId, readonly string[]>>> = {
  'claude-code': ['.mcp.json'],
  cursor: ['.cursor/mcp.json'],
  vscode: ['.vscode/mcp.json'],
  zed: ['.zed/settings.json'],
  codex: ['.codex/config.toml'],
  gemini: ['.gemini/settings.json'],
  junie: ['.junie/mcp/mcp.json'],
  opencode: ['opencode.json', 'opencode.jsonc'],
};
