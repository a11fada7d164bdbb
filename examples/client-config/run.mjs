/**
 * The files of two clients as configs, unchanged, each read in its client's own dialect: Cursor's and VS Code's of one
 * project. Exit 0 only if all was as expected.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { example, until } from '../example.mjs';

const project = fileURLToPath(new URL('.', import.meta.url)).replace(/\/$/, '');

for (const file of ['.cursor/mcp.json', '.vscode/mcp.json']) {
  const config = new URL(file, import.meta.url);
  await example(config, async ({ folder, connect, check, heading, say }) => {
    heading(`Serving ${file}`);
    const before = readFileSync(config, 'utf8');
    const proxy = await connect({ XDG_STATE_HOME: folder, HOME: folder });
    let names = [];
    let servers = new Set();
    await until(async () => {
      names = await proxy.tools();
      servers = new Set(names.flatMap((name) => /^(.+?)__/.exec(name)?.[1] ?? []));
      return servers.size >= 2;
    }, 30_000);
    say(`${names.length} tools of ${[...servers].join(', ')}`);
    check('both servers are there, and our own entry is not', [...servers].sort().join() === 'files,memory');

    const { content } = await proxy.call('files__list_allowed_directories');
    check("the client's variable for the project is known", content[0].text.includes(project));
    await proxy.call('memory__create_entities', {
      entities: [{ name: 'Ada', entityType: 'person', observations: ['wrote the first program'] }],
    });
    const memory = readFileSync(`${folder}/memory.jsonl`, 'utf8');
    check('a variable of the environment reaches the server', memory.includes('Ada'));
    check('the file is as it was', readFileSync(config, 'utf8') === before);
  });
}
