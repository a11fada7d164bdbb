/** What the transparency fuzz sends each way, and what must come out on the other side. */
import fc from 'fast-check';
import {
  changed,
  member,
  type Member,
  minify,
  type ObjectParts,
  objectWith,
  print,
  stringText,
  valueUpTo,
} from './json-text.ts';
import { CLIENT_CAPABILITIES, CLIENT_INFO, ENVELOPE, LOG_LEVEL } from './raw-client.ts';
import type { Era } from './raw-downstream.ts';

/** One end and the other. */
export interface Pair {
  readonly client: Era;
  readonly server: Era;
  readonly serverName: string;
}

export type Method = 'tools/call' | 'prompts/get' | 'resources/read' | 'completion/complete';

const METHODS: readonly Method[] = ['tools/call', 'prompts/get', 'resources/read', 'completion/complete'];

/** Keys that mean something to the proxy, wherever they stand. */
const MEANT = [
  'resultType',
  'ttlMs',
  'cacheScope',
  'task',
  'taskId',
  'inputRequests',
  'requestState',
  'inputResponses',
];
const META_KEYS = [...ENVELOPE.map(([key]) => key), LOG_LEVEL[0], 'progressToken'];

const object = objectWith([], MEANT).map(print);

/** Whole numbers in plain spelling, strings in any, and the odd ones. */
export const idText: fc.Arbitrary<string> = fc.oneof(
  stringText,
  fc.constantFrom('0', '-1', '1.0', '1e3', '12345678901234567890', '"7"', '""'),
);

export interface CallScenario {
  readonly method: Method;
  readonly id: string;
  readonly token: string | undefined;
  /** As the client writes them. */
  readonly params: ObjectParts;
  readonly meta: ObjectParts | undefined;
}

export function callScenario({ client, serverName }: Pair): fc.Arbitrary<CallScenario> {
  return fc
    .record({
      method: fc.constantFrom(...METHODS),
      id: idText,
      token: fc.option(idText, { nil: undefined }),
      withMeta: fc.boolean(),
    })
    .chain(({ method, id, token, withMeta }) => {
      const envelope =
        client === 'modern' ? [...ENVELOPE, LOG_LEVEL].map(([key, text]) => member(key, text)) : [];
      const known = [...envelope, ...(token === undefined ? [] : [member('progressToken', token)])];
      const meta = withMeta || known.length > 0 ? objectWith(known, META_KEYS) : fc.constant(undefined);
      return meta.chain((metaParts) =>
        objectFor(method, serverName, metaParts).map((params) => ({
          method,
          id,
          token,
          params,
          meta: metaParts,
        })),
      );
    });
}

const MEGABYTE = `"${'Größe: 42 €, \\"offen\\" 🦊\u2028\\u20ac\\n'.repeat(30_000)}"`;

/** A tool call with an argument of a megabyte, its members in the order in which most clients write them. */
export function longCall({ client, serverName }: Pair, token: string | undefined): CallScenario {
  const envelope = client === 'modern' ? ENVELOPE.map(([key, text]) => member(key, text)) : [];
  const known = [...envelope, ...(token === undefined ? [] : [member('progressToken', token)])];
  const meta = known.length > 0 ? { members: known, spaces: [''] } : undefined;
  const members = [
    member('name', JSON.stringify(`${serverName}__fuzz`)),
    member('arguments', `{"größe":${MEGABYTE},"n":[1.0,${MEGABYTE.slice(0, 3000)}"]}`),
    ...(meta ? [member('_meta', print(meta))] : []),
  ];
  return { method: 'tools/call', id: '7', token, params: { members, spaces: [''] }, meta };
}

/** A result of a megabyte, with a link among it. */
export function longResult({ server, serverName }: Pair): ObjectParts {
  const blocks = [
    `{"type":"text","text":${MEGABYTE}}`,
    `{"type":"resource_link","name":"é","uri":"${serverName}:/${'é'.repeat(1000)}"}`,
  ];
  const members = [
    ...(server === 'modern' ? MODERN : []),
    member('content', `[${blocks.join(',')}]`),
    member('isError', 'false'),
  ];
  return { members, spaces: [''] };
}

function objectFor(
  method: Method,
  serverName: string,
  meta: ObjectParts | undefined,
): fc.Arbitrary<ObjectParts> {
  const metaMembers = meta ? [member('_meta', print(meta))] : [];
  return fc.tuple(object, targetOf(method, serverName)).chain(([free, target]) => {
    const rest = method === 'completion/complete' ? [member('argument', free)] : [member('arguments', free)];
    return objectWith([...metaMembers, ...target, ...rest], [...MEANT, 'name', 'uri', 'ref', '_meta']);
  });
}

/** The member that says what is called. */
function targetOf(method: Method, serverName: string): fc.Arbitrary<Member[]> {
  const name = member('name', JSON.stringify(`${serverName}__fuzz`));
  if (method === 'resources/read') return fc.constant([member('uri', uriOf(serverName))]);
  if (method !== 'completion/complete') return fc.constant([name]);
  return objectWith([member('type', '"ref/prompt"'), name], ['uri']).map((ref) => [
    member('ref', print(ref)),
  ]);
}

export function uriOf(serverName: string): string {
  return `"${serverName}:\\u002f/fuzz"`;
}

export function nameFor({ method }: CallScenario, serverName: string): string {
  if (method === 'completion/complete') return '';
  return method === 'resources/read' ? (JSON.parse(uriOf(serverName)) as string) : `${serverName}__fuzz`;
}

/** The params as the server must get them, minified, `id` being the proxy's own. */
export function paramsAtServer({ params, meta, token }: CallScenario, pair: Pair, id: string): string {
  const sent = minify(metaAtServer(meta ?? { members: [], spaces: [''] }, token, pair, id));
  const keep = sent !== '{}' || (meta?.members.length === 0 && pair.client === pair.server);
  const there = changed(params, {
    name: () => '"fuzz"',
    ref: (ref) => minify(ref).replace(`"${pair.serverName}__fuzz"`, '"fuzz"'),
    _meta: keep ? () => sent : undefined,
  });
  const added = !meta && keep ? [member('_meta', sent)] : [];
  return minify(print({ ...there, members: [...there.members, ...added] }));
}

const OWN_KEY = '"switchyard/idempotencyKey":"[0-9a-f-]{36}"';

/** What the server got, minified, without the key that every tool call gets of the proxy. */
export function withoutOwnKey(got: string, { method, meta }: CallScenario, pair: Pair): string {
  const text = minify(got);
  const stripped = method === 'tools/call' ? text.replace(new RegExp(`${OWN_KEY},|,?${OWN_KEY}`), '') : text;
  if (stripped === text || (meta && pair.client === pair.server)) return stripped;
  // A `_meta` that is there only for the key is gone with it; one made for more stands wherever it likes.
  const made = meta ? '{}' : pair.server === 'modern' ? modernMeta([]) : '{}';
  const own = `"_meta":${made}`;
  const rest = stripped.includes(`,${own}`)
    ? stripped.replace(`,${own}`, '')
    : stripped.replace(`${own},`, '');
  return made === '{}' ? rest : `${rest.slice(0, -1)},${own}}`;
}

function metaAtServer(meta: ObjectParts, token: string | undefined, pair: Pair, id: string): string {
  const withToken = token === undefined ? meta : changed(meta, { progressToken: () => id });
  if (pair.client === pair.server) return print(withToken);
  if (pair.server === 'modern') return modernMeta(withToken.members);
  return print(
    changed(withToken, Object.fromEntries([...ENVELOPE, LOG_LEVEL].map(([key]) => [key, undefined]))),
  );
}

/** What a legacy client's request gets: the envelope, which names what it said of itself. */
function modernMeta(members: readonly Member[]): string {
  const envelope = [
    ENVELOPE[0],
    ['io.modelcontextprotocol/clientInfo', CLIENT_INFO],
    ['io.modelcontextprotocol/clientCapabilities', CLIENT_CAPABILITIES],
  ];
  const added = envelope.map((entry) => member(entry?.[0] ?? '', entry?.[1] ?? ''));
  return print({ members: [...members, ...added], spaces: [''] });
}

/** A result with the known parts of its method, blocks of known and unknown types among them. */
export function resultFor(method: Method, { server, serverName }: Pair): fc.Arbitrary<ObjectParts> {
  const hints = server === 'legacy' ? [] : method === 'resources/read' ? MODERN_READ : MODERN;
  return fc
    .tuple(knownOf(method, serverName), object)
    .chain(([known, meta]) =>
      objectWith([...hints, ...known, member('_meta', meta)], [...MEANT, ...RESULT_KEYS]),
    );
}

const MODERN = [member('resultType', '"complete"')];
const MODERN_READ = [...MODERN, member('ttlMs', '0'), member('cacheScope', '"private"')];
const RESULT_KEYS = ['content', 'contents', 'messages', 'structuredContent', 'isError'];

function knownOf(method: Method, serverName: string): fc.Arbitrary<Member[]> {
  const blocks = list(block(serverName));
  switch (method) {
    case 'tools/call':
      return fc
        .tuple(blocks, object, fc.constantFrom('true', 'false'))
        .map(([content, structured, isError]) => [
          member('content', content),
          member('structuredContent', structured),
          member('isError', isError),
        ]);
    case 'prompts/get':
      return list(
        block(serverName).chain((content) =>
          objectWith([member('content', content), member('role', '"user"')]).map(print),
        ),
      ).map((messages) => [member('messages', messages)]);
    case 'resources/read':
      return list(contents(serverName)).map((all) => [member('contents', all)]);
    case 'completion/complete':
      return object.map((completion) => [member('completion', completion)]);
  }
}

function list(element: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.array(element, { maxLength: 3 }).map((all) => `[${all.join(' ,')}]`);
}

function block(serverName: string): fc.Arbitrary<string> {
  const own = (type: string, more: readonly Member[]): fc.Arbitrary<string> =>
    objectWith([member('type', JSON.stringify(type)), ...more], ['uri', 'resource']).map(print);
  return fc.oneof(
    stringText.chain((text) => own('text', [member('text', text)])),
    object.chain((annotations) => own('of/the/future', [member('annotations', annotations)])),
    uri(serverName).chain((text) => own('resource_link', [member('uri', text), member('name', '"x"')])),
    contents(serverName).chain((resource) => own('resource', [member('resource', resource)])),
    valueUpTo(50),
  );
}

function contents(serverName: string): fc.Arbitrary<string> {
  return fc
    .tuple(uri(serverName), stringText)
    .chain(([address, text]) => objectWith([member('uri', address), member('text', text)]).map(print));
}

/** Each server's own, so that none needs a prefix. */
function uri(serverName: string): fc.Arbitrary<string> {
  return stringText.map((text) => `"${serverName}:${text.slice(1)}`);
}

/** The result as the client must get it, minified. */
export function resultAtClient(result: ObjectParts, method: Method, { client, server }: Pair): string {
  if (client === server) return minify(print(result));
  if (client === 'legacy')
    return minify(print(changed(result, { resultType: undefined, ttlMs: undefined, cacheScope: undefined })));
  const added = method === 'resources/read' ? MODERN_READ : MODERN;
  return minify(print({ ...result, members: [...added, ...result.members] }));
}

/** An error with data; not of the codes that speak of one hop. */
export const rpcError: fc.Arbitrary<string> = fc
  .tuple(fc.constantFrom('-32042', '1', '-32000', '-32602', '1.0', '1e3'), stringText, valueUpTo(100))
  .chain(([code, message, data]) =>
    objectWith([member('code', code), member('message', message), member('data', data)]).map(print),
  );

export interface Notice {
  readonly method: string;
  readonly params: ObjectParts;
}

/** Progress, where the client asked for it, log messages, and what nobody has heard of yet. */
export function notice(withProgress: boolean): fc.Arbitrary<Notice> {
  const progress = fc
    .tuple(fc.constantFrom('0.50', '1', '1e1'), stringText)
    .chain(([done, message]) =>
      objectWith([member('progressToken', '0'), member('progress', done), member('message', message)]),
    )
    .map((params) => ({ method: 'notifications/progress', params }));
  const log = valueUpTo(100)
    .chain((data) => objectWith([member('level', '"error"'), member('data', data), member('logger', '"l"')]))
    .map((params) => ({ method: 'notifications/message', params }));
  const unknown = objectWith([], MEANT).map((params) => ({ method: 'notifications/of/the/future', params }));
  return withProgress ? fc.oneof(progress, log, unknown) : fc.oneof(log, unknown);
}

/** With this progress token, where it has one. */
export function noticeText({ method, params }: Notice, progressToken: string | undefined): string {
  const text = print(
    progressToken === undefined ? params : changed(params, { progressToken: () => progressToken }),
  );
  return `{"jsonrpc":"2.0","method":"${method}","params":${text}}`;
}

export interface Question {
  readonly method: string;
  readonly params: ObjectParts;
}

const QUESTION_KEYS = ['mode', 'tools', 'toolChoice', 'url', 'message', 'systemPrompt', '_meta', ...MEANT];

export const question: fc.Arbitrary<Question> = fc.oneof(
  fc
    .tuple(stringText, object)
    .chain(([message, schema]) =>
      objectWith([member('message', message), member('requestedSchema', schema)], QUESTION_KEYS),
    )
    .map((params) => ({ method: 'elicitation/create', params })),
  fc
    .tuple(stringText, object, fc.boolean())
    .chain(([system, message, withSystem]) =>
      objectWith(
        [member('messages', `[${message}]`), ...(withSystem ? [member('systemPrompt', system)] : [])],
        QUESTION_KEYS,
      ),
    )
    .map((params) => ({ method: 'sampling/createMessage', params })),
);

/** The question's params as the client must get them: with the name of the server that asks, and nothing else new. */
export function questionAtClient({ method, params }: Question, serverName: string): string {
  const label = (text: string): string => JSON.stringify(`[${serverName}] ${JSON.parse(text) as string}`);
  const key = method === 'elicitation/create' ? 'message' : 'systemPrompt';
  const there = params.members.some((one) => one.key === `"${key}"`);
  const added = there ? [] : [member(key, JSON.stringify(`[${serverName}] asks for this completion.`))];
  const labelled = changed(params, { [key]: label });
  return minify(print({ ...labelled, members: [...labelled.members, ...added] }));
}

/** What a client answers to a question. */
export const reply: fc.Arbitrary<string> = objectWith([member('action', '"accept"')], MEANT).map(print);
