/**
 * The variables that a process inherits: those that the MCP SDK passes on, and the proxies' variables.
 * Everything else, tokens above all, reaches a server only if its entry says so.
 */
export function defaultInheritEnv(platform: string): readonly string[] {
  return [...(platform === 'win32' ? windowsEnv : posixEnv), ...proxyEnv];
}

const posixEnv = ['HOME', 'LOGNAME', 'PATH', 'SHELL', 'TERM', 'USER'];

const windowsEnv = [
  'APPDATA',
  'HOMEDRIVE',
  'HOMEPATH',
  'LOCALAPPDATA',
  'PATH',
  'PROCESSOR_ARCHITECTURE',
  'SYSTEMDRIVE',
  'SYSTEMROOT',
  'TEMP',
  'USERNAME',
  'USERPROFILE',
  'PROGRAMFILES',
];

const proxyEnv = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'];
