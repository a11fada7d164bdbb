/** Finds the secrets in what the config says of a server: header fields, addresses and command lines. */
import { percentDecoded } from '../percent-decoding.ts';
import { isCount, isSecretHeader, secretsIn } from './secret-forms.ts';
import { secrecyOf } from './secret-keys.ts';

/** Returns the value, and every part of it that a server may repeat alone. */
export function headerSecrets(name: string, value: string): string[] {
  const secret = isSecretHeader(name);
  const [, scheme = '', token = ''] = /^([\w-]+)\s+(\S.*)$/s.exec(value.trim()) ?? [];
  const hasToken = scheme !== '' && (secret || (!/\s/.test(token) && !isWord(token)));
  return [
    value,
    ...(hasToken ? [token] : []),
    ...(/^basic$/i.test(scheme) ? basicSecrets(token) : []),
    ...pairSecrets(value, secret),
  ];
}

/** Returns the password, the user where it stands alone (a token, mostly), both as they are sent, and what the query names as secrets. */
export function urlSecrets(url: string): string[] {
  const [, userInfo, rest = ''] = /^[a-z][\w+.-]*:\/\/(?:([^/?#\s]*)@)?(.*)$/is.exec(url) ?? [];
  const colon = userInfo?.indexOf(':') ?? -1;
  const password = userInfo?.slice(colon + 1) ?? '';
  const user = colon < 0 ? '' : (userInfo?.slice(0, colon) ?? '');
  const pair =
    colon < 0 ? `${percentDecoded(password)}:` : `${percentDecoded(user)}:${percentDecoded(password)}`;
  const own = password === '' ? user : password;
  const sent = userInfo === undefined ? [] : [pair, Buffer.from(pair).toString('base64')];
  return [own, percentDecoded(own), ...sent, ...querySecrets(rest)];
}

/** Finds the secrets in a command line: by the names of options and variables, and by the forms of texts. */
export function secretArguments(args: readonly string[]): string[] {
  return args.flatMap((arg, i) => {
    const option = OPTION.exec(arg)?.groups;
    if (!option) return textSecrets(arg);
    const { name = '', value, attached } = option;
    const next = args[i + 1];
    const own = value ?? (next?.startsWith('-') ? undefined : next);
    const isNamed = attached === undefined && SECRET_OPTION.test(name) && own !== undefined;
    return [
      ...(isNamed && !isCount(name, own) ? [own] : []),
      ...textSecrets(arg.replace(/^-+/, '')),
      // A short option may have its value right behind it: `-eNAME=X`, `-HName:X`.
      ...(arg.startsWith('--') ? [] : textSecrets(arg.slice(2))),
    ];
  });
}

const OPTION = /^--?(?<name>[\w.-]+)(?:=(?<value>.+)|(?<attached>.+))?$/s;
const SECRET_OPTION = /(?:key|token|secret|password|passwd|credentials?|auth(?![a-z]))/i;
/** Matches `NAME=X` and `Name: X`, the whole of it: here the value may hold spaces. */
const NAMED = /^(?<name>[\w.-]+)(?<sign>[=:])\s*(?<value>.+)$/s;
const ADDRESSES = /\b[a-z][a-z0-9+.-]{0,20}:\/\/[^\s"'<>]+/gi;
const DEEPEST = 8;

function textSecrets(text: string, depth = 0): string[] {
  const { name = '', sign, value = '' } = NAMED.exec(text)?.groups ?? {};
  return [
    ...(isSecretName(name, value) ? headerSecrets(name, value) : []),
    ...(sign === '=' && depth < DEEPEST ? textSecrets(value, depth + 1) : []),
    ...[...text.matchAll(ADDRESSES)].flatMap(([address]) => urlSecrets(address)),
    ...jsonSecrets(text, depth),
    ...secretsIn(text),
  ];
}

function jsonSecrets(text: string, depth: number): string[] {
  if (depth >= DEEPEST || !/^\s*[[{"]/.test(text)) return [];
  try {
    return memberSecrets('', JSON.parse(text), depth + 1);
  } catch {
    return [];
  }
}

function memberSecrets(name: string, value: unknown, depth: number): string[] {
  if (typeof value === 'string')
    return [...(isSecretName(name, value) ? headerSecrets(name, value) : []), ...textSecrets(value, depth)];
  if (typeof value === 'number') return isSecretName(name, String(value)) ? [String(value)] : [];
  if (typeof value !== 'object' || value === null || depth >= DEEPEST) return [];
  const isList = Array.isArray(value);
  return Object.entries(value).flatMap(([key, inner]) =>
    memberSecrets(isList ? name : key, inner, depth + 1),
  );
}

/** `KEY` and `auth` alone are names of much, so that the value has to look like a secret. */
function isSecretName(name: string, value: string): boolean {
  return isSecretHeader(name) || secrecyOf(name, !/\s/.test(value) && !isWord(value)) !== 'no';
}

function isWord(text: string): boolean {
  return /^[A-Za-z]?[a-z-]{0,19}$/.test(text);
}

/** @param all the values are secrets whatever their names, as in a cookie. */
function pairSecrets(value: string, all: boolean): string[] {
  return [...value.matchAll(/(?<![\w.-])([\w.-]+)=(?:"([^"]*)"|([^;,\s]*))/g)].flatMap(
    ([, name = '', quoted, bare = '']) => {
      const found = quoted ?? bare;
      return all || secrecyOf(name, true) !== 'no' ? [found, percentDecoded(found)] : [];
    },
  );
}

function querySecrets(rest: string): string[] {
  return [...rest.matchAll(/[?&;#]([^=&;#]+)=([^&#]*)/g)].flatMap(([, name = '', value = '']) =>
    secrecyOf(percentDecoded(name), true) === 'no'
      ? []
      : [value, percentDecoded(value), percentDecoded(value.replaceAll('+', ' '))],
  );
}

function basicSecrets(token: string): string[] {
  const pair = Buffer.from(token, 'base64').toString();
  const colon = pair.indexOf(':');
  if (colon < 0) return [];
  const password = pair.slice(colon + 1);
  return [pair, password === '' ? pair.slice(0, colon) : password];
}
