/** Reads the given files and lays them over one another. What the values mean is not looked at yet. */
import { clientFiles } from '../client-places.ts';
import { type ConfigProblem, problemLine } from '../config-error.ts';
import type { ClientDialect, ClientServers } from '../dialects/client-dialect.ts';
import { detectDialect, dialects } from '../dialects/dialects.ts';
import { projectFolderOf } from '../dialects/project-folder.ts';
import { type HostEnvironment, pathsOf } from '../folders.ts';
import { issueProblem } from '../schema/issues.ts';
import { formatOf, parseConfigText } from '../text/parse-config-text.ts';
import { problemAt } from '../text/parsed-text.ts';
import { zodOf } from '../schema/fields.ts';
import { topSection } from '../schema/top-keys.ts';
import {
  type ConfigNode,
  plainValue,
  type PlainValue,
  type Source,
  type TableEntry,
  type TableNode,
  treeOf,
  withEntries,
} from '../text/tree.ts';
import { errorCode } from '../variables.ts';
import { withoutFormerKeys } from './former-keys.ts';

export interface ConfigSources {
  /** The files as shown to people, in the order given. */
  readonly names: readonly string[];
  /** Our own top-level keys but `mcpServers`, the later file's over the earlier's, key by key. */
  readonly top: TableNode;
  /** Entries in the order in which their keys first appear. A later file replaces the whole entry. */
  readonly servers: ReadonlyMap<string, ServerSource>;
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly string[];
}

interface ServerSource {
  readonly node: ConfigNode;
  /** Faults of an entry from a client's own file cost this server only. */
  readonly ofClient: boolean;
}

export interface SourceContext extends HostEnvironment {
  /** @throws if it cannot be read. */
  readonly readFile: (path: string) => string;
  /** Files that named servers when they were read before. That they now say nothing of servers is an error. */
  readonly named?: ReadonlySet<string> | undefined;
  /** Told of every file that names servers. */
  readonly onNamed?: ((file: string) => void) | undefined;
}

/** The keys under which clients and we keep the servers. */
const SERVER_TABLES = [
  'mcpServers',
  'mcp_servers',
  'servers',
  'context_servers',
  'mcp',
  'extensions',
  'projects',
];
const SAYS_NOTHING =
  'says nothing of servers, and named some before. If there are to be none, say so: "mcpServers": {}.';

export function readSources(files: readonly string[], context: SourceContext): ConfigSources {
  const servers = new Map<string, ServerSource>();
  const problems: ConfigProblem[] = [];
  const warnings: string[] = [];
  const names: string[] = [];
  const paths = pathsOf(context.platform);
  let top: TableNode | undefined;
  for (const given of files) {
    const file = paths.resolve(context.cwd, given);
    const source: Source = { name: shownName(file, context), folder: paths.dirname(file) };
    names.push(source.name);
    const root = readRoot(file, source);
    if (root !== undefined) top = top === undefined ? root : overlayTables(top, root);
  }
  takeImports();
  const empty: TableNode = {
    kind: 'table',
    place: { source: { name: '', folder: context.cwd } },
    entries: new Map(),
  };
  return { names, top: top ?? empty, servers, problems, warnings };

  function readRoot(file: string, source: Source): TableNode | undefined {
    let text: string;
    try {
      text = context.readFile(file);
    } catch (error) {
      problems.push(problemAt({ source }, '', `cannot be read (${errorCode(error)})`));
      return undefined;
    }
    const { root, errors, faults } = parseConfigText(text, formatOf(file, text), source);
    problems.push(...errors);
    if (root === undefined) return undefined;
    const plain = new Map([...root.entries].map(([key, entry]) => [key, plainValue(entry.node)]));
    lookForServers(file, source, plain);
    const dialect = detectDialect(file, plain);
    if (dialect === undefined) {
      problems.push(...faults);
      return readOwn(root);
    }
    const projectFolder = projectFolderOf(file, context);
    const project = projectFolder === undefined ? {} : { projectFolder };
    takeClient(dialect.read(plain, { ...context, ...project, packageOf: packageOf(context) }), source);
    return undefined;
  }

  /** An editor empties a file before it writes it, and a slip of the hand does the same: that ends no server. */
  function lookForServers(file: string, source: Source, plain: ReadonlyMap<string, PlainValue>): void {
    const tables = SERVER_TABLES.map((key) => plain.get(key)).filter((table) => table instanceof Map);
    if (tables.some((table) => table.size > 0)) context.onNamed?.(file);
    else if (tables.length === 0 && context.named?.has(file) === true)
      problems.push(problemAt({ source }, '', SAYS_NOTHING));
  }

  /** Adds the servers of the clients that `imports` names; our own entries of the same name take precedence. */
  function takeImports(): void {
    const imports = top?.entries.get('imports')?.node;
    const named = imports === undefined ? [] : plainValue(imports);
    for (const id of Array.isArray(named) ? named : []) {
      const dialect = dialects.find((one) => one.id === id);
      if (!dialect) continue;
      const places = clientFiles(dialect.id, context);
      const found = places.filter((file) => readImport(file, dialect));
      if (found.length === 0)
        warnings.push(`imports: ${dialect.name} has no file at ${places.join(' or ')}.`);
    }
  }

  /** @returns whether there is such a file. */
  function readImport(file: string, dialect: ClientDialect): boolean {
    const source: Source = { name: shownName(file, context), folder: paths.dirname(file) };
    let text: string;
    try {
      text = context.readFile(file);
    } catch (error) {
      if (context.named?.has(file) === true)
        problems.push(
          problemAt({ source }, '', `cannot be read (${errorCode(error)}), and named servers before.`),
        );
      if (errorCode(error) === 'ENOENT') return false;
      warnings.push(`${source.name}: cannot be read (${errorCode(error)}).`);
      return true;
    }
    const { root, errors } = parseConfigText(text, formatOf(file, text), source);
    if (root === undefined || errors.length > 0) {
      if (context.named?.has(file) === true) problems.push(...errors);
      else warnings.push(...errors.map(problemLine));
      return true;
    }
    const plain = new Map([...root.entries].map(([key, entry]) => [key, plainValue(entry.node)]));
    lookForServers(file, source, plain);
    const read = dialect.read(plain, { ...context, packageOf: packageOf(context) });
    const fresh = new Map([...read.servers].filter(([key]) => !servers.has(key)));
    takeClient({ ...read, servers: fresh }, source);
    return true;
  }

  function readOwn(written: TableNode): TableNode {
    const { node: root, warnings: former } = withoutFormerKeys(written, topSection);
    warnings.push(...former.map(problemLine));
    // Unknown keys are told file by file: laid over one another, the later would hide the earlier.
    const keys = new Map([...root.entries.keys()].map((key) => [key, undefined]));
    const known = zodOf(topSection).safeParse(keys);
    const unknown = known.success ? [] : known.error.issues.filter((issue) => issue.path.length === 1);
    problems.push(...unknown.map((issue) => issueProblem(issue, root, [])));
    const bad = new Map(unknown.map((issue) => [String(issue.path[0]), undefined]));
    const own = root.entries.get('mcpServers')?.node;
    if (own?.kind === 'table') {
      for (const [key, entry] of own.entries) servers.set(key, { node: entry.node, ofClient: false });
    } else if (own !== undefined) {
      problems.push(problemAt(own.place, 'mcpServers', 'expected a table of servers'));
    }
    return withEntries(root, new Map([...bad, ['mcpServers', undefined]]));
  }

  function takeClient(client: ClientServers, source: Source): void {
    for (const [key, input] of client.servers) {
      servers.set(key, { node: treeOf(input, { source }), ofClient: true });
    }
    for (const { name, reason, own } of client.skipped) {
      if (own !== true) warnings.push(`${source.name}: the server "${name}" was skipped: ${reason}.`);
    }
  }
}

/** Tables key by key, anything else as a whole. */
function overlayTables(below: TableNode, above: TableNode): TableNode {
  const entries = new Map<string, TableEntry>(below.entries);
  for (const [key, entry] of above.entries) {
    const before = entries.get(key)?.node;
    const both = before?.kind === 'table' && entry.node.kind === 'table';
    entries.set(key, both ? { ...entry, node: overlayTables(before, entry.node) } : entry);
  }
  return { ...above, entries };
}

/** Relative where the file lies in the working folder, as people gave it or would. */
function shownName(file: string, machine: HostEnvironment): string {
  const paths = pathsOf(machine.platform);
  const relative = paths.relative(machine.cwd, file);
  return relative === '' || relative.startsWith('..') || paths.isAbsolute(relative) ? file : relative;
}

function packageOf(context: SourceContext): (script: string) => string | undefined {
  return (script) => {
    try {
      const paths = pathsOf(context.platform);
      const manifest: unknown = JSON.parse(
        context.readFile(paths.join(paths.dirname(script), '..', 'package.json')),
      );
      if (typeof manifest !== 'object' || manifest === null || !('name' in manifest)) return undefined;
      return typeof manifest.name === 'string' ? manifest.name : undefined;
    } catch {
      return undefined;
    }
  };
}
