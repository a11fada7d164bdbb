/** Makes the words of a downstream server's stderr fit to be shown. */

import { REDACTED, withoutSecretForms } from './secret-forms.ts';

/** Shorter values (`1`, `true`, `dev`) are no secrets, and replacing them would only garble the text. */
const SHORTEST_SECRET = 5;

// oxlint-disable-next-line no-control-regex -- they are what is looked for
const ANSI_SEQUENCE = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-_])/g;
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** Returns a function that removes these values, everything in the form of a secret, and terminal control sequences. */
export function redactor(secrets: readonly string[]): (text: string) => string {
  // Text comes line by line, so that a key over several lines has to be known by its lines.
  const plain = secrets
    .flatMap((secret) => [secret, ...secret.split(/\r?\n/)])
    .filter((secret) => secret.length >= SHORTEST_SECRET);
  const values = [...new Set(plain.flatMap(spellings))]
    // A secret that contains another one goes first.
    .sort((a, b) => b.length - a.length);
  return (text) => {
    let clean = text.replace(ANSI_SEQUENCE, '').replace(CONTROL, '');
    for (const value of values) clean = clean.replaceAll(value, REDACTED);
    return withoutSecretForms(clean);
  };
}

/** The value as it is, as it is spelt within JSON (as in a log line), and within a URL. */
function spellings(secret: string): string[] {
  // A lone surrogate cannot be spelt in a URL.
  const whole = secret.replaceAll(/\p{Cs}/gu, '\ufffd');
  return [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(whole)];
}

const STACK_FRAME = /^\s*at\s|^node:internal|^Node\.js v|^\s*\^+\s*$/;
const POSIX_PATH = /(?<![\w:/.])(?:file:\/\/)?(?:\/[\w.@+~-]+)+(?=\/)/g;
const WINDOWS_PATH = /\b[A-Za-z]:(?:\\[\w.@+~ -]+)+(?=\\)/g;

/** Joins the last lines into one short sentence part: no stack frames, and only the last part of paths. */
export function lastWords(text: string, lines = 5, characters = 800): string {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '' && !STACK_FRAME.test(line))
    .slice(-lines)
    .map((line) => line.trim().slice(0, 300).replace(POSIX_PATH, '…').replace(WINDOWS_PATH, '…'))
    .join(' | ')
    .slice(-characters);
}
