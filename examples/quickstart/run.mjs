/** The quickstart's config, used once: a call to each of its four servers. Exit 0 only if all was as expected. */
import { example, until } from '../example.mjs';

const calls = {
  memory__read_graph: {},
  files__list_allowed_directories: {},
  thinking__sequentialthinking: {
    thought: 'Well.',
    thoughtNumber: 1,
    totalThoughts: 1,
    nextThoughtNeeded: false,
  },
  everything__echo: { message: 'hello' },
};

await example(new URL('switchyard.json', import.meta.url), async ({ folder, connect, check, heading }) => {
  heading('Four servers behind one entry');
  const proxy = await connect({ HOME: folder, TMPDIR: folder, XDG_STATE_HOME: folder });
  let names = [];
  // A list comes after five seconds at the latest: what starts more slowly is announced, and in the next one.
  await until(async () => {
    names = await proxy.tools();
    return Object.keys(calls).every((name) => names.includes(name));
  }, 30_000);
  for (const [name, args] of Object.entries(calls)) {
    const { isError } = await proxy.call(name, args);
    check(`${name} is listed and answers`, names.includes(name) && !isError);
  }
});
