/** All commands by name. All but one are loaded when they are run: a client that starts the proxy waits for no other. */
import type { CommandEntry } from './command.ts';
import { serve } from './serve/serve.ts';

/** In the order of the help. */
export const COMMANDS: readonly CommandEntry[] = [
  { name: 'serve', load: () => serve },
  { name: 'list', load: async () => (await import('./catalog/list.ts')).listCommand },
  { name: 'tokens', load: async () => (await import('./catalog/tokens.ts')).tokens },
  { name: 'status', load: async () => (await import('./status/status.ts')).status },
  { name: 'logs', load: async () => (await import('./status/logs.ts')).logs },
  { name: 'call', load: async () => (await import('./catalog/call.ts')).call },
  { name: 'check', load: async () => (await import('./check/check.ts')).check },
  { name: 'doctor', load: async () => (await import('./doctor/doctor.ts')).doctor },
  { name: 'workflow', load: async () => (await import('./workflow/workflow.ts')).workflow },
  { name: 'init', load: async () => (await import('./setup/init.ts')).init },
  { name: 'add', load: async () => (await import('./setup/add.ts')).add },
  { name: 'remove', load: async () => (await import('./setup/add.ts')).remove },
  { name: 'import', load: async () => (await import('./setup/import.ts')).importCommand },
  { name: 'install', load: async () => (await import('./setup/install.ts')).install },
  { name: 'uninstall', load: async () => (await import('./setup/install.ts')).uninstall },
  { name: 'login', load: async () => (await import('./login/login.ts')).login },
  { name: 'logout', load: async () => (await import('./login/logout.ts')).logout },
  { name: 'completion', load: async () => (await import('./completion.ts')).completion(COMMANDS) },
];

/** The command that runs where none is named. */
export const DEFAULT_COMMAND = 'serve';
