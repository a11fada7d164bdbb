/**
 * Writes the JSON Schema of the config and the pages of docs/reference: `npm run docs`.
 * With `--check` it writes nothing, and fails if a file is not what it would write.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { configJsonSchema } from '../src/config/reference/json-schema.ts';
import { configPage } from '../src/config/reference/page.ts';
import { commandsPage } from './reference/commands.ts';
import { errorsPage } from './reference/errors.ts';
import { metricsPage } from './reference/metrics.ts';

const made = {
  'switchyard.schema.json': JSON.stringify(configJsonSchema()),
  'docs/reference/configuration.md': configPage(),
  'docs/reference/commands.md': await commandsPage(),
  'docs/reference/errors.md': errorsPage(),
  'docs/reference/metrics.md': await metricsPage(),
};

for (const [file, text] of Object.entries(made)) {
  const formatted = await format(text, { ...(await resolveConfig(file)), filepath: file });
  if (!process.argv.includes('--check')) writeFileSync(file, formatted);
  else if (readFileSync(file, 'utf8') !== formatted) {
    console.error(`${file} is stale: npm run docs`);
    process.exitCode = 1;
  }
}
