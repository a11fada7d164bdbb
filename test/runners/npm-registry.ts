/** A small npm registry on loopback, with one MCP server in several packages: it answers, holds back, or is out of order. */
import { createHash } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';

export interface Registry {
  readonly url: string;
  /** Keeps every tarball after the first few until `release`. */
  hold(): void;
  release(): void;
  /** Every answer is HTTP 503. */
  refuses: boolean;
  /** Tarballs that were asked for. */
  readonly fetched: string[];
  close(): Promise<void>;
}

export const PACKAGE = 'tiny-mcp';
const PARTS = 8;
/** So that it is seen that the fetching is under way. */
const LET_THROUGH = 3;

export async function startRegistry(): Promise<Registry> {
  const packages = new Map(allPackages());
  const fetched: string[] = [];
  let holds = false;
  const held: (() => void)[] = [];
  const server = createServer((request, response) => answer(request.url ?? '', response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const registry: Registry = {
    url,
    hold: () => void (holds = true),
    release() {
      holds = false;
      for (const go of held.splice(0)) go();
    },
    refuses: false,
    fetched,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return registry;

  function answer(path: string, response: ServerResponse): void {
    if (registry.refuses) return void response.writeHead(503).end('{"error":"out of order"}');
    const [name = '', file] = decodeURIComponent(path.slice(1)).split('/-/');
    const tarball = packages.get(name);
    if (!tarball) return void response.writeHead(404).end('{}');
    if (file !== undefined) {
      fetched.push(name);
      const send = (): void =>
        void response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(tarball.bytes);
      if (holds && fetched.length > LET_THROUGH) held.push(send);
      else send();
      return;
    }
    const version = {
      ...tarball.manifest,
      dist: {
        tarball: `${url}${name}/-/${name}-1.0.0.tgz`,
        integrity: `sha512-${createHash('sha512').update(tarball.bytes).digest('base64')}`,
      },
    };
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ name, 'dist-tags': { latest: '1.0.0' }, versions: { '1.0.0': version } }));
  }
}

interface Packed {
  readonly manifest: object;
  readonly bytes: Buffer;
}

function allPackages(): [string, Packed][] {
  const parts = Array.from({ length: PARTS }, (_, i) => `tiny-part-${i}`);
  return [
    ...parts.map((name): [string, Packed] => [
      name,
      packed(
        { name, version: '1.0.0', type: 'module', main: 'index.js' },
        { 'index.js': 'export default 1;\n', ...filling(3) },
      ),
    ]),
    [
      PACKAGE,
      packed(
        {
          name: PACKAGE,
          version: '1.0.0',
          type: 'module',
          bin: { [PACKAGE]: 'server.js' },
          dependencies: Object.fromEntries(parts.map((name) => [name, '1.0.0'])),
        },
        { 'server.js': serverScript(parts) },
      ),
    ],
  ];
}

function filling(files: number): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: files }, (_, i) => [`filling-${i}.js`, `// ${'x'.repeat(4000)}\n`]),
  );
}

/** Ends with its input, as most servers do. */
function serverScript(parts: readonly string[]): string {
  return `#!/usr/bin/env node
${parts.map((name) => `import '${name}';`).join('\n')}
import { createInterface } from 'node:readline';
const results = {
  initialize: ({ protocolVersion }) => ({ protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'tiny', version: '1.0.0' } }),
  'tools/list': () => ({ tools: [{ name: 'echo', inputSchema: { type: 'object', properties: { text: { type: 'string' } } }, annotations: { readOnlyHint: true } }] }),
  'tools/call': ({ arguments: args }) => ({ content: [{ type: 'text', text: 'said: ' + (args?.text ?? '') }] }),
  ping: () => ({}),
};
for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) continue;
  const result = results[method]?.(params ?? {});
  process.stdout.write(JSON.stringify(result ? { jsonrpc: '2.0', id, result } : { jsonrpc: '2.0', id, error: { code: -32601, message: 'no' } }) + '\\n');
}
`;
}

function packed(manifest: object, files: Readonly<Record<string, string>>): Packed {
  const all = { 'package.json': JSON.stringify(manifest), ...files };
  const blocks = Object.entries(all).flatMap(([name, text]) => tarEntry(`package/${name}`, text));
  return { manifest, bytes: gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)])) };
}

/** As POSIX's ustar has it. */
function tarEntry(name: string, text: string): Buffer[] {
  const body = Buffer.from(text);
  const header = Buffer.alloc(512);
  const octal = (value: number, at: number, width: number): void => {
    header.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at);
  };
  header.write(name, 0);
  octal(0o755, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(body.length, 124, 12);
  octal(0, 136, 12);
  header.write('        ', 148);
  header.write('0', 156);
  header.write('ustar\x0000', 257);
  octal(
    header.reduce((sum, byte) => sum + byte, 0),
    148,
    8,
  );
  return [header, body, Buffer.alloc((512 - (body.length % 512)) % 512)];
}
