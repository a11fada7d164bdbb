/**
 * Values that a client carries for us and must be able neither to read nor to change: request states, task ids.
 *
 * AES-256-GCM; bound to one client and one purpose; expiring. What does not open is treated as unknown.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const IV_BYTES = 12;
const TAG_BYTES = 16;

export interface SealContext {
  /** Only the same client can bring it back. */
  readonly clientId: string;
  /** The use (`task`, `state tools/call NAME`): a value sealed for one use is worthless for another. */
  readonly purpose: string;
}

export class Sealer {
  readonly #key: Buffer;
  readonly #timeOfDay: () => number;

  /** @param key 32 bytes. @param timeOfDay milliseconds since 1970: sealed values outlive this process. */
  constructor(key: Buffer, timeOfDay: () => number) {
    this.#key = key;
    this.#timeOfDay = timeOfDay;
  }

  seal(value: unknown, context: SealContext, ttlMs: number): string {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key, iv);
    cipher.setAAD(associated(context));
    const plain = JSON.stringify([this.#timeOfDay() + ttlMs, value]);
    const sealed = Buffer.concat([iv, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return sealed.toString('base64url');
  }

  /** @returns the value, or `undefined` where the text is not ours, not this client's, or too old. */
  open(text: string, context: SealContext): unknown {
    const sealed = Buffer.from(text, 'base64url');
    // Decoding ignores what is not base64url: only the exact text that we gave out counts.
    if (sealed.length <= IV_BYTES + TAG_BYTES || sealed.toString('base64url') !== text) return undefined;
    const decipher = createDecipheriv('aes-256-gcm', this.#key, sealed.subarray(0, IV_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(associated(context));
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
    let plain: string;
    try {
      plain =
        decipher.update(sealed.subarray(IV_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
    } catch {
      // Not authentic: a wrong client, a wrong purpose or a changed text all look the same, and shall.
      return undefined;
    }
    const [expires, value] = JSON.parse(plain) as [number, unknown];
    return this.#timeOfDay() <= expires ? value : undefined;
  }
}

function associated({ clientId, purpose }: SealContext): Buffer {
  return Buffer.from(JSON.stringify([clientId, purpose]));
}
