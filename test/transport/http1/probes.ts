/**
 * Requests as attackers, fuzzers and old clients write them: each is refused, or has one reading only.
 *
 * The classes are those of the public research on request smuggling (two lengths, a length beside chunks, codings that
 * one reader sees and another does not, line ends that only one takes for such) and the rules of RFC 9110 and 9112.
 */

export interface Probe {
  readonly id: string;
  /** Latin-1. */
  readonly bytes: string;
  /** The status of a refusal; or each request as `METHOD target body`; or that more has to come. */
  readonly expected: number | readonly string[] | 'waits';
  /** `node:http` refuses what we take, or waits for more. */
  readonly nodeIsStricter?: true;
  /** `node:http` takes what we refuse: it has one reading there, but others on the way may have another. */
  readonly nodeIsLaxer?: true;
}

const HOST = 'Host: localhost\r\n';
const POST = `POST /mcp HTTP/1.1\r\n${HOST}`;
const GET = `GET /mcp HTTP/1.1\r\n${HOST}`;
const CHUNKED = 'Transfer-Encoding: chunked\r\n';
/** A request that must never be taken for one. */
const SMUGGLED = `GET /smuggled HTTP/1.1\r\n${HOST}\r\n`;

function post(fields: string, body: string): string {
  return `${POST}${fields}\r\n${body}`;
}

function get(fields: string): string {
  return `${GET}${fields}\r\n`;
}

function line(requestLine: string): string {
  return `${requestLine}\r\n${HOST}\r\n`;
}

/** A length that only some readers understand, before a body that holds a request. */
function length(value: string): string {
  return post(`Content-Length: ${value}\r\n`, SMUGGLED);
}

/** A coding that only some readers take for `chunked`. */
function coding(fields: string): string {
  return post(fields, `0\r\n\r\n${SMUGGLED}`);
}

function chunks(text: string): string {
  return post(CHUNKED, text);
}

const framing: readonly Probe[] = [
  {
    id: 'cl.te: a length, then chunks',
    bytes: post(`Content-Length: 6\r\n${CHUNKED}`, `0\r\n\r\n${SMUGGLED}`),
    expected: 400,
  },
  {
    id: 'te.cl: chunks, then a length',
    bytes: post(`${CHUNKED}Content-Length: 4\r\n`, `5c\r\n${SMUGGLED}0\r\n\r\n`),
    expected: 400,
  },
  {
    id: 'cl.te with a length of 0',
    bytes: post(`Content-Length: 0\r\n${CHUNKED}`, `0\r\n\r\n${SMUGGLED}`),
    expected: 400,
  },
  { id: 'te.te: chunked twice', bytes: coding(`${CHUNKED}${CHUNKED}`), expected: 400 },
  {
    id: 'te.te: chunked, identity',
    bytes: coding(`${CHUNKED}Transfer-Encoding: identity\r\n`),
    expected: 400,
  },
  {
    id: 'te.te: identity, chunked',
    bytes: coding('Transfer-Encoding: identity, chunked\r\n'),
    expected: 400,
  },
  { id: 'te: gzip, chunked', bytes: coding('Transfer-Encoding: gzip, chunked\r\n'), expected: 400 },
  { id: 'te: chunked, gzip', bytes: coding('Transfer-Encoding: chunked, gzip\r\n'), expected: 400 },
  { id: 'te: xchunked', bytes: coding('Transfer-Encoding: xchunked\r\n'), expected: 400 },
  { id: 'te: chunkedx', bytes: coding('Transfer-Encoding: chunkedx\r\n'), expected: 400 },
  { id: 'te: "chunked" in quotes', bytes: coding('Transfer-Encoding: "chunked"\r\n'), expected: 400 },
  { id: "te: 'chunked' in single quotes", bytes: coding("Transfer-Encoding: 'chunked'\r\n"), expected: 400 },
  { id: 'te: chunked;q=1', bytes: coding('Transfer-Encoding: chunked;q=1\r\n'), expected: 400 },
  { id: 'te: empty', bytes: coding('Transfer-Encoding:\r\n'), expected: 400 },
  { id: 'te: a comma before chunked', bytes: coding('Transfer-Encoding: ,chunked\r\n'), expected: 400 },
  { id: 'te: a comma behind chunked', bytes: coding('Transfer-Encoding: chunked,\r\n'), expected: 400 },
  {
    id: 'te: a vertical tab before chunked',
    bytes: coding('Transfer-Encoding: \vchunked\r\n'),
    expected: 400,
  },
  { id: 'te: a form feed before chunked', bytes: coding('Transfer-Encoding: \fchunked\r\n'), expected: 400 },
  {
    id: 'te: no-break space before chunked',
    bytes: coding('Transfer-Encoding: \xa0chunked\r\n'),
    expected: 400,
  },
  { id: 'te: NUL behind chunked', bytes: coding('Transfer-Encoding: chunked\0\r\n'), expected: 400 },
  { id: 'te: a space before the colon', bytes: coding('Transfer-Encoding : chunked\r\n'), expected: 400 },
  { id: 'te: a tab before the colon', bytes: coding('Transfer-Encoding\t: chunked\r\n'), expected: 400 },
  { id: 'te: a space before the name', bytes: coding(' Transfer-Encoding: chunked\r\n'), expected: 400 },
  { id: 'te: folded', bytes: coding('Transfer-Encoding:\r\n chunked\r\n'), expected: 400 },
  {
    id: 'te: folded into another field',
    bytes: coding('X: y\r\n\tTransfer-Encoding: chunked\r\n'),
    expected: 400,
  },
  { id: 'te: behind a bare LF', bytes: coding('X: y\nTransfer-Encoding: chunked\r\n'), expected: 400 },
  { id: 'te: behind a bare CR', bytes: coding('X: y\rTransfer-Encoding: chunked\r\n'), expected: 400 },
  {
    id: 'te: trailing space',
    bytes: coding('Transfer-Encoding: chunked \r\n'),
    expected: 400,
    nodeIsLaxer: true,
  },
  { id: 'te: in HTTP/1.0', bytes: coding(CHUNKED).replace('HTTP/1.1', 'HTTP/1.0'), expected: 400 },
  {
    id: 'te: an underscore in the name says nothing',
    bytes: `${post('Transfer_Encoding: chunked\r\nContent-Length: 2\r\n', '{}')}`,
    expected: ['POST /mcp {}'],
  },
  {
    id: 'te: CHUNKED in capitals',
    bytes: post('TRANSFER-ENCODING: CHUNKED\r\n', '2\r\n{}\r\n0\r\n\r\n'),
    expected: ['POST /mcp {}'],
  },
  {
    id: 'cl: two that differ',
    bytes: post('Content-Length: 0\r\nContent-Length: 44\r\n', SMUGGLED),
    expected: 400,
  },
  {
    id: 'cl: two that agree',
    bytes: post('Content-Length: 2\r\nContent-Length: 2\r\n', '{}'),
    expected: 400,
  },
  { id: 'cl: a list', bytes: length('0, 44'), expected: 400 },
  { id: 'cl: +', bytes: length('+44'), expected: 400 },
  { id: 'cl: -', bytes: length('-1'), expected: 400 },
  { id: 'cl: hexadecimal', bytes: length('0x2c'), expected: 400 },
  { id: 'cl: a fraction', bytes: length('44.0'), expected: 400 },
  { id: 'cl: an exponent', bytes: length('4e1'), expected: 400 },
  { id: 'cl: an underscore', bytes: length('4_4'), expected: 400 },
  { id: 'cl: a space inside', bytes: length('4 4'), expected: 400 },
  { id: 'cl: empty', bytes: length(''), expected: 400 },
  { id: 'cl: letters', bytes: length('abc'), expected: 400 },
  { id: 'cl: Arabic digits', bytes: length('\xd9\xa4\xd9\xa4'), expected: 400 },
  { id: 'cl: more than a number holds', bytes: length('99999999999999999999'), expected: 400 },
  { id: 'cl: 2^64', bytes: length('18446744073709551616'), expected: 400 },
  { id: 'cl: trailing tab', bytes: length('44\t'), expected: 400 },
  { id: 'cl: a space before the colon', bytes: post('Content-Length : 44\r\n', SMUGGLED), expected: 400 },
  { id: 'cl: folded', bytes: post('Content-Length:\r\n 44\r\n', SMUGGLED), expected: 400 },
  {
    id: 'cl: leading zeros',
    bytes: post('Content-Length: 0002\r\n', '{}'),
    expected: ['POST /mcp {}'],
  },
  {
    id: 'cl: a body on a GET belongs to it',
    bytes: get('Content-Length: 2\r\n') + '{}',
    expected: ['GET /mcp {}'],
  },
  { id: 'cl: more than comes', bytes: post('Content-Length: 3\r\n', '{}'), expected: 'waits' },
];

const chunked: readonly Probe[] = [
  {
    id: 'chunks: two and a trailer',
    bytes: chunks('1\r\n{\r\n1\r\n}\r\n0\r\nX: y\r\n\r\n'),
    expected: ['POST /mcp {}'],
  },
  { id: 'chunks: an extension', bytes: chunks('2;a=b;c="d"\r\n{}\r\n0\r\n\r\n'), expected: ['POST /mcp {}'] },
  { id: 'chunks: leading zeros', bytes: chunks('0002\r\n{}\r\n000\r\n\r\n'), expected: ['POST /mcp {}'] },
  {
    id: 'chunks: capitals',
    bytes: chunks(`A\r\n"12345678"\r\n0\r\n\r\n`),
    expected: ['POST /mcp "12345678"'],
  },
  { id: 'chunks: no size', bytes: chunks(`\r\n{}\r\n0\r\n\r\n${SMUGGLED}`), expected: 400 },
  { id: 'chunks: 0x', bytes: chunks(`0x2\r\n{}\r\n0\r\n\r\n${SMUGGLED}`), expected: 400 },
  { id: 'chunks: +', bytes: chunks(`+2\r\n{}\r\n0\r\n\r\n`), expected: 400 },
  { id: 'chunks: -', bytes: chunks(`-2\r\n{}\r\n0\r\n\r\n`), expected: 400 },
  { id: 'chunks: a space before the size', bytes: chunks(` 2\r\n{}\r\n0\r\n\r\n`), expected: 400 },
  { id: 'chunks: a space behind the size', bytes: chunks(`2 \r\n{}\r\n0\r\n\r\n`), expected: 400 },
  { id: 'chunks: a size beyond 2^64', bytes: chunks(`10000000000000002\r\n{}\r\n0\r\n\r\n`), expected: 400 },
  { id: 'chunks: a size of 13 digits', bytes: chunks(`fffffffffffff\r\n{}`), expected: 400 },
  { id: 'chunks: a size line that ends with LF', bytes: chunks(`2\n{}\r\n0\r\n\r\n`), expected: 400 },
  { id: 'chunks: a size line that ends with CR', bytes: chunks(`2\r{}\r\n0\r\n\r\n`), expected: 400 },
  { id: 'chunks: LF behind the data', bytes: chunks(`2\r\n{}\n0\r\n\r\n`), expected: 400 },
  {
    id: 'chunks: data longer than its size',
    bytes: chunks(`1\r\n{}\r\n0\r\n\r\n${SMUGGLED}`),
    expected: 400,
  },
  { id: 'chunks: an extension with LF', bytes: chunks(`2;a\nb\r\n{}\r\n0\r\n\r\n`), expected: 400 },
  { id: 'chunks: an extension with CR', bytes: chunks(`2;a\rb\r\n{}\r\n0\r\n\r\n`), expected: 400 },
  { id: 'chunks: an open quote', bytes: chunks(`2;a="b\r\n{}\r\n0\r\n\r\n${SMUGGLED}`), expected: 400 },
  { id: 'chunks: extensions without end', bytes: chunks(`2;${'a'.repeat(20_000)}`), expected: 413 },
  {
    id: 'chunks: a length as trailer',
    bytes: chunks(`2\r\n{}\r\n0\r\nContent-Length: 44\r\n\r\n${SMUGGLED}`),
    expected: 400,
  },
  {
    id: 'chunks: a coding as trailer',
    bytes: chunks(`2\r\n{}\r\n0\r\n${CHUNKED}\r\n${SMUGGLED}`),
    expected: 400,
  },
  { id: 'chunks: a trailer without colon', bytes: chunks(`2\r\n{}\r\n0\r\nX\r\n\r\n`), expected: 400 },
  { id: 'chunks: trailers without end', bytes: chunks(`0\r\n${'X: y\r\n'.repeat(5000)}`), expected: 413 },
  { id: 'chunks: LF behind the last one', bytes: chunks(`0\r\n\n${SMUGGLED}`), expected: 400 },
  { id: 'chunks: without the last one', bytes: chunks('2\r\n{}\r\n'), expected: 'waits' },
];

const heads: readonly Probe[] = [
  { id: 'line ends: LF only', bytes: `GET /mcp HTTP/1.1\nHost: localhost\n\n`, expected: 'waits' },
  { id: 'line ends: LF behind the request line', bytes: `GET /mcp HTTP/1.1\n${HOST}\r\n`, expected: 400 },
  { id: 'line ends: CR behind the request line', bytes: `GET /mcp HTTP/1.1\r${HOST}\r\n`, expected: 400 },
  { id: 'line ends: CR CR LF', bytes: `GET /mcp HTTP/1.1\r\r\n${HOST}\r\n`, expected: 400 },
  { id: 'an empty line before', bytes: `\r\n${get('')}`, expected: ['GET /mcp '] },
  { id: 'two empty lines before', bytes: `\r\n\r\n${get('')}`, expected: 400, nodeIsLaxer: true },
  { id: 'a bare LF before', bytes: `\n${get('')}`, expected: 400, nodeIsLaxer: true },
  { id: 'a space before', bytes: ` ${get('')}`, expected: 400 },
  { id: 'field: folded with a space', bytes: get('X: a\r\n b\r\n'), expected: 400 },
  { id: 'field: folded with a tab', bytes: get('X: a\r\n\tb\r\n'), expected: 400 },
  {
    id: 'field: white space behind the request line',
    bytes: `GET /mcp HTTP/1.1\r\n X: y\r\n${HOST}\r\n`,
    expected: 400,
  },
  { id: 'field: no colon', bytes: get('X\r\n'), expected: 400 },
  { id: 'field: no name', bytes: get(': x\r\n'), expected: 400 },
  { id: 'field: a space in the name', bytes: get('X Y: z\r\n'), expected: 400 },
  { id: 'field: a space before the colon', bytes: get('X : y\r\n'), expected: 400 },
  { id: 'field: brackets in the name', bytes: get('X[0]: y\r\n'), expected: 400 },
  { id: 'field: beyond ASCII in the name', bytes: get('X\xe4: y\r\n'), expected: 400 },
  { id: 'field: NUL in the name', bytes: get('X\0: y\r\n'), expected: 400 },
  { id: 'field: NUL in the value', bytes: get('X: a\0b\r\n'), expected: 400 },
  { id: 'field: DEL in the value', bytes: get('X: a\x7fb\r\n'), expected: 400 },
  { id: 'field: escape in the value', bytes: get('X: a\x1b[0m\r\n'), expected: 400 },
  { id: 'field: CR in the value', bytes: get('X: a\rb\r\n'), expected: 400 },
  { id: 'field: empty value', bytes: get('X:\r\n'), expected: ['GET /mcp '] },
  { id: 'field: Latin-1 in the value', bytes: get('X: \xe4\r\n'), expected: ['GET /mcp '] },
  {
    id: 'field: named as a part of objects',
    bytes: get('__proto__: x\r\nconstructor: y\r\n'),
    expected: ['GET /mcp '],
  },
  { id: 'field: 17 KiB', bytes: get(`X: ${'a'.repeat(17_000)}\r\n`), expected: 431 },
  { id: 'field: 17 KiB without end', bytes: `${GET}X: ${'a'.repeat(17_000)}`, expected: 431 },
  { id: 'field: 300 of them', bytes: get('X: y\r\n'.repeat(300)), expected: 431 },
  { id: 'host: missing', bytes: 'GET /mcp HTTP/1.1\r\n\r\n', expected: 400 },
  { id: 'host: two that agree', bytes: get(HOST), expected: 400 },
  { id: 'host: two that differ', bytes: get('Host: other\r\n'), expected: 400 },
  {
    id: 'host: with a space before the colon',
    bytes: 'GET /mcp HTTP/1.1\r\nHost : localhost\r\n\r\n',
    expected: 400,
  },
];

const lines: readonly Probe[] = [
  {
    id: 'target: absolute',
    bytes: line('GET http://localhost/mcp HTTP/1.1'),
    expected: ['GET http://localhost/mcp '],
  },
  {
    id: 'target: absolute, https',
    bytes: line('GET https://localhost/mcp HTTP/1.1'),
    expected: ['GET https://localhost/mcp '],
  },
  { id: 'target: absolute, another scheme', bytes: line('GET ftp://localhost/mcp HTTP/1.1'), expected: 400 },
  { id: 'target: absolute without host', bytes: line('GET http:// HTTP/1.1'), expected: 400 },
  { id: 'target: authority', bytes: line('CONNECT localhost:443 HTTP/1.1'), expected: 400 },
  { id: 'target: authority on a GET', bytes: line('GET localhost:80 HTTP/1.1'), expected: 400 },
  { id: 'target: asterisk', bytes: line('OPTIONS * HTTP/1.1'), expected: ['OPTIONS * '] },
  { id: 'target: without a slash', bytes: line('GET mcp HTTP/1.1'), expected: 400 },
  { id: 'target: a space in it', bytes: line('GET /mcp x HTTP/1.1'), expected: 400 },
  { id: 'target: a whole request line in it', bytes: line('GET /mcp HTTP/1.1 HTTP/1.1'), expected: 400 },
  { id: 'target: a tab in it', bytes: line('GET /mcp\tx HTTP/1.1'), expected: 400 },
  { id: 'target: NUL in it', bytes: line('GET /mcp\0 HTTP/1.1'), expected: 400 },
  { id: 'target: beyond ASCII', bytes: line('GET /mcp\xe4 HTTP/1.1'), expected: 400 },
  { id: 'target: empty', bytes: line('GET  HTTP/1.1'), expected: 400 },
  {
    id: 'target: CR LF escaped stays escaped',
    bytes: line('GET /%0d%0aX:y HTTP/1.1'),
    expected: ['GET /%0d%0aX:y '],
  },
  { id: 'target: 17 KiB', bytes: line(`GET /${'a'.repeat(17_000)} HTTP/1.1`), expected: 431 },
  { id: 'line: two spaces', bytes: line('GET  /mcp HTTP/1.1'), expected: 400, nodeIsLaxer: true },
  { id: 'line: a tab', bytes: line('GET\t/mcp HTTP/1.1'), expected: 400 },
  { id: 'line: a trailing space', bytes: line('GET /mcp HTTP/1.1 '), expected: 400 },
  {
    id: 'method: in lower case is another',
    bytes: line('get /mcp HTTP/1.1'),
    expected: ['get /mcp '],
    nodeIsStricter: true,
  },
  {
    id: 'method: unknown',
    bytes: line('BREW /mcp HTTP/1.1'),
    expected: ['BREW /mcp '],
    nodeIsStricter: true,
  },
  { id: 'method: brackets', bytes: line('GE[T /mcp HTTP/1.1'), expected: 400 },
  { id: 'method: 40 characters', bytes: line(`${'A'.repeat(40)} /mcp HTTP/1.1`), expected: 400 },
  { id: 'version: HTTP/0.9', bytes: 'GET /mcp\r\n\r\n', expected: 400 },
  { id: 'version: HTTP/0.9 by name', bytes: line('GET /mcp HTTP/0.9'), expected: 400 },
  { id: 'version: HTTP/1.0', bytes: 'GET /mcp HTTP/1.0\r\n\r\n', expected: ['GET /mcp '] },
  { id: 'version: HTTP/1.2', bytes: line('GET /mcp HTTP/1.2'), expected: 400 },
  { id: 'version: HTTP/1.10', bytes: line('GET /mcp HTTP/1.10'), expected: 400 },
  { id: 'version: HTTP/2.0', bytes: line('GET /mcp HTTP/2.0'), expected: 400 },
  { id: 'version: HTTP/2 with its preface', bytes: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', expected: 400 },
  { id: 'version: in lower case', bytes: line('GET /mcp http/1.1'), expected: 400 },
  { id: 'version: another protocol', bytes: line('GET /mcp ICAP/1.0'), expected: 400 },
  { id: 'a TLS greeting', bytes: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', expected: 400 },
  { id: 'a response', bytes: `HTTP/1.1 200 OK\r\n${HOST}\r\n`, expected: 400 },
];

const connections: readonly Probe[] = [
  { id: 'pipelined: two', bytes: get('') + line('GET /two HTTP/1.1'), expected: ['GET /mcp ', 'GET /two '] },
  {
    id: 'pipelined: behind a body',
    bytes: post('Content-Length: 2\r\n', '{}') + line('GET /two HTTP/1.1'),
    expected: ['POST /mcp {}', 'GET /two '],
  },
  {
    id: 'a request in a body is a body',
    bytes: post(`Content-Length: ${SMUGGLED.length}\r\n`, SMUGGLED),
    expected: [`POST /mcp ${SMUGGLED}`],
  },
  {
    id: 'upgrade: h2c goes on as HTTP/1.1',
    bytes: get('Connection: Upgrade\r\nUpgrade: h2c\r\n'),
    expected: ['GET /mcp '],
  },
  {
    id: 'upgrade: websocket goes on as HTTP/1.1',
    bytes: get('Connection: Upgrade\r\nUpgrade: websocket\r\n'),
    expected: ['GET /mcp '],
  },
  {
    id: 'expect: 100-continue',
    bytes: post('Expect: 100-continue\r\nContent-Length: 2\r\n', '{}'),
    expected: ['POST /mcp {}'],
  },
];

export const PROBES: readonly Probe[] = [...framing, ...chunked, ...heads, ...lines, ...connections];
