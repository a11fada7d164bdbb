/** The system's keyring, where there is one that works; without it secrets lie in the login's own file. */
import type * as NapiKeyring from '@napi-rs/keyring';
import { messageOf } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';

export interface Keyring {
  get(account: string): Promise<string | undefined>;
  /** @returns false where it could not be kept. */
  set(account: string, secret: string): Promise<boolean>;
  delete(account: string): Promise<void>;
}

const SERVICE = 'switchyard';
/** One that waits for somebody to unlock it must not hold up a call for ever. */
const PATIENCE_MS = 5000;

/** Loaded when first used: most proxies never keep a login. */
export function systemKeyring(log: Logger): Keyring {
  let loaded: Promise<typeof NapiKeyring | undefined> | undefined;
  const load = (): Promise<typeof NapiKeyring | undefined> =>
    (loaded ??= import('@napi-rs/keyring').catch((error: unknown) => {
      log.debug({ why: messageOf(error) }, 'there is no keyring for this system');
      return undefined;
    }));
  /** The first failure is the last attempt: one that does not work now will not in a second. */
  let broken = false;

  async function attempt<Result>(
    account: string,
    work: (entry: NapiKeyring.AsyncEntry, signal: AbortSignal) => Promise<Result>,
  ): Promise<Result | undefined> {
    const keyring = broken ? undefined : await load();
    if (!keyring) return undefined;
    try {
      const signal = AbortSignal.timeout(PATIENCE_MS);
      const late = new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => reject(new Error('the keyring does not answer')), {
          once: true,
        });
      });
      return await Promise.race([work(new keyring.AsyncEntry(SERVICE, account), signal), late]);
    } catch (error) {
      broken = true;
      log.debug({ why: messageOf(error) }, 'the keyring cannot be used');
      return undefined;
    }
  }

  return {
    get: async (account) =>
      (await attempt(account, (entry, signal) => entry.getPassword(signal))) ?? undefined,
    set: async (account, secret) =>
      (await attempt(account, async (entry, signal) => {
        await entry.setPassword(secret, signal);
        return true;
      })) ?? false,
    delete: async (account) => {
      await attempt(account, (entry, signal) => entry.deleteCredential(signal));
    },
  };
}
