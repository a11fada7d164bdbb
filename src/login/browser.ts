/** Opens an address in the user's browser: the program is started by its name with arguments, never through a shell. */
import { spawn } from 'node:child_process';
import { Blocked } from './oauth/address-rules.ts';

/** @returns whether a program for it could be started. @throws Blocked for what is no web address */
export function openBrowser(
  url: URL,
  platform: NodeJS.Platform = process.platform,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<boolean> {
  // The URL's own text: whatever a shell or a program could take for something else is escaped in it.
  const [command, ...args] = browserCommand(url, platform, env);
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: 'ignore', detached: true, shell: false });
    child.once('error', () => resolve(false));
    child.once('spawn', () => {
      child.unref();
      resolve(true);
    });
  });
}

export function browserCommand(
  url: URL,
  platform: NodeJS.Platform,
  env: Readonly<Record<string, string | undefined>>,
): [command: string, ...args: string[]] {
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw new Blocked('an address that is neither http nor https is not opened');
  const { BROWSER: own = '' } = env;
  if (own !== '' && !/[\s%;|&$]/.test(own)) return [own, url.href];
  if (platform === 'darwin') return ['open', url.href];
  // `cmd /c start` would read the address anew.
  if (platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler', url.href];
  return ['xdg-open', url.href];
}
