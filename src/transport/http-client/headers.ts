/** Readings of a response's header fields that more than one part asks for. */
import type { ResponseHeaders } from '../http1/fields.ts';

/** The first value of a header field. */
export function headerOf(headers: ResponseHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : value?.[0];
}

/** The body as its header fields describe it. */
export interface BodyKind {
  /** In lower case and without parameters; empty where there is none. */
  readonly mediaType: string;
  /** In lower case; empty where there is none. */
  readonly encoding: string;
  /** `NaN` where the length is not given. */
  readonly bytes: number;
}

const known = new WeakMap<ResponseHeaders, BodyKind>();

export function bodyKindOf(headers: ResponseHeaders): BodyKind {
  const before = known.get(headers);
  if (before) return before;
  const encoding = headerOf(headers, 'content-encoding')?.trim().toLowerCase() ?? '';
  const kind: BodyKind = {
    mediaType: (headerOf(headers, 'content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '',
    encoding: encoding === 'identity' ? '' : encoding,
    bytes: Number(headerOf(headers, 'content-length')),
  };
  known.set(headers, kind);
  return kind;
}
