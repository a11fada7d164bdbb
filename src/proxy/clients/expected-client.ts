/** The capabilities of the last client: the next client mostly has the same, and finds its connections open. */
import { readFileSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../core/errors.ts';
import { at, isObject, type JsonObject } from '../../json/json.ts';
import type { Logger } from '../../core/logger.ts';
import { capabilitiesKey } from '../../protocol/client-capabilities.ts';

export interface ExpectedClient {
  /** Empty where nothing is known. */
  readonly capabilities: JsonObject;
  /** Returns at once. */
  came(capabilities: JsonObject): void;
  close(): Promise<void>;
}

export function expectedClient(stateDir: string, log: Logger): ExpectedClient {
  const file = join(stateDir, 'last-client.json');
  let known = read(file);
  let writing: Promise<void> = Promise.resolve();
  return {
    get capabilities() {
      return known;
    },
    came(capabilities) {
      if (capabilitiesKey(capabilities) === capabilitiesKey(known)) return;
      known = capabilities;
      writing = writing
        .then(() => write(stateDir, file, capabilities))
        .catch((error: unknown) => {
          log.debug({ why: messageOf(error) }, 'what the last client can do cannot be written down');
        });
    },
    close: () => writing,
  };
}

function read(file: string): JsonObject {
  try {
    const found = at(JSON.parse(readFileSync(file, 'utf8')), 'capabilities');
    return isObject(found) ? found : {};
  } catch {
    // A guess that is missing costs a second start of the servers.
    return {};
  }
}

/** Replaced as a whole: several proxies may share the folder. */
async function write(folder: string, file: string, capabilities: JsonObject): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const part = `${file}.${process.pid}.part`;
  await writeFile(part, `${JSON.stringify({ capabilities })}\n`, { mode: 0o600 });
  await rename(part, file);
}
