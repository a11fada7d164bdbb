/**
 * What the keys of a config are made of, as types. A key is told once, with all that is known about it; what a file may
 * hold, what a checked config holds, the reference page and the JSON Schema are made of that.
 *
 * Nothing here names zod: these types are part of the library's declarations, whose users do not have it.
 */

declare const filled: unique symbol;

/** Reads a value. `Input` is what a file may hold, `Filled` the same with its defaults. */
export interface Reader<Input, Filled = Input> {
  readonly look: Look;
  /** A zod schema that gives `Input`; `zodOf` has its type. */
  readonly schema: unknown;
  readonly [filled]?: readonly [Input, Filled];
}

/** What a value looks like in a file. */
export type Look =
  | { readonly kind: 'section'; readonly keys: Keys; readonly former: ReadonlyMap<string, Former> }
  | { readonly kind: 'table' | 'list'; readonly of: AnyReader }
  | { readonly kind: 'text' | 'flag' | 'object' | 'share' }
  | { readonly kind: 'count' | 'duration' | 'size'; readonly min: number; readonly max?: number }
  | { readonly kind: 'choice'; readonly names: readonly string[]; readonly aliases: readonly string[] };

/** A key that there was. It is taken out with a warning: see `former-keys.ts`. */
export interface Former {
  /** The sentence that says what holds instead; or the path, from the top of the file, where its value belongs now. */
  readonly now: string | readonly string[];
}

/** What people are told about a key. */
export interface Note {
  /** A sentence without its full stop. */
  readonly doc: string;
  /** What holds without the key, where it is no value that one could write. */
  readonly without?: string;
  readonly example?: unknown;
}

/** Whether a checked config has the key: always (`given` in the file, or `filled` with its default), or not. */
type Presence = 'given' | 'filled' | 'optional';

export interface Key<Input, Filled = Input, Has extends Presence = Presence> {
  readonly reader: Reader<Input, Filled>;
  readonly note: Note;
  readonly has: Has;
  /** What holds without the key; of a section only that it is always there. */
  readonly byDefault: unknown;
}

// Any key: both of its types stand in places where only `any` takes all.
// oxlint-disable-next-line typescript/no-explicit-any
export type AnyReader = Reader<any, any>;
// oxlint-disable-next-line typescript/no-explicit-any
type AnyKey = Key<any, any>;

export type Keys = Readonly<Record<string, AnyKey>>;

type NamesOf<All extends Keys, Has extends Presence> = {
  [Name in keyof All]: All[Name] extends { readonly has: Has } ? Name : never;
}[keyof All];

type InputOfKey<One> = One extends Key<infer Input, infer _> ? Input : never;
type FilledOfKey<One> = One extends Key<infer _, infer Filled> ? Filled : never;

/** What a section of a file may hold. */
export type InputOf<All extends Keys> = {
  readonly [Name in NamesOf<All, 'given'>]: InputOfKey<All[Name]>;
} & { readonly [Name in NamesOf<All, 'filled' | 'optional'>]?: InputOfKey<All[Name]> | undefined };

/** The same with what holds by default. */
export type FilledOf<All extends Keys> = {
  readonly [Name in NamesOf<All, 'given' | 'filled'>]: FilledOfKey<All[Name]>;
} & { readonly [Name in NamesOf<All, 'optional'>]?: FilledOfKey<All[Name]> };
