/** After tsc: the command may be executed, and what has no source any more is gone from dist/. */
import { chmodSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const src = fileURLToPath(new URL('../src/', import.meta.url));

for (const file of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
  const source = file.replace(/(\.d\.ts|\.js)$/, '.ts');
  if (!existsSync(join(src, source))) rmSync(join(dist, file), { recursive: true, force: true });
}
chmodSync(join(dist, 'cli.js'), 0o755);
