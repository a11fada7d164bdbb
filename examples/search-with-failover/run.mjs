/**
 * Shows what `switchyard.json` beside this file does, without the network: a search that falls back to another engine,
 * the circuit that opens, the cache, a pool that fails over. Checks every step; exit 0 only if all was as expected.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { example } from '../example.mjs';

await example(new URL('switchyard.json', import.meta.url), show);

async function show({ folder, connect, check, heading, say }) {
  heading('One search tool over two engines');
  const proxy = await connect();
  say(`tools: ${(await proxy.tools()).join(', ')}`);
  const first = await search('tea');
  check('the first engine answers', first.by === 'quick__search');

  heading('The cache');
  const again = await search('tea');
  check('the same search is answered from the cache', again.cache?.hit === true && asked('quick') === 1);

  heading('The fallback: the first engine falls silent');
  writeFileSync(join(folder, 'quick.silent'), '');
  const fallen = await search('coffee');
  check('the second engine answers', fallen.by === 'thorough__search');
  check('after the first was given its 300 ms', fallen.ms >= 290);

  heading('The circuit: five failures in a row open it');
  for (const drink of ['milk', 'juice', 'cider', 'water']) await search(drink);
  const before = asked('quick');
  const quickly = await search('wine');
  check(
    'the first engine is not asked any more',
    asked('quick') === before && quickly.by === 'thorough__search',
  );
  check('so the answer comes sooner than its time limit', quickly.ms < 300);
  const refused = await call('quick__search', { query: 'beer' });
  check(
    `asked for directly, it is refused with a hint (${refused.error?.code}, again in ${refused.error?.retryAfterMs} ms)`,
    refused.error?.code === 'CIRCUIT_OPEN' && refused.error.retryAfterMs > 0 && asked('quick') === before,
  );
  const known = await search('tea');
  check('what is in the cache is still given', known.cache?.hit === true);

  heading('All engines at once');
  const merged = await call('search_everywhere', { q: 'rum' });
  say(JSON.stringify(merged.result.structuredContent.sources));
  check('the answer is labelled as partial', merged.result.structuredContent.partial === true);
  check('and holds what the second engine found', merged.result.structuredContent.results.length === 2);

  heading('The pool: one archive, served twice');
  const one = await call('archive__search', { query: 'maps' });
  check('the first member answers', one.text.startsWith('archive-a'));
  process.kill(await pidOf('archive-a'), 'SIGKILL');
  const other = await call('archive__search', { query: 'letters' });
  check(`after its end there is still an answer (${other.text})`, other.text.includes('found "letters"'));
  check('and the search ran once', asked('archive-a') + asked('archive-b') === 2);

  heading('Status');
  const { result } = await call('proxy_status', {});
  for (const { server, state, breaker, calls, errors, cache } of result.structuredContent.servers)
    say(
      `${server}: ${state}, circuit ${JSON.stringify(breaker)}, ${calls} calls, ${errors} errors, ${cache.hits} from the cache`,
    );

  async function search(q) {
    const { text, result, ms } = await call('web_search', { q });
    const by = result._meta?.['switchyard/answeredBy'];
    const cache = result._meta?.['switchyard/cache'];
    say(
      `"${q}" → ${text} (${Math.round(ms)} ms${cache?.hit ? `, from the cache, ${cache.ageMs} ms old` : ''})`,
    );
    return { by, cache, ms };
  }

  async function call(name, args) {
    const from = performance.now();
    const result = await proxy.call(name, args);
    return {
      result,
      text: result.content[0]?.text ?? '',
      error: result._meta?.['switchyard/error'],
      ms: performance.now() - from,
    };
  }

  function asked(engine) {
    const file = join(folder, `${engine}.asked`);
    return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n').length : 0;
  }

  /** The engine's own process, by what it writes down. */
  async function pidOf(engine) {
    return Number(readFileSync(join(folder, `${engine}.pid`), 'utf8'));
  }
}
