/** JSON-RPC as nobody should write it: scraps, mixtures of known keys, and real messages with something changed. */
import fc from 'fast-check';
import { member, nested, objectWith, print, stringText, valueText } from './json-text.ts';

const METHODS = [
  ...[
    'initialize',
    'ping',
    'tools/list',
    'tools/call',
    'prompts/get',
    'resources/read',
    'resources/subscribe',
  ],
  ...['completion/complete', 'logging/setLevel', 'tasks/get', 'server/discover', 'subscriptions/listen'],
  ...[
    'notifications/initialized',
    'notifications/cancelled',
    'notifications/progress',
    'notifications/message',
  ],
  ...[
    'notifications/tools/list_changed',
    'notifications/resources/updated',
    'notifications/roots/list_changed',
  ],
  ...['elicitation/create', 'sampling/createMessage', 'roots/list', 'notifications/tasks', '__proto__', ''],
];

const ids = fc.oneof(
  fc.constantFrom('1', '2', '3', '0', '-1', '1.0', '"1"', 'null', '[]', '{}', '1e400'),
  stringText,
);
const method = fc.oneof(
  fc.constantFrom(...METHODS).map((name) => JSON.stringify(name)),
  valueText,
);
const object = objectWith([]).map(print);

const someParams = fc
  .record(
    {
      name: fc.oneof(fc.constant('"pipe__fuzz"'), fc.constant('"fuzz"'), valueText),
      uri: valueText,
      arguments: valueText,
      ref: valueText,
      level: fc.oneof(fc.constant('"debug"'), valueText),
      cursor: valueText,
      requestId: ids,
      progressToken: ids,
      taskId: valueText,
      message: valueText,
      mode: fc.constantFrom('"url"', '"form"', '1'),
      requestState: stringText,
      inputResponses: valueText,
      notifications: valueText,
      protocolVersion: fc.constantFrom('"2025-03-26"', '"2025-11-25"', '"x"', '1'),
      capabilities: valueText,
      clientInfo: valueText,
      _meta: fc.oneof(
        valueText,
        fc
          .tuple(valueText, ids)
          .map(
            ([capabilities, token]) =>
              `{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":${capabilities},"progressToken":${token}}`,
          ),
      ),
    },
    { requiredKeys: [] },
  )
  .chain((parts) =>
    objectWith(Object.entries(parts).map(([key, text]) => member(key, text ?? 'null'))).map(print),
  );

const someResult = fc
  .record(
    {
      content: valueText,
      contents: valueText,
      tools: valueText,
      resultType: fc.oneof(fc.constantFrom('"complete"', '"input_required"', '"task"'), valueText),
      inputRequests: fc.oneof(
        valueText,
        fc.constant('{"a":{"method":"elicitation/create","params":7},"b":1}'),
      ),
      requestState: valueText,
      task: fc.oneof(valueText, fc.constant('{"taskId":"t"}')),
      taskId: valueText,
      structuredContent: valueText,
      isError: valueText,
      capabilities: valueText,
      protocolVersion: valueText,
      nextCursor: valueText,
      _meta: valueText,
    },
    { requiredKeys: [] },
  )
  .chain((parts) =>
    objectWith(Object.entries(parts).map(([key, text]) => member(key, text ?? 'null'))).map(print),
  );

const mixture = fc
  .record(
    {
      jsonrpc: fc.oneof({ weight: 9, arbitrary: fc.constant('"2.0"') }, { weight: 1, arbitrary: valueText }),
      id: ids,
      method,
      params: fc.oneof({ weight: 5, arbitrary: someParams }, { weight: 1, arbitrary: valueText }),
      result: fc.oneof({ weight: 5, arbitrary: someResult }, { weight: 1, arbitrary: valueText }),
      error: fc.oneof(object, valueText),
    },
    { requiredKeys: ['jsonrpc'] },
  )
  .chain((parts) =>
    objectWith(Object.entries(parts).map(([key, text]) => member(key, text ?? 'null'))).map(print),
  );

const request = fc
  .tuple(ids, method, someParams)
  .map(([id, name, params]) => whole(`"id":${id},"method":${name},"params":${params}`));
const notification = fc
  .tuple(method, someParams)
  .map(([name, params]) => whole(`"method":${name},"params":${params}`));
const answer = fc
  .tuple(
    ids,
    fc.oneof(
      someResult.map((text) => `"result":${text}`),
      object.map((text) => `"error":${text}`),
    ),
  )
  .map(([id, rest]) => whole(`"id":${id},${rest}`));

function whole(members: string): string {
  return `{"jsonrpc":"2.0",${members}}`;
}

const regular = fc.oneof(request, notification, answer, mixture);

/** Some characters lost, or others put in. */
const damaged = fc
  .tuple(
    regular,
    fc.nat(),
    fc.nat(8),
    fc.constantFrom('', '"', '{', '}', '[', ',', '\\', '\u0000', '\ud83d\ude00', '1', '"id":1,'),
  )
  .map(([text, at, lost, added]) => {
    const from = at % (text.length + 1);
    return text.slice(0, from) + added + text.slice(from + lost);
  });

const deep = fc
  .constantFrom(100, 255, 256, 300, 10_000)
  .map((levels) => whole(`"id":1,"method":"tools/call","params":{"a":${nested(levels)}}`));

/** One message, or what stands in its place; on one line. */
export const randomMessage: fc.Arbitrary<string> = fc
  .oneof(
    { weight: 8, arbitrary: regular },
    { weight: 4, arbitrary: damaged },
    { weight: 1, arbitrary: fc.array(regular, { maxLength: 3 }).map((all) => `[${all.join(',')}]`) },
    { weight: 1, arbitrary: valueText },
    { weight: 1, arbitrary: fc.array(fc.nat(0xffff)).map((codes) => String.fromCharCode(...codes)) },
    { weight: 1, arbitrary: deep },
  )
  .map((text) => text.replaceAll(/[\r\n]/g, ' '));
