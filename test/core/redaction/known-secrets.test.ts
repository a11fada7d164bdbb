import { describe, expect, test } from 'vitest';
import { headerSecrets, secretArguments, urlSecrets } from '../../../src/core/redaction/known-secrets.ts';
import { redactor } from '../../../src/core/redaction/redact.ts';

/** What a server says of it, in words that name nothing. */
const told = (secrets: readonly string[], said: string): string => redactor(secrets)(`I got ${said} today`);
const GONE = 'I got [redacted] today';

describe('the secrets of a command line', () => {
  test.each<[secret: string, ...args: string[]]>([
    ['quartz', '--api-key', 'quartz'],
    ['quartz', '--api-key=quartz'],
    ['quartz', '-e', 'GITHUB_TOKEN=quartz'],
    ['quartz', '-eGITHUB_TOKEN=quartz'],
    ['quartz', '--env', 'DB_PASSWORD=quartz'],
    ['quartz', '--env=NPM_TOKEN=quartz'],
    ['a phrase of four', '-e', 'DB_PASSWORD=a phrase of four'],
    ['quartz9', '-e', 'KEY=quartz9'],
    ['quartz', '--header', 'Authorization: Bearer quartz'],
    ['quartz', '--header=Authorization: Bearer quartz'],
    ['quartz', '-H', 'authorization:Token quartz'],
    ['quartz', '-HAuthorization: Bearer quartz'],
    ['quartz', '--header=X-API-Key:quartz'],
    ['quartz', '--header', 'Cookie: a=1; sid=quartz'],
    ['joe:quartz', '--header', `Authorization: Basic ${btoa('joe:quartz')}`],
    ['quartz', 'postgres://joe:quartz@db.example/x'],
    ['qu@rtz', 'mongodb://joe:qu%40rtz@a.example:1,b.example:2/x'],
    ['50%off', '--db=postgres://joe:50%off@db.example/x'],
    ['quartz', 'https://quartz@mcp.example/'],
    ['quartz', 'https://mcp.example/?mode=fast&api_key=quartz'],
    ['quartz', '--url=wss://mcp.example/?key=quartz'],
    ['quartz', 'apiKey=quartz'],
    ['quartz', '--config', '{"apiKey":"quartz"}'],
    ['qu"artz', '--config={"servers":[{"password":"qu\\"artz"}]}'],
    ['quartz', '{"headers":{"Authorization":"Bearer quartz"}}'],
    ['quartz', '{"db":"mysql://joe:quartz@db.example/x"}'],
    ['quartz', JSON.stringify(JSON.stringify({ accessToken: 'quartz' }))],
    ['31415926', '{"pin":1,"passcode":31415926}'],
    ['quartz', "{ clientSecret: 'quartz' }"],
  ])('hold %s where the arguments are $1 $2', (secret, ...args) => {
    expect(told(secretArguments(['-y', 'some-package', ...args]), secret)).toBe(GONE);
  });

  test('hold nothing where nothing is said to be one', () => {
    const args =
      '-y @scope/server-files@1.2.3 --root /home/joe/files --env MODE=production -e LOCALE=german --max-tokens=100000 https://mcp.example/v1?mode=readonly --header Accept-Language:english {"region":"europe","maxTokens":"unlimited"} image@sha256:abcdef key=letters'.split(
        ' ',
      );
    expect(secretArguments(args).filter((found) => found !== '')).toEqual([]);
  });

  test('do not hold what stands behind an option with its value attached', () => {
    expect(secretArguments(['-HX-API-Key:quartz', 'package'])).not.toContain('package');
  });

  test('are no values that are shorter than five characters', () => {
    expect(told(secretArguments(['-e', 'API_KEY=dev1']), 'dev1')).toBe('I got dev1 today');
  });

  test('are found in bounded time whatever stands there', () => {
    const since = performance.now();
    for (const unit of ['a', 'a=', '{"a":', '[', 'token=', 'a://', '"\\', '?a=', '%e0'])
      secretArguments([unit.repeat((64 * 1024) / unit.length)]);
    expect(performance.now() - since).toBeLessThan(2000);
  });
});

describe('the secrets of a header field', () => {
  test.each([
    ['Authorization', 'Bearer quartz', 'quartz'],
    ['Authorization', `Basic ${btoa('joe:quartz')}`, 'joe:quartz'],
    ['Authorization', `Basic ${btoa('joe:quartz')}`, 'quartz'],
    ['Authorization', 'Digest username="joseph", response="quartz"', 'quartz'],
    ['Cookie', 'sid=quartz; theme=dark', 'quartz'],
    ['Cookie', 'sid=s%3Aquartz.sig', 's:quartz.sig'],
    ['X-Api-Key', 'id=joe;key=quartz', 'quartz'],
    ['X-Custom', 'mode=fast, token=quartz', 'quartz'],
    ['X-Custom', 'Key qu4rtz', 'qu4rtz'],
  ])('%s: %s hold %s', (name, value, secret) => {
    expect(told(headerSecrets(name, value), secret)).toBe(GONE);
  });

  test('are not the ordinary words in other fields', () => {
    expect(headerSecrets('X-Title', 'My application')).toEqual(['My application']);
  });
});

describe('the secrets of an address', () => {
  test.each([
    ['http://joe:quartz@a.example/', 'quartz'],
    ['http://joe:quartz@a.example/', btoa('joe:quartz')],
    ['http://joe:qu%2frtz@a.example/', 'qu/rtz'],
    ['http://joe:50%off%20now@a.example/', '50%off now'],
    ['ws://quartz@a.example/', 'quartz'],
    ['http://a.example/?a=1&api_key=qua%2brtz#x', 'qua+rtz'],
    ['http://a.example/?sig=%E0%A4%A', '%E0%A4%A'],
  ])('%s hold %s', (url, secret) => {
    expect(told(urlSecrets(url), secret)).toBe(GONE);
  });
});
