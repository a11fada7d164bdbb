/** How a raw client's messages travel. Texts are latin1: one character a byte, so that UTF-8 is neither decoded nor encoded. */
export interface Wire {
  /** `name`: what the call names, which modern HTTP repeats in a header. */
  send(body: string, method: string, name: string | undefined): void;
  close(): void;
}

/** Opens a wire; `message` gets every message that comes. */
export type OpenWire = (message: (text: string) => void) => Wire;

/** UTF-8 bytes as latin1 text. */
export function bytesOf(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
