/**
 * Writes what is made of the config's schema: `npm run docs`, after every change of a key.
 * With `--check` it writes nothing, and fails if a file is not what it would write.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { configJsonSchema } from '../src/config/reference/json-schema.ts';
import { configPage } from '../src/config/reference/page.ts';

const made = {
  'switchyard.schema.json': JSON.stringify(configJsonSchema()),
  'docs/reference/configuration.md': configPage(),
};

for (const [file, text] of Object.entries(made)) {
  const formatted = await format(text, { ...(await resolveConfig(file)), filepath: file });
  if (!process.argv.includes('--check')) writeFileSync(file, formatted);
  else if (readFileSync(file, 'utf8') !== formatted) {
    console.error(`${file} is stale: npm run docs`);
    process.exitCode = 1;
  }
}
