import { INVALID_PARAMS, RpcError } from '../core/errors.ts';
import { at, type JsonObject, stringAt } from '../json/json.ts';
import type { DownstreamState, DownstreamStatus } from '../core/status.ts';
import type { MetaTool } from './meta-tools.ts';

export interface ServerReport extends JsonObject {
  readonly server: string;
  readonly state: DownstreamState;
  readonly tools: number;
  readonly startingMs?: number | undefined;
  readonly lastFailure?: DownstreamStatus['lastFailure'];
}

/** `proxy_status`: how every downstream server is doing. Asks nothing of the servers themselves. */
export function proxyStatus(report: (view: string) => readonly ServerReport[]): MetaTool {
  return {
    name: 'proxy_status',
    description:
      'Shows the state of every MCP server behind this proxy: whether it is connected, how many tools it offers, calls and errors so far, and what went wrong last.',
    inputSchema: {
      type: 'object',
      properties: {
        server: { type: 'string', description: 'Only this server (its key in the configuration)' },
      },
      additionalProperties: false,
    },
    outputSchema: {
      type: 'object',
      properties: {
        servers: {
          type: 'array',
          items: {
            type: 'object',
            properties: {
              server: { type: 'string' },
              state: { type: 'string' },
              tools: { type: 'integer' },
              calls: { type: 'integer' },
              errors: { type: 'integer' },
            },
            required: ['server', 'state', 'tools', 'calls', 'errors'],
          },
        },
      },
      required: ['servers'],
    },
    annotations: { title: 'Proxy status', readOnlyHint: true, openWorldHint: false },
    answer: (call) => {
      const servers = report(call.client.view);
      const wanted = stringAt(at(call.params.value, 'arguments'), 'server');
      if (wanted === undefined) return Promise.resolve({ servers });
      const found = servers.filter(({ server }) => server === wanted);
      if (found.length > 0) return Promise.resolve({ servers: found });
      const known = servers.map(({ server }) => `"${server}"`).join(', ');
      throw RpcError.of(INVALID_PARAMS, `There is no server "${wanted}"; there are: ${known}`);
    },
  };
}
