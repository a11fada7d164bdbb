import { existsSync, readFileSync } from 'node:fs';
import { messageOf } from '../../core/errors.ts';

/** The folder above `dist/`, where all is bundled, and the one above `src/cli/support/`. */
const PLACES = ['../package.json', '../../../package.json'];

/** The version in our own `package.json`. */
export function packageVersion(): string {
  const place = PLACES.find((one) => existsSync(new URL(one, import.meta.url))) ?? '../package.json';
  const file = new URL(place, import.meta.url);
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
  } catch (error) {
    throw new Error(`package.json of Switchyard cannot be read: ${messageOf(error)}`, { cause: error });
  }
}
