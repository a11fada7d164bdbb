import type { Route } from '../catalog.ts';
import { withoutPrefix, type ClaimedUri } from './uri-claims.ts';
import { parseUriTemplate } from './uri-template.ts';

/** A server with more templates than this has the rest listed, but nothing is routed by them. */
const MAX_MATCHED_PER_SERVER = 1000;
/**
 * How much trying of one server's templates a URI is worth, in characters times parts: about a millisecond. Honest
 * templates mostly differ in how they begin, which costs nothing.
 */
const MAX_STEPS_PER_SERVER = 100_000;

/**
 * Finds who answers a URI that nobody listed: the first server in config order with a template that matches, and
 * among its templates the most literal one.
 *
 * @param templates in config order, as `settleUris` gives them.
 */
export function templateFinder(templates: readonly ClaimedUri[]): (uri: string) => Route | undefined {
  const servers = new Map<string, ClaimedUri[]>();
  for (const template of templates) {
    const ofServer = servers.get(template.server);
    if (ofServer) ofServer.push(template);
    else servers.set(template.server, [template]);
  }
  const candidates = [...servers.values()].flatMap((ofServer) =>
    ofServer
      .slice(0, MAX_MATCHED_PER_SERVER)
      .flatMap((template) => {
        const parsed = parseUriTemplate(template.seen);
        return parsed ? [{ template, ...parsed }] : [];
      })
      .sort((a, b) => b.literalLength - a.literalLength),
  );
  return (uri) => {
    const steps = new Map<string, number>();
    const found = candidates.find(({ template: { server }, begins, ends, parts, matches }) => {
      if (!uri.startsWith(begins) || !uri.endsWith(ends)) return false;
      const spent = (steps.get(server) ?? 0) + parts * uri.length;
      steps.set(server, spent);
      // The first one is always tried.
      return (spent <= MAX_STEPS_PER_SERVER || spent === parts * uri.length) && matches(uri);
    })?.template;
    if (!found) return undefined;
    return {
      name: uri,
      targets: [{ server: found.server, originalName: withoutPrefix(uri, found.prefix) }],
    };
  };
}
