/**
 * A client's own config file, read as that client reads it.
 *
 * A reader turns the client's entries into entries of ours (`ServerInput`): strings in our notation of
 * variables, so that what the client would leave alone is escaped and a reference stays a reference. Nothing is
 * expanded here, no file is read, and nothing of the client's own is an error: what cannot be served is skipped,
 * with a reason.
 */
import type { HostEnvironment } from '../folders.ts';
import type { ServerInput } from '../schema/server-keys.ts';
import type { PlainValue } from '../text/tree.ts';
import type { DialectId } from './client-ids.ts';

export type { DialectId };

export interface ClientDialect {
  readonly id: DialectId;
  /** The client's name for people. */
  readonly name: string;
  readonly files: readonly ClientFile[];
  /** Tells whether a file of unknown name is in this dialect: only where the shape leaves no doubt. */
  readonly hasShape?: (root: ClientTable) => boolean;
  readonly read: (root: ClientTable, context: ClientContext) => ClientServers;
}

/** Patterns for the names of a client's files. */
export interface ClientFile {
  readonly name: string;
  /** The folder it must lie in, for names that are not telling: its last part, or last parts with `/`. */
  readonly folder?: string;
}

export type ClientTable = ReadonlyMap<string, PlainValue>;

export interface ClientContext extends HostEnvironment {
  /** The project that the file belongs to; absent for a file of the whole user. Relative paths start there. */
  readonly projectFolder?: string;
  /** Set for servers that move away from the client: a variable for the client's open folder cannot move with them. */
  readonly moves?: true;
  /** The name of the package that a script `…/dist/cli.js` belongs to: how a checkout of Switchyard is told. */
  readonly packageOf?: (script: string) => string | undefined;
}

export interface ClientServers {
  /** Servers in the order of the file. */
  readonly servers: ReadonlyMap<string, ServerInput>;
  readonly skipped: readonly SkippedServer[];
}

export interface SkippedServer {
  readonly name: string;
  /** Completes "was skipped: …". */
  readonly reason: string;
  /** It is Switchyard's own entry: nothing to warn about. */
  readonly own?: true;
}
