/** The system's keyring, where there is one that works; without it secrets lie in the login's own file. */
import type * as NapiKeyring from '@napi-rs/keyring';
import type { Clock } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';

export interface Keyring {
  get(account: string): Promise<string | undefined>;
  /** @returns false where it could not be kept. */
  set(account: string, secret: string): Promise<boolean>;
  delete(account: string): Promise<void>;
}

/** @returns why it cannot be used. Nothing is kept, and nobody is asked to unlock anything. */
export async function keyringTrouble(clock: Clock): Promise<string | undefined> {
  let trouble: string | undefined;
  const told: Logger['debug'] = (facts, message) => {
    trouble ??= 'why' in facts ? String(facts.why) : message;
  };
  // Nothing lies under this name.
  await systemKeyring({ debug: told, info: told, warn: told, error: told }, clock).get('doctor');
  return trouble;
}

const SERVICE = 'switchyard';
/** Linux has a second store, in the kernel's memory: what lies there is gone after a restart. */
const LASTING = { linux: { store: 'secret-service' as NapiKeyring.LinuxStore } };
/** One that waits for somebody to unlock it must not hold up a call for ever. */
const PATIENCE_MS = 5000;
/** One that does not answer is asked again after so long: it may have been unlocked. */
const REST_MS = 60_000;

/** Loaded when first used: most proxies never keep a login. */
export function systemKeyring(log: Logger, clock: Clock): Keyring {
  let loaded: Promise<typeof NapiKeyring | undefined> | undefined;
  const load = (): Promise<typeof NapiKeyring | undefined> =>
    (loaded ??= import('@napi-rs/keyring').catch((error: unknown) => {
      log.debug({ why: messageOf(error) }, 'there is no keyring for this system');
      return undefined;
    }));
  let restsUntil = -Infinity;

  async function attempt<Result>(
    account: string,
    work: (entry: NapiKeyring.AsyncEntry, signal: AbortSignal) => Promise<Result>,
  ): Promise<Result | undefined> {
    const keyring = clock.now() < restsUntil ? undefined : await load();
    if (!keyring) return undefined;
    try {
      const signal = AbortSignal.timeout(PATIENCE_MS);
      const late = new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => reject(new Error('the keyring does not answer')), {
          once: true,
        });
      });
      return await Promise.race([work(new keyring.AsyncEntry(SERVICE, account, LASTING), signal), late]);
    } catch (error) {
      restsUntil = clock.now() + REST_MS;
      log.debug({ why: messageOf(error) }, 'the keyring cannot be used');
      return undefined;
    }
  }

  return {
    get: async (account) =>
      (await attempt(account, (entry, signal) => entry.getPassword(signal))) ?? undefined,
    set: async (account, secret) =>
      (await attempt(account, async (entry, signal) => {
        try {
          await entry.setPassword(secret, signal);
          return true;
        } catch (error) {
          // Some take no more than 2.5 KB; others are read from it still.
          log.debug({ why: messageOf(error) }, 'the keyring does not take a login');
          return false;
        }
      })) ?? false,
    delete: async (account) => {
      await attempt(account, (entry, signal) => entry.deleteCredential(signal));
    },
  };
}
