/** Arguments → a command's input, by what the command declares. */
import { parseArgs } from 'node:util';
import { nearest } from '../core/nearest.ts';
import { type Command, type Option, Options } from './command.ts';
import { COMMON_OPTIONS } from './command.ts';
import { UsageError } from './command.ts';

export interface Arguments {
  readonly common: Options;
  readonly options: Options;
  readonly positionals: readonly string[];
  readonly rest: readonly string[];
}

/** @throws UsageError with the option or the word that is wrong, and a guess. */
export function parseArguments(command: Command, args: readonly string[]): Arguments {
  const end = args.indexOf('--');
  const own = end < 0 ? args : args.slice(0, end);
  const declared = new Map<string, Option>(Object.entries({ ...command.options, ...COMMON_OPTIONS }));
  const help = `See switchyard ${command.name} --help.`;
  const { tokens, values, positionals } = parseArgs({
    args: [...own],
    strict: false,
    tokens: true,
    options: Object.fromEntries(
      [...declared].map(([name, { type, multiple = false, short }]) => [
        name,
        { type, multiple, ...(short === undefined ? {} : { short }) },
      ]),
    ),
  });
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const option = declared.get(token.name);
    if (!option)
      throw new UsageError(
        `Unknown option ${token.rawName}.${meantBehind(command, own, tokens, token) ?? guess(token.name, declared)} ${help}`,
      );
    if (option.type === 'string' && (token.value === undefined || looksLikeOption(token)))
      throw new UsageError(
        `${token.rawName} needs a value: ${token.rawName} ${option.value ?? 'VALUE'}. ${help}`,
      );
    if (option.type === 'boolean' && token.value !== undefined)
      throw new UsageError(`${token.rawName} takes no value, got "${token.value}". ${help}`);
  }
  const [unexpected] = positionals;
  if (unexpected !== undefined && !command.positionals)
    throw new UsageError(`Unexpected argument "${unexpected}". ${help}`);
  const given = new Map(Object.entries(values));
  return {
    common: new Options(new Map([...given].filter(([name]) => Object.hasOwn(COMMON_OPTIONS, name)))),
    options: new Options(given),
    positionals,
    rest: end < 0 ? [] : args.slice(end + 1),
  };
}

type Token = { readonly kind: string; readonly index: number; readonly value?: string | undefined };

/** `add NAME npx -y`: an option of the program to be added, without the `--` before it. */
function meantBehind(
  { name, takes }: Command,
  args: readonly string[],
  tokens: readonly Token[],
  { index }: Token,
): string | undefined {
  const [first, program] = tokens.filter(({ kind }) => kind === 'positional');
  if (!takes.includes('-- COMMAND') || !first || !program || index < program.index) return undefined;
  if (/:\/\//.test(program.value ?? '')) return undefined;
  return ` A command stands behind --: switchyard ${name} ${first.value} -- ${args.slice(program.index).join(' ')}`;
}

/** `--config --http`: the value was forgotten; `--tags=-slow` is a value, and so is `--tags -slow`. */
function looksLikeOption({
  value,
  inlineValue,
}: {
  value?: string | undefined;
  inlineValue?: boolean | undefined;
}): boolean {
  return inlineValue !== true && value?.startsWith('--') === true;
}

function guess(name: string, declared: ReadonlyMap<string, Option>): string {
  const near = nearest(name, declared.keys());
  return near === undefined ? '' : ` Did you mean --${near}?`;
}
