import { ConfigError } from '../config-error.ts';
import { formatOf, parseConfigText } from '../text/parse-config-text.ts';
import { topKeys } from '../schema/top-keys.ts';
import { plainValue } from '../text/tree.ts';
import { claudeCode } from './clients/claude-code.ts';
import { claudeDesktop } from './clients/claude-desktop.ts';
import type {
  ClientContext,
  ClientDialect,
  ClientFile,
  ClientServers,
  ClientTable,
} from './client-dialect.ts';
import { cline } from './clients/cline.ts';
import { codex } from './clients/codex.ts';
import { continueDialect } from './clients/continue.ts';
import { copilot } from './clients/copilot.ts';
import { cursor } from './clients/cursor.ts';
import { gemini } from './clients/gemini.ts';
import { goose } from './clients/goose.ts';
import { junie } from './clients/junie.ts';
import { lmstudio } from './clients/lmstudio.ts';
import { opencode } from './clients/opencode.ts';
import { asTable } from './values.ts';
import { vscode } from './clients/vscode.ts';
import { windsurf } from './clients/windsurf.ts';
import { zed } from './clients/zed.ts';

export const dialects: readonly ClientDialect[] = [
  claudeDesktop,
  cursor,
  vscode,
  windsurf,
  zed,
  cline,
  continueDialect,
  codex,
  gemini,
  junie,
  opencode,
  lmstudio,
  goose,
  copilot,
  claudeCode,
];

export interface ClientFileContext extends ClientContext {
  /** The name for messages; its ending tells the format. */
  readonly path: string;
}

/** Reads a client's file. For importing as well as for serving. @throws ConfigError if the text cannot be parsed. */
export function readClientConfig(
  dialect: ClientDialect,
  text: string,
  context: ClientFileContext,
): ClientServers {
  const source = { name: context.path, folder: context.cwd };
  const { root, errors } = parseConfigText(text, formatOf(context.path, text), source);
  if (root === undefined) throw new ConfigError(errors);
  return dialect.read(asTable(plainValue(root)) ?? new Map(), context);
}

/**
 * The client whose file this is, or undefined for one of ours.
 *
 * Its name and folder tell first, ours included (`switchyard.*`); then a top-level key that only our files
 * have; then a shape that only one client has. `mcpServers` alone is ours, and so checked strictly.
 */
export function detectDialect(path: string, root: ClientTable): ClientDialect | undefined {
  const parts = path.split(/[\\/]/);
  const name = parts.at(-1) ?? '';
  if (/^switchyard\./i.test(name)) return undefined;
  const named = dialects.find((dialect) => dialect.files.some((file) => isAt(parts, dialect, file)));
  if (named !== undefined) return named;
  const ours = [...root.keys()].some(
    (key) => Object.hasOwn(topKeys, key) && key !== 'mcpServers' && key !== '$schema',
  );
  return ours ? undefined : dialects.find((dialect) => dialect.hasShape?.(root));
}

/** At its place, or a copy named after the client: `gemini.settings.json`. */
function isAt(parts: readonly string[], dialect: ClientDialect, file: ClientFile): boolean {
  const name = parts.at(-1) ?? '';
  const label = name.split('.', 1).join('');
  if (label.includes(dialect.id) && name.endsWith(`.${file.name.replace(/^\./, '')}`)) return true;
  if (file.name !== '*' && name !== file.name) return false;
  if (file.folder === undefined) return true;
  return `/${parts.slice(0, -1).join('/')}`.endsWith(`/${file.folder}`);
}
