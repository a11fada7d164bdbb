import path from 'node:path';

/** The machine as the config sees it; handed in so that tests can be any machine. */
export interface HostEnvironment {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute: the working folder of the proxy. */
  readonly cwd: string;
  readonly homeDir: string;
  /** A value of `process.platform`. */
  readonly platform: string;
}

export function pathsOf(platform: string): path.PlatformPath {
  return platform === 'win32' ? path.win32 : path.posix;
}

/** A variable of the environment; on Windows in any case of letters. */
export function envValue(
  machine: Pick<HostEnvironment, 'env' | 'platform'>,
  name: string,
): string | undefined {
  if (Object.hasOwn(machine.env, name)) return machine.env[name];
  if (machine.platform !== 'win32') return undefined;
  const key = Object.keys(machine.env).find((candidate) => candidate.toLowerCase() === name.toLowerCase());
  return key === undefined ? undefined : machine.env[key];
}

/** The folder of a user's own `switchyard.*`. */
export function userConfigFolder(machine: HostEnvironment): string {
  return userFolder(machine, {
    variable: 'XDG_CONFIG_HOME',
    linux: ['.config'],
    windowsVariable: 'APPDATA',
    windows: ['AppData', 'Roaming'],
  });
}

/** The folder for what the proxy remembers, unless the config names another. */
export function userStateFolder(machine: HostEnvironment): string {
  return userFolder(machine, {
    variable: 'XDG_STATE_HOME',
    linux: ['.local', 'state'],
    windowsVariable: 'LOCALAPPDATA',
    windows: ['AppData', 'Local'],
  });
}

interface UserFolder {
  readonly variable: string;
  readonly linux: readonly string[];
  readonly windowsVariable: string;
  readonly windows: readonly string[];
}

/** XDG variables count on macOS too: who sets one there means it. */
function userFolder(machine: HostEnvironment, folder: UserFolder): string {
  const paths = pathsOf(machine.platform);
  const windows = machine.platform === 'win32';
  const given = envValue(machine, windows ? folder.windowsVariable : folder.variable);
  // The XDG specification: a relative path in these variables is to be ignored.
  if (given !== undefined && paths.isAbsolute(given)) return paths.join(given, 'switchyard');
  if (windows) return paths.join(machine.homeDir, ...folder.windows, 'switchyard');
  if (machine.platform === 'darwin') {
    return paths.join(machine.homeDir, 'Library', 'Application Support', 'switchyard');
  }
  return paths.join(machine.homeDir, ...folder.linux, 'switchyard');
}
