/** What a client said it can do, and what a question needs. */
import { at, isObject, type JsonObject } from '../core/json.ts';

/** The capability that a question needs, as the protocol declares it; `undefined` for questions that need none. */
export function capabilityFor(method: string, params: unknown): JsonObject | undefined {
  switch (method) {
    case 'roots/list':
      return { roots: {} };
    case 'sampling/createMessage': {
      const withTools = at(params, 'tools') !== undefined || at(params, 'toolChoice') !== undefined;
      return { sampling: withTools ? { tools: {} } : {} };
    }
    case 'elicitation/create':
      return { elicitation: at(params, 'mode') === 'url' ? { url: {} } : { form: {} } };
    case 'tasks/get':
    case 'tasks/result':
    case 'tasks/list':
    case 'tasks/cancel':
      return { tasks: {} };
    default:
      return undefined;
  }
}

/** Whether `offered` has everything that `needed` names. */
export function covers(offered: JsonObject, needed: JsonObject): boolean {
  return Object.entries(needed).every(([key, part]) => {
    const found = at(offered, key);
    // An empty `elicitation` object means forms: the URL mode came later and has to be named.
    if (key === 'form' && isObject(offered) && Object.keys(offered).length === 0) return true;
    if (found === undefined) return false;
    return !isObject(part) || covers(isObject(found) ? found : {}, part);
  });
}
