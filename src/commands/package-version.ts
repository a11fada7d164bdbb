import { readFileSync } from 'node:fs';
import { messageOf } from '../core/errors.ts';

/** The version in our own `package.json`, beside `dist/`. */
export function packageVersion(): string {
  const file = new URL('../../package.json', import.meta.url);
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
  } catch (error) {
    throw new Error(`package.json of Switchyard cannot be read: ${messageOf(error)}`, { cause: error });
  }
}
