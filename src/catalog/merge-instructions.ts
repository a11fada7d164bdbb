/**
 * The servers' instructions as one text, each under its server's name, below a line that names all servers.
 *
 * Clients show a part of it only: some the first line and of that no more than 250 characters, some 2,048 characters
 * of the whole. So the first line stands whether a server is up or not, and the text is bounded: what is longest is
 * cut first, and a line says what was cut.
 */
export interface InstructionsOptions {
  /** The names of all servers of the config, whether they are up or not, in order. */
  readonly servers: readonly string[];
  /** Names of tools begin with their server's. */
  readonly prefix: boolean;
}

export interface InstructionsPart {
  readonly server: string;
  readonly instructions: string | undefined;
}

/** Bounds the whole text. */
const MOST = 2000;
const FIRST_LINE = 249;
const CUT_LINE = 240;
const NAME = 60;
/** Less of a text than this is of no use. */
const LEAST = 40;
const GAP = '\n\n';

export function mergeInstructions(
  parts: readonly InstructionsPart[],
  { servers, prefix }: InstructionsOptions,
): string | undefined {
  const texts = parts.flatMap(({ server, instructions }) => {
    const text = instructions?.trim() ?? '';
    return text === '' ? [] : [{ server, text }];
  });
  // Nothing is merged, and nothing of it is renamed.
  if (servers.length === 1 && !prefix) return texts[0] && parts[0]?.instructions;
  if (servers.length === 0) return undefined;
  const first = firstLine(servers, prefix);
  const whole = [first, ...texts.map(section)].join(GAP);
  if (whole.length <= MOST) return whole;
  const kept = fitted(texts, MOST - first.length - CUT_LINE - 2 * GAP.length);
  const cut = texts.filter((one) => kept.get(one) !== one.text).map(({ server }) => server);
  const line = listed('Shortened here, since clients show no more: the instructions of ', cut, '.', CUT_LINE);
  return [
    first,
    line,
    ...texts.flatMap((one) => {
      const text = kept.get(one);
      return text === undefined ? [] : [section({ server: one.server, text })];
    }),
  ].join(GAP);
}

interface Text {
  readonly server: string;
  readonly text: string;
}

function firstLine(servers: readonly string[], prefix: boolean): string {
  const head = `Tools of ${servers.length} ${servers.length === 1 ? 'server' : 'servers'}: `;
  return listed(head, servers, prefix ? '; names are server__tool.' : '.', FIRST_LINE);
}

/** As many of the names as fit, and how many there are beside them. */
function listed(head: string, names: readonly string[], tail: string, most: number): string {
  const shown = names.map((name) => bounded(name.replace(/\s+/g, ' '), NAME));
  for (let count = shown.length; count > 0; count--) {
    const more = count < shown.length ? ` and ${shown.length - count} more` : '';
    const line = `${head}${shown.slice(0, count).join(', ')}${more}${tail}`;
    if (line.length <= most) return line;
  }
  return `${head}${shown.length}${tail}`;
}

/** Equal shares of the room; what one does not need the others have. A text that is not there had no share worth having. */
function fitted(texts: readonly Text[], room: number): ReadonlyMap<Text, string> {
  const byLength = [...texts].sort((a, b) => a.text.length - b.text.length);
  while (byLength.length > 1 && leastOf(byLength) > room) byLength.pop();
  const kept = new Map<Text, string>();
  let left = room;
  for (const [index, one] of byLength.entries()) {
    const share = Math.floor(left / (byLength.length - index)) - overhead(one);
    const text = bounded(one.text, Math.max(share, 0));
    kept.set(one, text);
    left -= text.length + overhead(one);
  }
  return kept;
}

function leastOf(texts: readonly Text[]): number {
  return texts.reduce((sum, one) => sum + overhead(one) + Math.min(LEAST, one.text.length), 0);
}

function overhead(text: Text): number {
  return section({ ...text, text: '' }).length + GAP.length;
}

function section({ server, text }: Text): string {
  return `## ${bounded(server.replace(/\s+/g, ' '), NAME)}${GAP}${text}`;
}

/** Cut between words where one ends near, and never within a character. */
function bounded(text: string, most: number): string {
  if (text.length <= most) return text;
  const cut = text.slice(0, Math.max(0, most - 1)).replace(/[\uD800-\uDBFF]$/, '');
  const words = cut.replace(/\s+\S{0,20}$/, '');
  return `${words.trimEnd() || cut}…`;
}
