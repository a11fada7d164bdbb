/** Tells names of secrets, as `DB_PASSWORD`, `apiKey` and `client_secret`, from names that look alike, as `max_tokens`. */

/** The certainty of a name: `yes`, or only if the value does not look like an ordinary word. */
export type Secrecy = 'yes' | 'by its value' | 'no';

/** Matches words alone or at the end of a longer word, as in `PGPASSWORD` and `accesstoken`. */
const SECRET =
  /(?:password|passwd|passphrase|passcode|passwort|secret|token|apikey|(?:api|secret|private|access|auth)key|credential|jwt)(s?)$/;
/** These words are ordinary if they stand alone. */
const SECRET_BESIDE_OTHERS: ReadonlySet<string> = new Set(['pass', 'pwd', 'pw', 'pat', 'auth', 'cookie']);
const PASSWORDS: ReadonlySet<string> = new Set([
  'password',
  'passwd',
  'passphrase',
  'passcode',
  'passwort',
  'pwd',
]);

/** A key with one of these words before it opens something. */
const KINDS_OF_KEY: ReadonlySet<string> = new Set(
  'api access account admin app auth client deploy encryption hmac license master private secret service session shared signing ssh storage subscription webhook'.split(
    ' ',
  ),
);
/** A key with one of these words before it is public. */
const OPEN_KEYS: ReadonlySet<string> = new Set(
  'public primary foreign sort partition cache index hot shortcut object map dict registry unique composite lookup group config missing duplicate invalid unknown'.split(
    ' ',
  ),
);
/** A name with one of these words says something about a secret, and holds none. */
const ABOUT: ReadonlySet<string> = new Set(
  'age alg algorithm at count counter endpoint enabled env error expired expires expiration expiry field file filename format header in index kind len length lifetime limit location manager max method min name offset path policy position prefix provider required reset scheme size status store storage ttl type uri url usage used valid variable version id'.split(
    ' ',
  ),
);
/** These words show that tokens are pieces of text. */
const PIECES: ReadonlySet<string> = new Set(
  'max min num n number total prompt completion input output reasoning cached used remaining stop pad eos bos unk mask next unexpected special first last estimated count per budget thinking'.split(
    ' ',
  ),
);
/** These parameters of a URL's query open something. */
const IN_QUERIES: ReadonlySet<string> = new Set(
  'key code sig signature auth pass pwd pw assertion ticket otp sid session sessionid state hash'.split(' '),
);

/** @param inQuery the name stands in the query of a URL. */
export function secrecyOf(name: string, inQuery = false): Secrecy {
  const words = wordsOf(name);
  if (inQuery && IN_QUERIES.has(words.at(-1) ?? '')) return 'yes';
  for (let i = words.length - 1; i >= 0; i--) {
    const word = words[i] as string;
    if (!isSecret(words, i, name)) continue;
    const about = words.slice(i + 1);
    if (about.some((one) => ABOUT.has(one))) return inQuery && word === 'secret' ? 'yes' : 'no';
    if (/tokens?$/.test(word) && words.slice(0, i).some((one) => PIECES.has(one))) return 'no';
    return words.length > 1 || name === name.toUpperCase() || !/^[a-z]+$/i.test(name)
      ? 'yes'
      : 'by its value';
  }
  return 'no';
}

/** Passwords are mentioned in prose, but the text behind the word is seldom prose. */
export function isPassword(name: string): boolean {
  return PASSWORDS.has(name.toLowerCase());
}

function isSecret(words: readonly string[], i: number, name: string): boolean {
  const word = words[i] as string;
  if (SECRET.test(word) || word === 'pwd') return true;
  if (SECRET_BESIDE_OTHERS.has(word)) return words.length > 1;
  if (word !== 'key' && word !== 'keys') return false;
  const before = words[i - 1] ?? '';
  if (KINDS_OF_KEY.has(before)) return true;
  // OPENAI_KEY, STRIPE_KEY.
  return i > 0 && name === name.toUpperCase() && !OPEN_KEYS.has(before);
}

function wordsOf(name: string): string[] {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');
}
