/** What our reader and `node:http` take bytes for. */
import { createServer, type IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';
import { RequestReader } from '../../../src/transport/http1/request-reader.ts';

export interface ReadRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  body: string;
  whole: boolean;
}

/** The requests in these bytes, each read when the one before has ended; and why reading stopped. */
export function read(pieces: readonly Buffer[]): { requests: ReadRequest[]; error: unknown } {
  const requests: ReadRequest[] = [];
  let goesOn = true;
  const reader: RequestReader = new RequestReader({
    head({ method, target, headers, persists }) {
      goesOn = persists;
      requests.push({ method, target, headers: { ...headers }, body: '', whole: false });
    },
    data(part) {
      const last = requests.at(-1);
      if (last) last.body += part.toString('latin1');
    },
    end() {
      const last = requests.at(-1);
      if (last) last.whole = true;
      if (goesOn) reader.expect();
    },
  });
  try {
    for (const piece of pieces) reader.push(piece);
  } catch (error) {
    return { requests, error };
  }
  return { requests, error: undefined };
}

/** The same by `node:http`: what it gives to its handler, as far as it comes. */
export async function readByNode(text: string): Promise<ReadRequest[]> {
  const requests: ReadRequest[] = [];
  const server = createServer({ joinDuplicateHeaders: true }, (request: IncomingMessage, response) => {
    const { method = '', url: target = '' } = request;
    const headers = headersOf(request.rawHeaders);
    const found: ReadRequest = { method, target, headers, body: '', whole: false };
    requests.push(found);
    request.setEncoding('latin1');
    request.on('data', (part: string) => (found.body += part));
    request.on('end', () => (found.whole = true));
    response.end();
  });
  const connection = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  // What came before the error may still be read.
  server.on('clientError', () => {});
  server.emit('connection', connection);
  connection.push(Buffer.from(text, 'latin1'));
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
  connection.destroy();
  return requests;
}

/** As the wire has them, joined as ours are. */
function headersOf(raw: readonly string[]): ReadRequest['headers'] {
  const found: Record<string, string> = {};
  for (let i = 0; i < raw.length; i += 2) {
    const [name = '', value = ''] = [raw[i]?.toLowerCase(), raw[i + 1]];
    found[name] = name in found ? `${found[name]}, ${value}` : value;
  }
  return found;
}
