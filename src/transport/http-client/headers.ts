/** The header fields of a response. */

/** By names in lower case. Of responses with the same fields they may be the same object. */
export type ResponseHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** The first value of a header field. */
export function headerOf(headers: ResponseHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : value?.[0];
}

/** What is said of the body. */
export interface BodyKind {
  /** In lower case and without parameters; empty where nothing is said. */
  readonly mediaType: string;
  /** In lower case; empty where there is none. */
  readonly encoding: string;
  /** `NaN` where it is not said. */
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
