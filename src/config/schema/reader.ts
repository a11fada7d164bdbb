/**
 * The types of config keys. A key is declared once, with all that is known about it; the types of a file and of a
 * checked config, the defaults, the reference page and the JSON Schema are derived from the declaration.
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

/** The form of a value in a file. */
export type Look =
  | { readonly kind: 'section'; readonly keys: Keys; readonly former: ReadonlyMap<string, Former> }
  | { readonly kind: 'table' | 'list'; readonly of: AnyReader }
  | { readonly kind: 'text' | 'flag' | 'object' | 'share' }
  | { readonly kind: 'count' | 'duration' | 'size'; readonly min: number; readonly max?: number }
  | { readonly kind: 'choice'; readonly names: readonly string[]; readonly aliases: readonly string[] };

/** A key of an earlier version, which `load/former-keys.ts` takes out with a warning. */
export interface Former {
  /** A sentence that says what holds instead; or the path, from the top of the file, where the value belongs now. */
  readonly now: string | readonly string[];
}

/** The documentation of a key. */
export interface Note {
  /** A sentence without its full stop. */
  readonly doc: string;
  /** The default in words, where it is no value that one could write. */
  readonly without?: string;
  readonly example?: unknown;
}

/** `given`: the file must have the key; `filled`: it has a default; `optional`: a checked config may lack it. */
type Presence = 'given' | 'filled' | 'optional';

export interface Key<Input, Filled = Input, Has extends Presence = Presence> {
  readonly reader: Reader<Input, Filled>;
  readonly note: Note;
  readonly has: Has;
  /** The default value. A section has `{}`: its keys have defaults of their own. */
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

/** The type of a section in a file. */
export type InputOf<All extends Keys> = {
  readonly [Name in NamesOf<All, 'given'>]: InputOfKey<All[Name]>;
} & { readonly [Name in NamesOf<All, 'filled' | 'optional'>]?: InputOfKey<All[Name]> | undefined };

/** The type of a section with its defaults. */
export type FilledOf<All extends Keys> = {
  readonly [Name in NamesOf<All, 'given' | 'filled'>]: FilledOfKey<All[Name]>;
} & { readonly [Name in NamesOf<All, 'optional'>]?: FilledOfKey<All[Name]> };
